//! Functions that users provide: of a request before the decision, of a response after it.

use std::sync::Arc;

use actix_web::{HttpRequest, dev::ResponseHead};
use futures_core::future::LocalBoxFuture;

/// A function of the request, in the form that generated code stores.
///
/// Not public API. Used by generated code.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub enum RequestFn<T: 'static> {
    /// `key = f`.
    Sync(fn(&HttpRequest) -> T),
    /// `key = async f`.
    Async(for<'a> fn(&'a HttpRequest) -> LocalBoxFuture<'a, T>),
}

impl<T> Clone for RequestFn<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RequestFn<T> {}

/// A function of the request: declared by an attribute, or given to a builder.
pub(crate) enum Function<T: 'static> {
    Declared(RequestFn<T>),
    Given(Arc<GivenFn<T>>),
    GivenAsync(Arc<GivenAsyncFn<T>>),
}

pub(crate) type GivenFn<T> = dyn Fn(&HttpRequest) -> T + Send + Sync;

pub(crate) type GivenAsyncFn<T> =
    dyn for<'a> Fn(&'a HttpRequest) -> LocalBoxFuture<'a, T> + Send + Sync;

impl<T> Function<T> {
    /// Whether its result is available without waiting.
    pub(crate) fn is_immediate(&self) -> bool {
        match self {
            Self::Declared(RequestFn::Sync(_)) | Self::Given(_) => true,
            Self::Declared(RequestFn::Async(_)) | Self::GivenAsync(_) => false,
        }
    }

    /// The result, if it is available without waiting.
    #[inline]
    pub(crate) fn now(&self, request: &HttpRequest) -> Option<T> {
        match self {
            Self::Declared(RequestFn::Sync(function)) => Some(function(request)),
            Self::Given(function) => Some(function(request)),
            Self::Declared(RequestFn::Async(_)) | Self::GivenAsync(_) => None,
        }
    }

    /// The result.
    pub(crate) async fn call(&self, request: &HttpRequest) -> T {
        match self {
            Self::Declared(RequestFn::Sync(function)) => function(request),
            Self::Declared(RequestFn::Async(function)) => function(request).await,
            Self::Given(function) => function(request),
            Self::GivenAsync(function) => function(request).await,
        }
    }
}

impl<T> Clone for Function<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Declared(function) => Self::Declared(*function),
            Self::Given(function) => Self::Given(Arc::clone(function)),
            Self::GivenAsync(function) => Self::GivenAsync(Arc::clone(function)),
        }
    }
}

impl<T> From<RequestFn<T>> for Function<T> {
    fn from(function: RequestFn<T>) -> Self {
        Self::Declared(function)
    }
}

/// A function of the response head.
pub(crate) type ResponseFn<T> = Arc<dyn Fn(&ResponseHead) -> T + Send + Sync>;

/// Names the type of the closure, which the compiler cannot infer.
pub(super) fn given_async<T>(
    function: impl for<'a> Fn(&'a HttpRequest) -> LocalBoxFuture<'a, T> + Send + Sync + 'static,
) -> Function<T> {
    Function::GivenAsync(Arc::new(function))
}
