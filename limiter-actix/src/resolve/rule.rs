//! The limits of one request, ready to be charged.

use std::{fmt, rc::Rc};

use actix_web::http::header::HeaderValue;
use limiter_core::{Key, OnStoreError};

use crate::{
    answer::policy_field,
    declare::{Cost, Function, Message, OnBreach, ResponseFn},
    limit::Policy,
};

/// Every limit that applies to the requests of one handler and method, or of one undecorated
/// endpoint: shortest window first, meta limits last.
#[derive(Debug)]
pub(crate) struct Rule {
    limits: Box<[RuleLimit]>,
    /// The `RateLimit-Policy` field, the same for all responses.
    policy_field: Option<HeaderValue>,
    /// Whether no key, cost or exemption is an async function.
    immediate: bool,
    /// Whether keys, costs or exemptions are functions of the request.
    needs_request: bool,
    /// Whether a response may change the charges.
    settles: bool,
    /// Whether a limit never denies, so that its breach is only reported.
    has_shadows: bool,
    /// A function returned an invalid limit, and the policy is to deny.
    invalid: bool,
}

/// One limit of a rule.
pub(crate) struct RuleLimit {
    pub(crate) policy: Rc<Policy>,
    /// Whether a function of the request returns part of its scope.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "read by the command line only"))]
    pub(crate) has_dynamic_scope: bool,
    pub(crate) key: LimitKey,
    pub(crate) cost: Cost,
    pub(crate) exempt_when: Option<Function<bool>>,
    pub(crate) deduct_when: Option<ResponseFn<bool>>,
    pub(crate) cost_after: Option<ResponseFn<u64>>,
    pub(crate) on_breach: Option<OnBreach>,
    pub(crate) error_message: Option<Message>,
    /// The indexes in the rule of the meta limits that count this limit's breaches.
    pub(crate) metas: Box<[usize]>,
    /// The index of the last limit with the same counter, if there are several.
    pub(crate) last_with_same_counter: Option<usize>,
    /// What happens while the storage does not answer; `None` for the limiter's policy.
    pub(crate) on_store_error: Option<OnStoreError>,
}

/// The key of a limit.
#[derive(Clone)]
pub(crate) enum LimitKey {
    /// The limiter's key.
    Limiter,
    /// The limit's own key function.
    Own(Function<Option<Key>>),
    /// The same key as another limit of the rule.
    SameAs(usize),
}

impl Rule {
    pub(crate) fn new(mut limits: Vec<RuleLimit>, invalid: bool) -> Self {
        for index in 0..limits.len() {
            let id = limits[index].policy.limit().id();
            let last = limits.iter().rposition(|other| other.policy.limit().id() == id);
            limits[index].last_with_same_counter = last.filter(|last| *last != index);
        }
        let immediate = limits.iter().all(RuleLimit::is_immediate);
        let needs_request = limits.iter().any(RuleLimit::needs_request);
        let settles =
            limits.iter().any(|limit| limit.deduct_when.is_some() || limit.cost_after.is_some());
        let has_shadows = limits.iter().any(|limit| limit.policy.is_shadow());
        let policy_field = policy_field(limits.iter().map(|limit| &*limit.policy));
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
    /// A limit without options.
    pub(crate) fn plain(policy: Policy, key: LimitKey) -> Self {
        Self {
            policy: Rc::new(policy),
            has_dynamic_scope: false,
            key,
            cost: Cost::Fixed(1),
            exempt_when: None,
            deduct_when: None,
            cost_after: None,
            on_breach: None,
            error_message: None,
            metas: Box::default(),
            last_with_same_counter: None,
            on_store_error: None,
        }
    }

    pub(crate) fn is_meta(&self) -> bool {
        self.policy.is_meta()
    }

    pub(crate) fn is_enforced(&self) -> bool {
        self.policy.is_enforced()
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
        f.debug_struct("RuleLimit").field("policy", &self.policy).finish_non_exhaustive()
    }
}
