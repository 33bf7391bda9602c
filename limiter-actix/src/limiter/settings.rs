//! The checked configuration of a limiter.

use std::sync::Arc;

use limiter_core::{Clock, Strategy};

use super::namespace::Namespace;
use crate::{
    answer::Headers,
    declare::{ExemptPaths, LimitOptions, LimitText, MetaLimit, OnBreach},
    identify::{Access, Identity},
    storage::Store,
};

/// The configuration of a limiter.
pub(crate) struct Settings {
    /// Who is counted.
    pub(crate) identity: Identity,
    /// Who is exempt, and who is denied.
    pub(crate) access: Access,
    /// The limiter's own limits.
    pub(crate) limits: LimitSettings,
    /// How requests are answered.
    pub(crate) answers: AnswerSettings,
    /// The names of counters.
    pub(crate) namespace: Namespace,
    /// Where counters are kept.
    pub(crate) storage: Store,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The limiter's own limits, and the defaults for limits that leave an option out.
pub(crate) struct LimitSettings {
    pub(crate) strategy: Strategy,
    pub(crate) application: LimitClass,
    pub(crate) defaults: LimitClass,
    pub(crate) metas: Vec<MetaLimit>,
    pub(crate) exempt_paths: ExemptPaths,
    /// Whether requests that match no resource are counted.
    pub(crate) count_unmatched: bool,
    pub(crate) invalid_dynamic: InvalidLimit,
}

/// How requests are answered.
pub(crate) struct AnswerSettings {
    pub(crate) headers: Headers,
    pub(crate) on_breach: Option<OnBreach>,
    pub(crate) on_meta_breach: Option<OnBreach>,
    pub(crate) fail_on_first_breach: bool,
}

/// Limits of the limiter itself: the default or the application limits.
pub(crate) struct LimitClass {
    pub(crate) texts: Vec<LimitText>,
    pub(crate) options: LimitOptions,
}

/// What happens to a request for which a function returns a limit that cannot be parsed or
/// enforced. Either way it is logged, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidLimit {
    /// As if the function had returned nothing: the other limits of the handler apply, and the
    /// default limits. The default.
    #[default]
    Defaults,
    /// The request gets 500. Choose this if there are no default limits to fall back to.
    Deny,
}
