//! The limiter's options that its storage takes over.

use std::sync::Arc;

use limiter_core::{Clock, Strategy};

/// The limiter's options that its storage takes over: prefix, strategy, clock.
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "memory reads the clock only"))]
pub(crate) struct StorageDefaults<'a> {
    pub(crate) key_prefix: &'a str,
    pub(crate) strategy: Strategy,
    pub(crate) clock: Option<&'a Arc<dyn Clock>>,
}
