//! Not public API. Used by generated code.
//!
//! It imports `identify`, `limit`, `declare` and `enforce`. It must not know more than generated code
//! names: functions that the compiler checks, and the records that they end up in.

use std::borrow::Cow;

use actix_web::{HttpRequest, dev::ResponseHead};
use futures_core::future::LocalBoxFuture;
use limiter_core::{IntoKey, Key};

pub use crate::{
    declare::{
        CostRecord, Exemption, HandlerRecord, LimitRecord, MessageRecord, MetaLimit, RequestFn,
        RouteRecord,
    },
    enforce::Gate,
};
use crate::{identify::KeyBy, limit::Breach};
pub use actix_web::{Either, HttpResponse};
pub use inventory;
pub use limiter_core::{OnStoreError, Strategy};

mod argument;

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
pub fn cost(request: &HttpRequest, of: impl argument::Cost) -> u64 {
    of(request)
}

/// `cost = async f`.
pub fn cost_async<'a>(
    request: &'a HttpRequest,
    of: impl argument::AsyncCost + 'a,
) -> LocalBoxFuture<'a, u64> {
    Box::pin(async move { of(request).await })
}

/// `exempt_when = f`.
#[inline]
pub fn exempt_when(request: &HttpRequest, is: impl argument::ExemptWhen) -> bool {
    is(request)
}

/// `exempt_when = async f`.
pub fn exempt_when_async<'a>(
    request: &'a HttpRequest,
    is: impl argument::AsyncExemptWhen + 'a,
) -> LocalBoxFuture<'a, bool> {
    Box::pin(async move { is(request).await })
}

/// `#[limit(f)]`.
#[inline]
pub fn limits<T, F: argument::Limits<T>>(request: &HttpRequest, of: F) -> Cow<'static, str> {
    F::keep(of(request))
}

/// `#[limit(async f)]`.
pub fn limits_async<'a, T, F: argument::AsyncLimits<T> + 'a>(
    request: &'a HttpRequest,
    of: F,
) -> LocalBoxFuture<'a, Cow<'static, str>> {
    Box::pin(async move { F::keep(of(request).await) })
}

/// `scope = f`.
#[inline]
pub fn scope<T, F: argument::Scope<T>>(request: &HttpRequest, of: F) -> Cow<'static, str> {
    F::keep(of(request))
}

/// `scope = async f`.
pub fn scope_async<'a, T, F: argument::AsyncScope<T> + 'a>(
    request: &'a HttpRequest,
    of: F,
) -> LocalBoxFuture<'a, Cow<'static, str>> {
    Box::pin(async move { F::keep(of(request).await) })
}

/// `deduct_when = f`.
#[inline]
pub fn deduct_when(head: &ResponseHead, deduct: impl argument::DeductWhen) -> bool {
    deduct(head)
}

/// `cost_after = f`.
#[inline]
pub fn cost_after(head: &ResponseHead, of: impl argument::CostAfter) -> u64 {
    of(head)
}

/// `on_breach = f`.
#[inline]
pub fn on_breach<T, F: argument::OnBreach<T>>(
    breach: &Breach<'_>,
    callback: F,
) -> Option<HttpResponse> {
    F::keep(callback(breach))
}

/// `error_message = f`.
#[inline]
pub fn error_message<T, F: argument::ErrorMessage<T>>(breach: &Breach<'_>, of: F) -> String {
    F::keep(of(breach))
}
