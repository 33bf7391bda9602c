//! A limit that several handlers share.

use super::record::LimitRecord;

/// A limit that several handlers share, declared once as a `static`.
///
/// A malformed limit or an empty scope is a compile error.
///
/// ```
/// use limiter_actix::{shared_limit, SharedLimit};
///
/// static DATABASE: SharedLimit = SharedLimit::new("100/hour", "mysql");
///
/// #[shared_limit(DATABASE)]
/// async fn orders() -> &'static str { "orders" }
///
/// #[shared_limit(DATABASE, cost = 5)]
/// async fn report() -> &'static str { "report" }
/// ```
///
/// ```compile_fail
/// # use limiter_actix::SharedLimit;
/// static DATABASE: SharedLimit = SharedLimit::new("100 per fortnight", "mysql");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SharedLimit {
    text: &'static str,
    scope: &'static str,
}

impl SharedLimit {
    /// One or several limits in limit notation, and the name of the scope that they share.
    ///
    /// # Panics
    /// If the notation is malformed or the scope empty; in a `static` that is a compile error.
    #[track_caller]
    pub const fn new(limits: &'static str, scope: &'static str) -> Self {
        limiter_core::notation::assert_valid(limits);
        assert!(!scope.is_empty(), "a shared limit needs a scope name that is not empty");
        Self { text: limits, scope }
    }

    /// Not public API. Used by generated code.
    #[doc(hidden)]
    pub const fn record(&self) -> LimitRecord {
        LimitRecord::limit(self.text).shared(self.scope)
    }
}
