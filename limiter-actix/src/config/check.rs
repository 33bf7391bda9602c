//! What is checked before the first request.

use limiter_core::{Storage, Strategy};

use super::given::GivenClass;
use crate::{
    declare::{Cost, HandlerRecord, LimitOptions, LimitText, MetaLimit, check_quota},
    error::BuildError,
    identify::Addresses,
    limiter::{LimitClass, Settings},
};

/// A parsed class of limits; empty if the limiter is disabled.
pub(super) fn checked(
    option: &str,
    given: GivenClass,
    strategy: Strategy,
    storage: &dyn Storage,
    enabled: bool,
) -> Result<LimitClass, BuildError> {
    let GivenClass { texts: given, options } = given;
    let with_option = |problem: String| BuildError::new(format!("{option}: {problem}"));
    let mut texts = Vec::new();
    for given in given.into_iter().filter(|_| enabled) {
        for text in given.parse().map_err(|error| with_option(error.to_string()))? {
            if let LimitText::Fixed(quotas) = &text {
                for quota in quotas {
                    check_quota(quota, strategy, storage, &options.cost).map_err(with_option)?;
                }
            }
            texts.push(text);
        }
    }
    Ok(LimitClass { texts, options })
}

pub(super) fn check_paths(settings: &Settings) -> Result<(), BuildError> {
    settings
        .limits
        .exempt_paths
        .check()
        .map_err(|problem| BuildError::new(format!("exempt_path: {problem}")))
}

pub(super) fn check_prefixes(identity: &Addresses) -> Result<(), BuildError> {
    let checks =
        [("ipv4_prefix", identity.ipv4_prefix, 32), ("ipv6_prefix", identity.ipv6_prefix, 128)];
    match checks.into_iter().find(|(_, bits, most)| *bits == 0 || bits > most) {
        Some((option, bits, most)) => Err(BuildError::new(format!(
            "{option}: expected 1 to {most} bits, found {bits}; the key `everyone` counts all \
             clients as one"
        ))),
        None => Ok(()),
    }
}

pub(super) fn check_record(
    record: &'static HandlerRecord,
    settings: &Settings,
    storage: &dyn Storage,
) -> Result<(), BuildError> {
    for limit in record.limits() {
        let of_record = |problem: String| {
            BuildError::new(format!(
                "the limit `{}` of `{}` ({}:{}): {problem}",
                limit.text().unwrap_or("(dynamic)"),
                record.handler(),
                record.file(),
                record.line()
            ))
        };
        let strategy = limit.strategy.unwrap_or(settings.limits.strategy);
        let options = LimitOptions::from(limit);
        for quota in limit.quotas().iter().chain(&options.candidate) {
            check_quota(quota, strategy, storage, &options.cost).map_err(of_record)?;
        }
        for meta in &options.meta {
            check_meta(meta, settings.limits.strategy, storage).map_err(of_record)?;
        }
    }
    Ok(())
}

pub(super) fn check_meta(
    meta: &MetaLimit,
    strategy: Strategy,
    storage: &dyn Storage,
) -> Result<(), String> {
    let (quotas, block) = meta.parse().map_err(|error| error.to_string())?;
    let cost = Cost::Fixed(meta.cost);
    for quota in &quotas {
        check_quota(quota, strategy, storage, &cost)?;
    }
    match block {
        Some(block) => check_quota(&block, Strategy::FixedWindow, storage, &Cost::Fixed(1)),
        None => Ok(()),
    }
}
