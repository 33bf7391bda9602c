//! The limits of one request, ready to be charged.

use std::fmt;

use actix_web::http::header::HeaderValue;
use limiter_core::{Key, Limit, Mode, OnStoreError, Quota};

use super::terms::{Message, OnBreach};
use crate::{
    function::{Cost, Function, ResponseFn},
    headers,
};

/// Every limit that applies to the requests of one handler and method, or of one undecorated
/// endpoint: shortest window first, meta limits last.
#[derive(Debug)]
pub(crate) struct Rule {
    limits: Box<[RuleLimit]>,
    /// The `RateLimit-Policy` field, the same for all responses.
    policy_field: Option<HeaderValue>,
    /// Whether every key, cost and exemption is known without waiting.
    immediate: bool,
    /// Whether keys, costs or exemptions are functions of the request.
    needs_request: bool,
    /// Whether a response may change what was charged.
    settles: bool,
    /// Whether a limit never denies, so that its breach is only reported.
    has_shadows: bool,
    /// A function returned a limit that is none, and the policy is to deny.
    invalid: bool,
}

/// One limit of a rule.
pub(crate) struct RuleLimit {
    pub(crate) limit: Limit,
    /// The policy's name in headers, bodies and reports: printable ASCII.
    pub(crate) name: Box<str>,
    pub(crate) role: Role,
    /// Who declared it.
    pub(crate) class: Class,
    /// Whether handlers share its counter.
    pub(crate) shared: bool,
    /// Whether a function of the request names a part of its scope.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only people ask for it"))]
    pub(crate) scope_is_asked: bool,
    pub(crate) key: LimitKey,
    pub(crate) cost: Cost,
    pub(crate) exempt_when: Option<Function<bool>>,
    pub(crate) deduct_when: Option<ResponseFn<bool>>,
    pub(crate) cost_after: Option<ResponseFn<u64>>,
    pub(crate) on_breach: Option<OnBreach>,
    pub(crate) error_message: Option<Message>,
    /// The places in the rule of the meta limits that count this limit's breaches.
    pub(crate) metas: Box<[usize]>,
    /// The place of the last limit with the same counter, where it stands more than once.
    pub(crate) twin: Option<usize>,
    /// What happens while the storage does not answer; the limiter's policy where it says nothing.
    pub(crate) on_store_error: Option<OnStoreError>,
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

/// Who declared a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Application,
    Default,
    /// A scope around the innermost one.
    OuterScope,
    /// The innermost scope.
    Scope,
    /// The handler, or a block in it.
    Own,
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

/// Who is counted by a limit.
#[derive(Clone)]
pub(crate) enum LimitKey {
    /// Whoever the limiter's key says.
    Limiter,
    /// Whoever its own function says.
    Own(Function<Option<Key>>),
    /// The same as by another limit of the rule.
    SameAs(usize),
}

impl Rule {
    pub(crate) fn new(mut limits: Vec<RuleLimit>, invalid: bool) -> Self {
        for place in 0..limits.len() {
            let id = limits[place].limit.id();
            let last = limits.iter().rposition(|other| other.limit.id() == id);
            limits[place].twin = last.filter(|last| *last != place);
        }
        let immediate = limits.iter().all(RuleLimit::is_immediate);
        let needs_request = limits.iter().any(RuleLimit::needs_request);
        let settles =
            limits.iter().any(|limit| limit.deduct_when.is_some() || limit.cost_after.is_some());
        let has_shadows = limits.iter().any(|limit| matches!(limit.role, Role::Shadow));
        let policy_field = headers::policy_field(&limits);
        let limits = limits.into_boxed_slice();
        Self { limits, policy_field, immediate, needs_request, settles, has_shadows, invalid }
    }

    #[inline]
    pub(crate) fn limits(&self) -> &[RuleLimit] {
        &self.limits
    }

    pub(crate) fn policy_field(&self) -> Option<&HeaderValue> {
        self.policy_field.as_ref()
    }

    #[inline]
    pub(crate) fn is_immediate(&self) -> bool {
        self.immediate
    }

    #[inline]
    pub(crate) fn needs_request(&self) -> bool {
        self.needs_request
    }

    #[inline]
    pub(crate) fn settles(&self) -> bool {
        self.settles
    }

    #[inline]
    pub(crate) fn has_shadows(&self) -> bool {
        self.has_shadows
    }

    #[inline]
    pub(crate) fn is_invalid(&self) -> bool {
        self.invalid
    }
}

impl RuleLimit {
    /// A limit of which nothing is said but how many.
    pub(crate) fn plain(label: &str, limit: Limit, key: LimitKey) -> Self {
        Self {
            name: policy_name(label, limit.quota()),
            limit,
            role: Role::Enforce,
            class: Class::Own,
            shared: false,
            scope_is_asked: false,
            key,
            cost: Cost::Fixed(1),
            exempt_when: None,
            deduct_when: None,
            cost_after: None,
            on_breach: None,
            error_message: None,
            metas: Box::default(),
            twin: None,
            on_store_error: None,
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

    pub(crate) fn is_meta(&self) -> bool {
        matches!(self.role, Role::Meta(_))
    }

    pub(crate) fn is_enforced(&self) -> bool {
        matches!(self.role, Role::Enforce)
    }

    /// What is allowed, as people write it; of a block, how many breaches.
    pub(crate) fn quota(&self) -> &Quota {
        match &self.role {
            Role::Meta(MetaRole { counter: Some(counter), .. }) => counter.quota(),
            _ => self.limit.quota(),
        }
    }

    fn needs_request(&self) -> bool {
        matches!(self.key, LimitKey::Own(_))
            || matches!(self.cost, Cost::Function(_))
            || self.exempt_when.is_some()
    }

    fn is_immediate(&self) -> bool {
        let key = match &self.key {
            LimitKey::Own(function) => function.is_immediate(),
            LimitKey::Limiter | LimitKey::SameAs(_) => true,
        };
        key && self.cost.is_immediate()
            && self.exempt_when.as_ref().is_none_or(Function::is_immediate)
    }
}

impl fmt::Debug for RuleLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleLimit")
            .field("name", &self.name)
            .field("limit", &self.limit)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// `slow-per-day`, `mysql-per-2-hours`: what a policy is called that was given no name.
///
/// The names travel as RFC 9651 Strings, so anything but printable ASCII becomes a hyphen.
fn policy_name(of: &str, quota: &Quota) -> Box<str> {
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
