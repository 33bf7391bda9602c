//! The limits of a block of code, as a rule.

use limiter_core::{Key, Limit, Quota, Scope, Strategy};

use super::rule::{LimitKey, Rule, RuleLimit};
use crate::{
    declare::{Cost, Function},
    limit::{LimitOrigin, Policy, Role, policy_name},
};

/// The limits of a block for one request.
pub(crate) struct Block<'a> {
    pub(crate) quotas: Vec<Quota>,
    pub(crate) strategy: Strategy,
    pub(crate) scope: Scope,
    /// The first part of the policies' names.
    pub(crate) label: &'a str,
    pub(crate) key: Option<Function<Option<Key>>>,
    pub(crate) cost: u64,
}

impl Block<'_> {
    /// The rule, shortest window first. Its counters are numbered in the order of the text, so that
    /// two limits with the same window have separate counters.
    pub(crate) fn rule(self) -> Rule {
        let Self { quotas, strategy, scope, label, key, cost } = self;
        let mut policies: Vec<Policy> = quotas
            .into_iter()
            .zip(0..)
            .map(|(quota, number)| {
                let limit = Limit::with_ordinal(quota, strategy, &scope, number);
                let name = policy_name(label, &quota);
                Policy::new(name, limit, Role::Enforce, LimitOrigin::Handler)
            })
            .collect();
        policies.sort_by_key(|policy| policy.quota().window_micros());
        // The key function is called once, however many limits there are.
        let first = key.map_or(LimitKey::Limiter, LimitKey::Own);
        let keys = std::iter::once(first).chain(std::iter::repeat(LimitKey::SameAs(0)));
        let limits = policies.into_iter().zip(keys).map(|(policy, key)| RuleLimit {
            cost: Cost::Fixed(cost),
            ..RuleLimit::plain(policy, key)
        });
        Rule::new(limits.collect(), false)
    }
}
