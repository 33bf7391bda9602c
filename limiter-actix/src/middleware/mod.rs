//! The middleware around an app: opens a context for every request, limits what no gate guards,
//! and writes headers.

mod future;
mod service;
mod transform;

pub(crate) use self::future::RateLimitFuture;
pub use self::transform::RateLimit;
