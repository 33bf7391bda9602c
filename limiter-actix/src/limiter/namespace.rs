//! The names of counters. A remote storage holds them: they must not change.

use limiter_core::Scope;

use crate::declare::HandlerRecord;

/// Names the counters of one limiter: each name is a path, whose first part is the kind of limit.
pub(crate) struct Namespace {
    /// In front of every name.
    pub(crate) prefix: String,
    /// Handlers that share their path with another one, such as methods of the same name on two
    /// types: by the path alone they would share counters.
    namesakes: Vec<&'static HandlerRecord>,
}

impl Namespace {
    pub(crate) fn new(prefix: String, records: &[&'static HandlerRecord]) -> Self {
        // In the order of file and line.
        let has_namesake = |record: &&&'static HandlerRecord| {
            records.iter().filter(|other| other.handler() == record.handler()).count() > 1
        };
        let namesakes = records.iter().filter(has_namesake).copied().collect();
        Self { prefix, namesakes }
    }

    /// Application limits: one counter for all.
    pub(crate) fn application(&self) -> Scope {
        self.kind("application")
    }

    /// Default limits of a handler.
    pub(crate) fn default_of_handler(&self, record: &'static HandlerRecord) -> Scope {
        self.of_handler("default", record)
    }

    /// Default limits of an endpoint, `GET /users/{id}`.
    pub(crate) fn default_of_endpoint(&self, endpoint: &str) -> Scope {
        self.kind("default").part(endpoint)
    }

    /// A handler's own limits.
    pub(crate) fn handler(&self, record: &'static HandlerRecord) -> Scope {
        self.of_handler("handler", record)
    }

    /// A handler's own limits, divided by a name.
    pub(crate) fn handler_part(&self, record: &'static HandlerRecord, part: &str) -> Scope {
        self.handler(record).part(part)
    }

    /// A handler's own limits, divided by the result of a function, which is appended.
    pub(crate) fn handler_part_by(&self, record: &'static HandlerRecord) -> Scope {
        self.handler(record).part("function")
    }

    /// Limits that handlers share under a name.
    pub(crate) fn shared(&self, name: &str) -> Scope {
        self.kind("shared").part(name)
    }

    /// Limits that handlers share under the result of a function, which is appended.
    pub(crate) fn shared_by(&self) -> Scope {
        self.kind("shared-by")
    }

    /// Limits of a scope, shared by all its endpoints.
    pub(crate) fn shared_scope(&self, scope: &str) -> Scope {
        self.kind("scope").part(scope)
    }

    /// Limits of a scope, for a handler in it.
    pub(crate) fn scope_of_handler(&self, scope: &str, record: &'static HandlerRecord) -> Scope {
        self.handler(record).part("scope").part(scope)
    }

    /// Limits of a scope, for an endpoint in it.
    pub(crate) fn scope_of_endpoint(&self, scope: &str, endpoint: &str) -> Scope {
        self.kind("endpoint").part(endpoint).part("scope").part(scope)
    }

    /// Blocks of code in an endpoint, of this name if they have one.
    pub(crate) fn block(&self, endpoint: &str, name: Option<&str>) -> Scope {
        let all = self.kind("block").part(endpoint);
        match name {
            Some(name) => all.part(name),
            None => all,
        }
    }

    /// Blocks of code that share a name.
    pub(crate) fn shared_block(&self, name: &str) -> Scope {
        self.kind("shared-block").part(name)
    }

    /// A meta limit, by its text: as in the reference, meta limits with the same text count the
    /// same breaches.
    pub(crate) fn meta(&self, words: &str) -> Scope {
        self.kind("meta").part(words)
    }

    fn of_handler(&self, kind: &str, record: &'static HandlerRecord) -> Scope {
        let scope = self.kind(kind).part(record.handler());
        match self.namesakes.iter().position(|namesake| std::ptr::eq(*namesake, record)) {
            Some(index) => scope.part(&index.to_string()),
            None => scope,
        }
    }

    fn kind(&self, kind: &str) -> Scope {
        Scope::new(&self.prefix).part(kind)
    }
}

/// The endpoint of requests that match no resource.
pub(crate) const UNMATCHED: &str = "unmatched";

/// A dynamic limit has separate counters in its scope, so that the number of another limit never
/// depends on what a function returns.
pub(crate) fn dynamic(scope: Scope, index: usize) -> Scope {
    scope.part("dynamic").part(&index.to_string())
}

/// The candidate of a limit.
pub(crate) fn candidate(scope: &Scope) -> Scope {
    scope.clone().part("candidate")
}

/// The block of a meta limit, by the quota that leads to it.
pub(crate) fn penalty(meta: &Scope, quota: &str) -> Scope {
    meta.clone().part("block").part(quota)
}
