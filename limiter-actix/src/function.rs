//! The functions that users give: of a request before it is decided, of a response after it.

use std::{borrow::Cow, sync::Arc};

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
    /// Whether its result is there without waiting.
    pub(crate) fn is_immediate(&self) -> bool {
        match self {
            Self::Declared(RequestFn::Sync(_)) | Self::Given(_) => true,
            Self::Declared(RequestFn::Async(_)) | Self::GivenAsync(_) => false,
        }
    }

    /// The result, if it is there without waiting.
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

/// What a dynamic limit may return: a text in [limit notation](limiter_core::notation), or
/// nothing, which says that this request has no such limit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no text in limit notation",
    label = "not a limit",
    note = "a dynamic limit is a `&'static str`, a `String`, a `Cow` of them, or an `Option` of one"
)]
pub trait IntoLimitText {
    /// The text; an empty one where there is no limit.
    fn into_limit_text(self) -> Cow<'static, str>;
}

impl IntoLimitText for &'static str {
    fn into_limit_text(self) -> Cow<'static, str> {
        Cow::Borrowed(self)
    }
}

impl IntoLimitText for String {
    fn into_limit_text(self) -> Cow<'static, str> {
        Cow::Owned(self)
    }
}

impl IntoLimitText for Cow<'static, str> {
    fn into_limit_text(self) -> Cow<'static, str> {
        self
    }
}

impl<T: IntoLimitText> IntoLimitText for Option<T> {
    fn into_limit_text(self) -> Cow<'static, str> {
        self.map_or(Cow::Borrowed(""), T::into_limit_text)
    }
}

/// Limits for the builder: a text, a list of texts, a function of the request that returns a text,
/// or an async one.
///
/// ```
/// use actix_web::HttpRequest;
/// use limiter_actix::Limiter;
///
/// let listed = Limiter::builder().default_limits(["100/day", "10/minute"]);
/// let asked = Limiter::builder().default_limits(|request: &HttpRequest| {
///     if request.headers().contains_key("x-api-key") { "1000/hour" } else { "10/hour" }
/// });
/// let awaited = Limiter::builder().default_limits(async |request: &HttpRequest| plan_of(request).await);
/// # async fn plan_of(_: &HttpRequest) -> String { String::new() }
/// # let _ = (listed, asked, awaited);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither limits nor a function that returns some",
    label = "no limits",
    note = "write a list such as `[\"100/day\", \"10/minute\"]`, or a closure that names the type of \
            its argument: `|request: &HttpRequest| \"10/minute\"`"
)]
pub trait IntoLimits<Form> {
    /// The limits, as the builder keeps them.
    #[doc(hidden)]
    fn into_limits(self) -> LimitTexts;
}

/// What [`IntoLimits`] yields.
///
/// Not public API.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub enum LimitTexts {
    /// Texts that are known when the limiter is built.
    Listed(Vec<String>),
    /// A text that every request is asked for.
    Asked(AskedText),
}

/// Hides the crate's own function type.
///
/// Not public API.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub struct AskedText(pub(crate) Function<Cow<'static, str>>);

/// The form of a list, of a function and of an async function: found by the compiler, and named by
/// nobody.
#[doc(hidden)]
#[allow(unreachable_pub)]
pub mod form {
    /// One text.
    #[derive(Debug)]
    pub struct Text;
    /// A list.
    #[derive(Debug)]
    pub struct List;
    /// A function.
    #[derive(Debug)]
    pub struct Sync<T>(T);
    /// An async function.
    #[derive(Debug)]
    pub struct Async<T>(T);
}

impl IntoLimits<form::Text> for &str {
    fn into_limits(self) -> LimitTexts {
        LimitTexts::Listed(vec![self.to_owned()])
    }
}

impl IntoLimits<form::Text> for String {
    fn into_limits(self) -> LimitTexts {
        LimitTexts::Listed(vec![self])
    }
}

impl<I, S> IntoLimits<form::List> for I
where
    I: IntoIterator<Item = S>,
    S: Into<String>,
{
    fn into_limits(self) -> LimitTexts {
        LimitTexts::Listed(self.into_iter().map(Into::into).collect())
    }
}

impl<F, T> IntoLimits<form::Sync<T>> for F
where
    F: Fn(&HttpRequest) -> T + Send + Sync + 'static,
    T: IntoLimitText,
{
    fn into_limits(self) -> LimitTexts {
        let function = move |request: &HttpRequest| self(request).into_limit_text();
        LimitTexts::Asked(AskedText(Function::Given(Arc::new(function))))
    }
}

impl<F, T> IntoLimits<form::Async<T>> for F
where
    F: AsyncFn(&HttpRequest) -> T + Send + Sync + 'static,
    T: IntoLimitText,
{
    fn into_limits(self) -> LimitTexts {
        let function = Arc::new(self);
        LimitTexts::Asked(AskedText(given_async(move |request: &HttpRequest| {
            let function = Arc::clone(&function);
            Box::pin(async move { function(request).await.into_limit_text() })
        })))
    }
}

/// Names the type of the closure, which the compiler does not find by itself.
fn given_async<T>(
    function: impl for<'a> Fn(&'a HttpRequest) -> LocalBoxFuture<'a, T> + Send + Sync + 'static,
) -> Function<T> {
    Function::GivenAsync(Arc::new(function))
}

/// A cost for the builder: a number, or a function of the request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a cost nor a function that returns one",
    label = "no cost",
    note = "write a `u64`, or a closure that names the type of its argument and returns a `u64`: \
            `|request: &HttpRequest| 5`"
)]
pub trait IntoCost<Form> {
    /// The cost, as the builder keeps it.
    #[doc(hidden)]
    fn into_cost(self) -> GivenCost;
}

/// Not public API.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub struct GivenCost(pub(crate) Cost);

/// What a request costs.
#[derive(Clone)]
pub(crate) enum Cost {
    Fixed(u64),
    Function(Function<u64>),
}

impl Cost {
    pub(crate) fn is_immediate(&self) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Function(function) => function.is_immediate(),
        }
    }
}

impl IntoCost<form::List> for u64 {
    fn into_cost(self) -> GivenCost {
        GivenCost(Cost::Fixed(self))
    }
}

impl<F> IntoCost<form::Sync<u64>> for F
where
    F: Fn(&HttpRequest) -> u64 + Send + Sync + 'static,
{
    fn into_cost(self) -> GivenCost {
        GivenCost(Cost::Function(Function::Given(Arc::new(self))))
    }
}
