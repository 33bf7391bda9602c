//! What callbacks and error handlers receive about a denial.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse};

use super::current::CurrentLimit;

/// A breached limit, as `on_breach` and `error_message` see it.
///
/// ```
/// use actix_web::HttpResponse;
/// use limiter_actix::{limit, Breach};
///
/// fn sorry(breach: &Breach<'_>) -> HttpResponse {
///     HttpResponse::TooManyRequests().body(format!("{}: try later", breach.limit().quota()))
/// }
///
/// #[limit("10/minute", on_breach = sorry)]
/// async fn search() -> &'static str { "found" }
/// ```
#[derive(Debug)]
pub struct Breach<'a> {
    request: &'a HttpRequest,
    /// Never empty.
    so_far: &'a [CurrentLimit],
    limit: &'a CurrentLimit,
}

impl<'a> Breach<'a> {
    /// The last of several breaches; `None` if there is none.
    pub(crate) fn new(request: &'a HttpRequest, so_far: &'a [CurrentLimit]) -> Option<Self> {
        let limit = so_far.last()?;
        Some(Self { request, so_far, limit })
    }

    /// The denied request. Before routing its path parameters are empty.
    pub fn request(&self) -> &'a HttpRequest {
        self.request
    }

    /// The breached limit: quota, key, remaining, reset.
    pub fn limit(&self) -> &'a CurrentLimit {
        self.limit
    }

    /// The breaches of this request so far, including this one: with
    /// [`fail_on_first_breach`](crate::LimiterBuilder::fail_on_first_breach) off there may be
    /// several, shortest window first.
    pub fn so_far(&self) -> &'a [CurrentLimit] {
        self.so_far
    }

    /// How long the client has to wait because of the breaches so far; `None` if waiting never
    /// helps.
    pub fn retry_after(&self) -> Option<Duration> {
        longest_wait(self.so_far.iter().map(CurrentLimit::retry_after))
    }
}

/// The time after which none of several limits denies any more; `None` if waiting never helps.
pub(crate) fn longest_wait(waits: impl IntoIterator<Item = Option<Duration>>) -> Option<Duration> {
    waits.into_iter().try_fold(Duration::ZERO, |longest, wait| Some(longest.max(wait?)))
}

/// The breached limits of a denied request, in the extensions of its response: for
/// [`ErrorHandlers`](actix_web::middleware::ErrorHandlers) and other middleware around the
/// limiter.
///
/// ```
/// use actix_web::{dev::ServiceResponse, middleware::{ErrorHandlerResponse, ErrorHandlers}, http::StatusCode};
/// use limiter_actix::Denial;
///
/// fn count<B>(response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
///     if let Some(denial) = response.response().extensions().get::<Denial>() {
///         println!("{} was breached", denial.breached()[0].name());
///     }
///     Ok(ErrorHandlerResponse::Response(response.map_into_left_body()))
/// }
///
/// let handlers = ErrorHandlers::<actix_web::body::BoxBody>::new().handler(StatusCode::TOO_MANY_REQUESTS, count);
/// # let _ = handlers;
/// ```
#[derive(Clone, Debug)]
pub struct Denial {
    breached: Vec<CurrentLimit>,
}

impl Denial {
    pub(crate) fn new(breached: Vec<CurrentLimit>) -> Self {
        Self { breached }
    }

    /// The breached limits, shortest window first: one, unless
    /// [`fail_on_first_breach`](crate::LimiterBuilder::fail_on_first_breach) is off.
    pub fn breached(&self) -> &[CurrentLimit] {
        &self.breached
    }
}

/// The result of a breach callback: nothing, a response, or an optional response.
#[diagnostic::on_unimplemented(
    message = "a breach callback cannot return `{Self}`",
    label = "not a response",
    note = "a breach callback returns nothing, an `HttpResponse`, or an `Option` of one"
)]
pub trait IntoBreachResponse {
    /// The response that replaces the limiter's; `None` to keep that.
    fn into_breach_response(self) -> Option<HttpResponse>;
}

impl IntoBreachResponse for () {
    fn into_breach_response(self) -> Option<HttpResponse> {
        None
    }
}

impl IntoBreachResponse for HttpResponse {
    fn into_breach_response(self) -> Option<HttpResponse> {
        Some(self)
    }
}

impl IntoBreachResponse for Option<HttpResponse> {
    fn into_breach_response(self) -> Option<HttpResponse> {
        self
    }
}
