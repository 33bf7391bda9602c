//! The gate around a decorated handler's arguments.

use std::{
    fmt,
    future::{Future, Ready, ready},
    rc::Rc,
};

use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, dev::Payload};

use super::{
    decide::{decide, decide_now},
    deny,
};
use crate::{
    answer::internal_error,
    charge::{KnownClient, Refusal},
    context::{Charged, Client, Context, Exempt},
    declare::HandlerRecord,
    identify::LimiterKey,
    resolve::Plan,
};

/// Replaces a decorated handler's arguments `A`, and extracts them only once the limits admit the
/// request: the body of a denied request is never read.
///
/// You need it in one case only: code that calls a decorated handler directly, such as a unit test,
/// wraps the arguments with [`Gate::for_test`], and gets an [`Either`](actix_web::Either) of the
/// handler's output and a denial.
///
/// ```
/// use actix_web::{web, Either};
/// use limiter_actix::{limit, Gate};
///
/// #[limit("10/minute")]
/// async fn double(number: web::Path<u32>) -> String {
///     (*number * 2).to_string()
/// }
///
/// # #[actix_web::main]
/// # async fn main() {
/// let answer = double(Gate::for_test((web::Path::from(21),))).await;
/// assert!(matches!(answer, Either::Left(text) if text == "42"));
/// # }
/// ```
pub struct Gate<A>(Arguments<A>);

enum Arguments<A> {
    /// To be extracted from the request.
    Request { request: HttpRequest, payload: Payload },
    /// Passed by a test.
    Ready(A),
}

impl<A> Gate<A> {
    /// An open gate: the handler runs with these arguments, and nothing is charged.
    pub fn for_test(arguments: A) -> Self {
        Self(Arguments::Ready(arguments))
    }
}

impl<A: FromRequest> Gate<A> {
    /// Not public API. Used by generated code.
    #[doc(hidden)]
    // An `async fn` would store the gate twice: as its argument and as its state.
    #[allow(clippy::manual_async_fn)]
    #[inline]
    pub fn admit(
        mut self,
        record: &'static HandlerRecord,
    ) -> impl Future<Output = Result<A, HttpResponse>> {
        async move {
            let (request, payload) = match self.0 {
                Arguments::Ready(arguments) => return Ok(arguments),
                Arguments::Request { ref request, ref mut payload } => (request, payload),
            };
            match pass_now(request, record) {
                Passage::Open => {}
                Passage::Closed(response) => return Err(response),
                // Boxed, so that the common path stays small.
                waiting => Box::pin(pass(request, record, waiting)).await?,
            }
            A::from_request(request, payload)
                .await
                .map_err(|error| HttpResponse::from_error(error.into()))
        }
    }
}

impl<A> FromRequest for Gate<A> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    #[inline]
    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        ready(Ok(Self(Arguments::Request { request, payload })))
    }
}

impl<A> fmt::Debug for Gate<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// What is decided at once about a request in front of a handler.
enum Passage {
    Open,
    Closed(HttpResponse),
    /// The limits, keys, costs or the storage of this plan have to be awaited.
    Decide(Rc<Plan>),
}

/// Decides at once whether the request may reach the handler, if possible.
#[inline]
fn pass_now(request: &HttpRequest, record: &'static HandlerRecord) -> Passage {
    let Some(context) = Context::of(request) else {
        return Passage::Closed(no_middleware(record));
    };
    if context.is_let_through() {
        return Passage::Open;
    }
    let location = context.located(request);
    if !location.knowledge.has_met(record) {
        context.worker().met(request, &location, record);
    }
    context.has_explored();
    let (_, stack) = context.scopes();
    let is_exempt = location.exempt == Exempt::Path;
    drop(location);
    let plan = context.worker().plan_of_handler(record, request.method(), is_exempt, stack);
    let client = context.known_client();
    let decided = decide_now(context, request, &plan, known(context, client.as_deref()));
    drop(client);
    match decided {
        Some(decided) => passed(context, request, record, decided),
        None => Passage::Decide(plan),
    }
}

/// Continues after [`pass_now`] could not decide, and waits.
async fn pass(
    request: &HttpRequest,
    record: &'static HandlerRecord,
    passage: Passage,
) -> Result<(), HttpResponse> {
    let passage = match (passage, Context::shared(request)) {
        (Passage::Decide(plan), Some(context)) => {
            let client = context.known_client().map(|client| client.clone());
            let known = known(&context, client.as_ref());
            let decided = decide(&context, request, &plan, known).await;
            passed(&context, request, record, decided)
        }
        (passage, _) => passage,
    };
    match passage {
        Passage::Closed(response) => Err(response),
        Passage::Open => Ok(()),
        Passage::Decide(_) => Err(no_middleware(record)),
    }
}

/// The decision is final: no other enforcer charges the request.
#[inline]
fn passed(
    context: &Context,
    request: &HttpRequest,
    record: &'static HandlerRecord,
    decided: Result<(), Refusal>,
) -> Passage {
    context.set_charged(Charged::Done);
    context.give_credit_back();
    match decided {
        Ok(()) => Passage::Open,
        Err(refusal) => {
            Passage::Closed(deny::response(context, request, &refusal, record.handler()))
        }
    }
}

/// The client as identified before routing, if that cannot have changed since.
#[inline]
fn known<'a>(context: &Context, client: Option<&'a Client>) -> KnownClient<'a> {
    let key = match context.worker().limiter().settings().identity.key {
        LimiterKey::Peer => client.map(|client| &client.key),
        // An inner middleware may have identified the client.
        LimiterKey::Custom(_) => None,
    };
    KnownClient { key, ..KnownClient::default() }
}

/// The response of a decorated handler without a limiter around it: never "unlimited".
pub(crate) fn no_middleware(record: &HandlerRecord) -> HttpResponse {
    tracing::error!(
        handler = record.handler(),
        file = record.file(),
        line = record.line(),
        "the handler is decorated with limits, but no limiter is wrapped around it; add \
         `.wrap(limiter.middleware())` to the `App` (or to the scope) that serves it; to switch it \
         off, build it with `enabled(false)` instead of leaving it out"
    );
    internal_error()
}
