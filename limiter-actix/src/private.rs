//! Not public API. Used by generated code.

use std::borrow::Cow;

use actix_web::{HttpRequest, dev::ResponseHead};
use futures_core::future::LocalBoxFuture;
use limiter_core::{IntoKey, Key};

use crate::{
    breach::{Breach, IntoBreachResponse},
    function::IntoLimitText,
    key_by::KeyBy,
};
pub use crate::{
    function::RequestFn,
    gate::Gate,
    meta::MetaLimit,
    record::{CostRecord, Exemption, HandlerRecord, LimitRecord, MessageRecord, RouteRecord},
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

/// `exempt_when = f`.
#[inline]
pub fn exempt_when(request: &HttpRequest, is: impl Fn(&HttpRequest) -> bool) -> bool {
    is(request)
}

/// `exempt_when = async f`.
pub fn exempt_when_async<'a, F>(request: &'a HttpRequest, is: F) -> LocalBoxFuture<'a, bool>
where
    F: AsyncFn(&HttpRequest) -> bool + 'a,
{
    Box::pin(async move { is(request).await })
}

/// `#[limit(f)]`.
#[inline]
pub fn limits<T: IntoLimitText>(
    request: &HttpRequest,
    of: impl Fn(&HttpRequest) -> T,
) -> Cow<'static, str> {
    of(request).into_limit_text()
}

/// `#[limit(async f)]`.
pub fn limits_async<'a, F, T>(
    request: &'a HttpRequest,
    of: F,
) -> LocalBoxFuture<'a, Cow<'static, str>>
where
    F: AsyncFn(&HttpRequest) -> T + 'a,
    T: IntoLimitText,
{
    Box::pin(async move { of(request).await.into_limit_text() })
}

/// `scope = f`.
#[inline]
pub fn scope<T: Into<Cow<'static, str>>>(
    request: &HttpRequest,
    of: impl Fn(&HttpRequest) -> T,
) -> Cow<'static, str> {
    of(request).into()
}

/// `scope = async f`.
pub fn scope_async<'a, F, T>(
    request: &'a HttpRequest,
    of: F,
) -> LocalBoxFuture<'a, Cow<'static, str>>
where
    F: AsyncFn(&HttpRequest) -> T + 'a,
    T: Into<Cow<'static, str>>,
{
    Box::pin(async move { of(request).await.into() })
}

/// `deduct_when = f`.
#[inline]
pub fn deduct_when(head: &ResponseHead, deduct: impl Fn(&ResponseHead) -> bool) -> bool {
    deduct(head)
}

/// `cost_after = f`.
#[inline]
pub fn cost_after(head: &ResponseHead, of: impl Fn(&ResponseHead) -> u64) -> u64 {
    of(head)
}

/// `on_breach = f`.
#[inline]
pub fn on_breach<R: IntoBreachResponse>(
    breach: &Breach<'_>,
    callback: impl Fn(&Breach<'_>) -> R,
) -> Option<HttpResponse> {
    callback(breach).into_breach_response()
}

/// `error_message = f`.
#[inline]
pub fn error_message<R: Into<String>>(
    breach: &Breach<'_>,
    of: impl Fn(&Breach<'_>) -> R,
) -> String {
    of(breach).into()
}
