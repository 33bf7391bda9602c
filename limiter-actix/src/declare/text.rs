//! Limits as texts, or as functions of the request that return one.

use std::{borrow::Cow, sync::Arc};

use actix_web::HttpRequest;
use limiter_core::{NotationError, Quota, notation};

use super::{
    function::{Function, given_async},
    record::{LimitSource, checked_quotas},
};

/// What a dynamic limit may return: a text in [limit notation](limiter_core::notation), or nothing,
/// which means that this request has no such limit.
#[diagnostic::on_unimplemented(
    message = "expected a text in limit notation, found `{Self}`",
    label = "not a limit",
    note = "a dynamic limit is a `&'static str`, a `String`, a `Cow` of them, or an `Option` of one"
)]
pub trait IntoLimitText {
    /// The text; an empty one means no limit.
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
/// let dynamic = Limiter::builder().default_limits(|request: &HttpRequest| {
///     if request.headers().contains_key("x-api-key") { "1000/hour" } else { "10/hour" }
/// });
/// let awaited = Limiter::builder().default_limits(async |request: &HttpRequest| plan_of(request).await);
/// # async fn plan_of(_: &HttpRequest) -> String { String::new() }
/// # let _ = (listed, dynamic, awaited);
/// ```
#[diagnostic::on_unimplemented(
    message = "expected limits or a function of the request that returns one, found `{Self}`",
    label = "not a limit",
    note = "write a list such as `[\"100/day\", \"10/minute\"]`, or a closure that names the type of \
            its argument: `|request: &HttpRequest| \"10/minute\"`"
)]
pub trait IntoLimits<Form> {
    /// The limits in the form that the builder keeps.
    #[doc(hidden)]
    fn into_limits(self) -> GivenLimits;
}

/// The result of [`IntoLimits`], which hides the crate's own type.
///
/// Not public API.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub struct GivenLimits(pub(crate) LimitText<Vec<String>>);

/// The form of a list, of a function and of an async function. The compiler infers it; users never
/// name it.
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
    fn into_limits(self) -> GivenLimits {
        GivenLimits(LimitText::Fixed(vec![self.to_owned()]))
    }
}

impl IntoLimits<form::Text> for String {
    fn into_limits(self) -> GivenLimits {
        GivenLimits(LimitText::Fixed(vec![self]))
    }
}

impl<I, S> IntoLimits<form::List> for I
where
    I: IntoIterator<Item = S>,
    S: Into<String>,
{
    fn into_limits(self) -> GivenLimits {
        GivenLimits(LimitText::Fixed(self.into_iter().map(Into::into).collect()))
    }
}

impl<F, T> IntoLimits<form::Sync<T>> for F
where
    F: Fn(&HttpRequest) -> T + Send + Sync + 'static,
    T: IntoLimitText,
{
    fn into_limits(self) -> GivenLimits {
        let function = move |request: &HttpRequest| self(request).into_limit_text();
        GivenLimits(LimitText::Dynamic(Function::Given(Arc::new(function))))
    }
}

impl<F, T> IntoLimits<form::Async<T>> for F
where
    F: AsyncFn(&HttpRequest) -> T + Send + Sync + 'static,
    T: IntoLimitText,
{
    fn into_limits(self) -> GivenLimits {
        let function = Arc::new(self);
        GivenLimits(LimitText::Dynamic(given_async(move |request: &HttpRequest| {
            let function = Arc::clone(&function);
            Box::pin(async move { function(request).await.into_limit_text() })
        })))
    }
}

/// Limits that are fixed, or dynamic: returned by a function of the request.
#[derive(Clone)]
pub(crate) enum LimitText<T = Vec<Quota>> {
    /// Known when the limiter is built.
    Fixed(T),
    /// Every request calls the function.
    Dynamic(Function<Cow<'static, str>>),
}

impl LimitText<Vec<String>> {
    /// Reads the notation of fixed limits, one by one.
    pub(crate) fn parse(self) -> Result<Vec<LimitText>, NotationError> {
        match self {
            Self::Fixed(texts) => {
                texts.iter().map(|text| notation::parse_many(text).map(LimitText::Fixed)).collect()
            }
            Self::Dynamic(function) => Ok(vec![LimitText::Dynamic(function)]),
        }
    }
}

impl From<LimitSource> for LimitText {
    fn from(source: LimitSource) -> Self {
        match source {
            LimitSource::Text(text) => Self::Fixed(checked_quotas(text)),
            LimitSource::Function(function) => Self::Dynamic(function.into()),
        }
    }
}
