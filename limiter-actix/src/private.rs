//! Not public API. Used by generated code.

use actix_web::HttpRequest;
use futures_core::future::LocalBoxFuture;
use limiter_core::{IntoKey, Key};

use crate::key_by::KeyBy;
pub use crate::{
    gate::Gate,
    record::{CostRecord, Exemption, HandlerRecord, KeyFn, LimitRecord, RouteRecord},
};
pub use actix_web::{Either, HttpResponse};
pub use inventory;
pub use limiter_core::Strategy;

/// `key = f`.
// By value, so that the expansion reads `key(request, f)` for a path, a closure and a tuple alike.
#[allow(clippy::needless_pass_by_value)]
#[inline]
pub fn key(request: &HttpRequest, by: impl KeyBy) -> Option<Key> {
    by.key(request)
}

/// `key = async f`.
pub fn key_async<'a, F, K>(request: &'a HttpRequest, by: F) -> LocalBoxFuture<'a, Option<Key>>
where
    F: AsyncFn(&HttpRequest) -> K + 'a,
    K: IntoKey,
{
    Box::pin(async move { by(request).await.into_key() })
}

/// `cost = f`.
#[inline]
pub fn cost(request: &HttpRequest, of: impl Fn(&HttpRequest) -> u64) -> u64 {
    of(request)
}

/// `cost = async f`.
pub fn cost_async<'a, F>(request: &'a HttpRequest, of: F) -> LocalBoxFuture<'a, u64>
where
    F: AsyncFn(&HttpRequest) -> u64 + 'a,
{
    Box::pin(async move { of(request).await })
}
