//! Requests to an app in process: one after another, at once, or dropped on the way.

use std::{
    ops::RangeInclusive,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use actix_http::Request;
use actix_web::{
    Error,
    dev::{Service, ServiceResponse},
    http::Method,
    test::TestRequest,
};
use tokio::task::yield_now;

/// How many requests of one client and endpoint, which nobody has charged, may be on their way.
const UNDER_WAY: usize = 16;

/// How many of them may have come out although the client was over its limit.
const UNPAID: usize = 4;

/// How many requests may be served, one after another, where an inner layer hides who will charge.
pub(crate) fn one_by_one(limit: usize) -> RangeInclusive<usize> {
    limit..=limit + UNPAID
}

/// The same for requests that overlap.
pub(crate) fn overlapping(limit: usize) -> RangeInclusive<usize> {
    limit..=limit + UNDER_WAY + UNPAID
}

/// How many may be served, one after another, where before routing an endpoint is taken for another
/// one, under the same limit: what is charged to that one stays charged.
pub(crate) fn misguided(limit: usize) -> RangeInclusive<usize> {
    limit..=2 * limit + UNPAID
}

/// The same for requests that overlap.
pub(crate) fn misguided_at_once(limit: usize) -> RangeInclusive<usize> {
    limit..=2 * limit + UNDER_WAY + UNPAID
}

/// A request of the client that most tests ask as: `"GET /path"`.
pub(crate) fn request(line: &str) -> TestRequest {
    request_from("192.0.2.1", line)
}

/// A request of any client.
pub(crate) fn request_from(client: &str, line: &str) -> TestRequest {
    let (method, path) = line.split_once(' ').unwrap();
    TestRequest::with_uri(path)
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .peer_addr((client.parse::<std::net::IpAddr>().unwrap(), 40_000).into())
}

/// The status of the answer to a request.
pub(crate) async fn status<S, B>(app: &S, request: TestRequest) -> u16
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    match app.call(request.to_request()).await {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    }
}

/// The statuses of several equal requests, one after another.
pub(crate) async fn in_turn<S, B>(
    app: &S,
    requests: usize,
    request: impl Fn() -> TestRequest,
) -> Vec<u16>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    let mut statuses = Vec::new();
    for _ in 0..requests {
        statuses.push(status(app, request()).await);
    }
    statuses
}

/// The statuses of several requests that all begin before one of them ends.
pub(crate) async fn at_once<S, B>(
    app: &S,
    requests: impl IntoIterator<Item = TestRequest>,
) -> Vec<u16>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    futures_util::future::join_all(requests.into_iter().map(|request| status(app, request))).await
}

/// Asks, and drops the request after so many polls, as a server does when the client hangs up.
pub(crate) async fn hang_up<S, B>(app: &S, request: TestRequest, polls: usize)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    {
        let mut answer = pin!(app.call(request.to_request()));
        for _ in 0..polls {
            if poll_once(answer.as_mut()).is_ready() {
                break;
            }
        }
    }
    let_others_run().await;
}

/// Gives what was left to the runtime the time to end.
pub(crate) async fn let_others_run() {
    for _ in 0..16 {
        yield_now().await;
    }
}

/// What a future says at the next time of asking.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// How many have this status.
pub(crate) fn count(statuses: &[u16], wanted: u16) -> usize {
    statuses.iter().filter(|status| **status == wanted).count()
}
