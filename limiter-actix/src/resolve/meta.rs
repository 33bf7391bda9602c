//! Meta limits, as limits of a rule.

use std::sync::Arc;

use ahash::HashMap;
use limiter_core::{Limit, Strategy};

use super::{
    declaration::Declaration,
    rule::{LimitKey, RuleLimit},
};
use crate::{
    declare::{Cost, MetaLimit, OnBreach},
    limit::{LimitOrigin, MetaRole, Policy, Role},
    limiter::{Settings, namespace},
};

/// The meta limits for the breaches of these limits, to which their indexes are added. Each of the
/// limits comes with the index of its declaration.
pub(super) fn meta_limits(
    settings: &Settings,
    declarations: &[Declaration],
    global: &[MetaLimit],
    limits: &mut [(usize, RuleLimit)],
) -> Vec<RuleLimit> {
    let mut metas = Vec::new();
    if !limits.iter().any(|(_, limit)| limit.is_enforced()) {
        return metas;
    }
    let first = limits.len();
    let mut declared: HashMap<usize, Box<[usize]>> = HashMap::default();
    for (index, (declaration, limit)) in limits.iter().enumerate() {
        if !limit.is_enforced() || declared.contains_key(declaration) {
            continue;
        }
        let before = metas.len();
        for meta in &declarations[*declaration].options.meta {
            metas.extend(rule_limits(settings, meta, LimitKey::SameAs(index), false));
        }
        declared.insert(*declaration, (first + before..first + metas.len()).collect());
    }
    for (declaration, limit) in limits.iter_mut().filter(|(_, limit)| limit.is_enforced()) {
        limit.metas = declared.get(declaration).cloned().unwrap_or_default();
    }
    for meta in global {
        metas.extend(rule_limits(settings, meta, LimitKey::Limiter, true));
    }
    metas
}

/// The limiter's limits on the breaches of all other limits.
#[cfg(feature = "cli")]
pub(crate) fn global_metas(settings: &Settings) -> Vec<RuleLimit> {
    let metas = settings.limits.metas.iter();
    metas.flat_map(|meta| rule_limits(settings, meta, LimitKey::Limiter, true)).collect()
}

/// The limits of one meta limit. Its text was checked when it was declared or built.
fn rule_limits(
    settings: &Settings,
    meta: &MetaLimit,
    key: LimitKey,
    global: bool,
) -> impl Iterator<Item = RuleLimit> {
    let (quotas, block) = meta.parse().unwrap_or_default();
    let key = meta.own_key().map_or(key, LimitKey::Own);
    let scope = settings.namespace.meta(meta.text());
    quotas.into_iter().map(move |quota| {
        let counter = Limit::new(quota, settings.limits.strategy, &scope);
        let (limit, counter, tested) = match block {
            Some(block) => {
                let scope = namespace::penalty(&scope, &quota.to_string());
                (Limit::new(block, Strategy::FixedWindow, &scope), Some(counter), 1)
            }
            None => (counter, None, meta.cost),
        };
        let own = meta.on_breach.map(|callback| Arc::new(callback) as OnBreach);
        let on_breach = own.or_else(|| settings.answers.on_meta_breach.clone());
        let name = format!("meta-{quota}").replace(' ', "-").into();
        let role = Role::Meta(MetaRole { counter, cost: meta.cost, global });
        let policy = Policy::new(name, limit, role, LimitOrigin::Meta).shared(true);
        RuleLimit {
            cost: Cost::Fixed(tested),
            exempt_when: meta.exemption(),
            on_breach,
            ..RuleLimit::plain(policy, key.clone())
        }
    })
}
