//! Whether a quota can be enforced.

use limiter_core::{Quota, Storage, Strategy};

use super::cost::Cost;

/// Whether a quota can be enforced: by its strategy, by the storage, and at its cost.
pub(crate) fn check_quota(
    quota: &Quota,
    strategy: Strategy,
    storage: &dyn Storage,
    cost: &Cost,
) -> Result<(), String> {
    check_enforceable(quota, strategy, storage)?;
    check_cost(quota, cost)
}

/// Whether a quota can ever admit a request of this cost.
pub(super) fn check_cost(quota: &Quota, cost: &Cost) -> Result<(), String> {
    match cost {
        Cost::Fixed(cost) if quota.amount() > 0 && *cost > quota.capacity() => Err(format!(
            "expected a cost of at most {}, found {cost}: under `{quota}` no request would ever be \
             admitted",
            quota.capacity()
        )),
        _ => Ok(()),
    }
}

/// Whether a quota can be enforced by its strategy and by the storage.
pub(crate) fn check_enforceable(
    quota: &Quota,
    strategy: Strategy,
    storage: &dyn Storage,
) -> Result<(), String> {
    strategy.check(quota).map_err(|unsupported| unsupported.to_string())?;
    if !storage.supports(strategy) {
        return Err(format!(
            "expected a strategy that the storage {} supports, found `{strategy}`; choose another \
             strategy or another storage",
            storage.name()
        ));
    }
    storage.check_quota(strategy, quota).map_err(|error| error.to_string())
}
