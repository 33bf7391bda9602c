//! Options as given, before they are checked.

use limiter_core::Strategy;

use crate::{
    declare::{ExemptPaths, LimitOptions, LimitText, MetaLimit},
    identify::{Addresses, LimiterKey, MissingIdentity},
    limiter::InvalidLimit,
};

/// Who is counted.
#[derive(Default)]
pub(super) struct GivenIdentity {
    pub(super) addresses: Addresses,
    pub(super) key: Option<LimiterKey>,
    pub(super) key_name: &'static str,
    pub(super) missing: MissingIdentity,
}

/// The limiter's own limits.
pub(super) struct GivenLimitSettings {
    pub(super) strategy: Strategy,
    pub(super) application: GivenClass,
    pub(super) defaults: GivenClass,
    pub(super) metas: Vec<MetaLimit>,
    pub(super) exempt_paths: ExemptPaths,
    pub(super) count_unmatched: bool,
    pub(super) invalid_dynamic: InvalidLimit,
}

/// A class of limits.
#[derive(Default)]
pub(super) struct GivenClass {
    pub(super) texts: Vec<LimitText<Vec<String>>>,
    pub(super) options: LimitOptions,
}

impl Default for GivenLimitSettings {
    fn default() -> Self {
        Self {
            strategy: Strategy::FixedWindow,
            application: GivenClass::default(),
            defaults: GivenClass::default(),
            metas: Vec::new(),
            exempt_paths: ExemptPaths::default(),
            count_unmatched: true,
            invalid_dynamic: InvalidLimit::Defaults,
        }
    }
}
