//! One limit as people see it: its name, what it allows, who declared it, and what it is there for.

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

/// What a limit is there for.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// To deny.
    Enforce,
    /// To be counted and reported, and never to deny.
    Shadow,
    /// To deny those who were denied too often.
    Meta(MetaRole),
}

/// How a meta limit counts. The limit it stands beside is the one that requests are tested
/// against: the counter itself or, where the penalty has a time of its own, the block.
#[derive(Clone, Debug)]
pub(crate) struct MetaRole {
    /// The counter of breaches, where that is not the tested limit.
    pub(crate) counter: Option<Limit>,
    /// What one breach counts.
    pub(crate) cost: u64,
    /// Counts breaches of every limit of the rule, once per request.
    pub(crate) global: bool,
}

/// Who declared a limit.
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

    /// The same, where handlers share its counter or not.
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

    /// What is allowed, as people write it; of a block, how many breaches.
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

/// `slow-per-day`, `mysql-per-2-hours`: what a policy is called that was given no name.
///
/// The names travel as RFC 9651 Strings, so anything but printable ASCII becomes a hyphen.
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
