//! The limits of a block of code, as a rule.

use limiter_core::{Quota, Scope};

use super::{
    declaration::Declaration,
    rule::{LimitKey, Rule},
};
use crate::{declare::LimitOptions, limiter::Settings};

/// The rule of a block, shortest window first. Its counters are numbered in the order of the text,
/// so that two limits with the same window have separate counters.
pub(crate) fn block_rule(
    settings: &Settings,
    quotas: Vec<Quota>,
    scope: Scope,
    label: &str,
    options: LimitOptions,
) -> Rule {
    let declaration = Declaration::of_block(settings, scope, label, options);
    let numbered = quotas.into_iter().enumerate();
    let mut limits: Vec<_> =
        numbered.map(|(number, quota)| declaration.numbered(quota, number)).collect();
    limits.sort_by_key(|limit| limit.policy.limit().quota().window_micros());
    // The key function is called once, however many limits there are.
    for limit in limits.iter_mut().skip(1) {
        limit.key = LimitKey::SameAs(0);
    }
    Rule::new(limits, false)
}
