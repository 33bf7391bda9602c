//! One limit as people see it: its name, its quota, its origin and its role.

use limiter_core::{Limit, Mode, Quota};

/// One limit as headers, bodies, callbacks and reports name it.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// Printable ASCII.
    name: Box<str>,
    /// The limit that requests are tested against.
    limit: Limit,
    role: Role,
    origin: LimitOrigin,
    shared: bool,
}

/// The role of a limit.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// Denies requests over the quota.
    Enforce,
    /// Is counted and reported, but never denies.
    Shadow,
    /// Denies clients that were denied too often.
    Meta(MetaRole),
}

/// How a meta limit counts. Its policy's limit is the one that requests are tested against: the
/// counter itself or, if the penalty has its own duration, the block.
#[derive(Clone, Debug)]
pub(crate) struct MetaRole {
    /// The counter of breaches, if it is not the tested limit.
    pub(crate) counter: Option<Limit>,
    /// The cost of one breach.
    pub(crate) cost: u64,
    /// Counts breaches of every limit of the rule, once per request.
    pub(crate) global: bool,
}

/// What declared a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitOrigin {
    /// The limiter: an application limit.
    Application,
    /// The limiter: a default limit.
    Default,
    /// A scope around the handler.
    Scope,
    /// The handler, or a block in it.
    Handler,
    /// The limiter or the handler: a limit on breaches.
    Meta,
}

impl Policy {
    pub(crate) fn new(name: Box<str>, limit: Limit, role: Role, origin: LimitOrigin) -> Self {
        Self { name, limit, role, origin, shared: false }
    }

    /// The same, with or without a counter that handlers share.
    pub(crate) fn shared(self, shared: bool) -> Self {
        Self { shared, ..self }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The limit that requests are tested against.
    #[inline]
    pub(crate) fn limit(&self) -> &Limit {
        &self.limit
    }

    pub(crate) fn role(&self) -> &Role {
        &self.role
    }

    pub(crate) fn origin(&self) -> LimitOrigin {
        self.origin
    }

    /// Whether handlers share its counter.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared
    }

    /// The quota, as people write it; for a block, the number of breaches.
    pub(crate) fn quota(&self) -> &Quota {
        match &self.role {
            Role::Meta(MetaRole { counter: Some(counter), .. }) => counter.quota(),
            _ => self.limit.quota(),
        }
    }

    /// How the limit is charged.
    #[inline]
    pub(crate) fn mode(&self) -> Mode {
        match self.role {
            Role::Enforce => Mode::Enforce,
            Role::Shadow => Mode::Shadow,
            Role::Meta(_) => Mode::Test,
        }
    }

    #[inline]
    pub(crate) fn is_meta(&self) -> bool {
        matches!(self.role, Role::Meta(_))
    }

    #[inline]
    pub(crate) fn is_enforced(&self) -> bool {
        matches!(self.role, Role::Enforce)
    }

    #[inline]
    pub(crate) fn is_shadow(&self) -> bool {
        matches!(self.role, Role::Shadow)
    }
}

/// `slow-per-day`, `mysql-per-2-hours`: the default name of a policy.
///
/// The names are sent as RFC 9651 Strings, so anything except printable ASCII becomes a hyphen.
pub(crate) fn policy_name(of: &str, quota: &Quota) -> Box<str> {
    let window = match quota.multiples() {
        1 => quota.unit().to_string(),
        multiples => format!("{multiples}-{}s", quota.unit()),
    };
    let of: String = of
        .chars()
        .map(|char| if char.is_ascii_graphic() && !"\"\\".contains(char) { char } else { '-' })
        .collect();
    format!("{of}-per-{window}").into_boxed_str()
}
