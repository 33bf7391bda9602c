//! One handler, bare and behind limiters: called in process, or served.

use std::time::Duration;

use actix_extensible_rate_limit::{
    RateLimiter,
    backend::{SimpleInputFunctionBuilder, memory::InMemoryBackend},
};
use actix_web::{
    App, Either, Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse},
    get,
    http::StatusCode,
    rt::System,
    test::{self, TestRequest},
    web,
};
use limiter_actix::{Headers, Limiter, limit};
use serde::Serialize;

use crate::{
    contender::{Contender, ready},
    empty::{EmptyGate, EmptyMiddleware},
};

/// The answer: 39 bytes of JSON.
#[derive(Serialize)]
struct Greeting {
    message: &'static str,
    number: u16,
}

const GREETING: Greeting = Greeting { message: "hello, world", number: 123 };

#[get("/hello")]
async fn hello() -> web::Json<Greeting> {
    web::Json(GREETING)
}

#[get("/hello")]
async fn gated_hello(gate: EmptyGate) -> Either<web::Json<Greeting>, HttpResponse> {
    match gate.is_open() {
        true => Either::Left(web::Json(GREETING)),
        false => Either::Right(HttpResponse::TooManyRequests().finish()),
    }
}

// Never reached.
#[get("/hello")]
#[limit("4000000000/minute")]
async fn limited_hello() -> web::Json<Greeting> {
    web::Json(GREETING)
}

/// The apps that are compared. The first one is the baseline.
pub const NAMES: [&str; 8] = [
    "bare",
    "the least: an empty middleware and gate",
    "the least, three headers",
    "ours",
    "ours, three headers",
    "ours, default limit",
    "actix-extensible-rate-limit",
    "actix-extensible-rate-limit, three headers",
];

/// Something to do with an app, whatever its type.
pub trait WithApp {
    type Output;

    fn with<F, T, B>(self, app: F) -> Self::Output
    where
        F: Fn() -> App<T> + Send + Clone + 'static,
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static;
}

/// Does something with the app of a name. Its limiter is made once, outside of the factory, as in a
/// real program.
///
/// # Panics
/// If there is no such app.
pub fn with_app<W: WithApp>(name: &str, what: W) -> W::Output {
    match name {
        "bare" => what.with(|| App::new().service(hello)),
        "the least: an empty middleware and gate" => {
            what.with(|| App::new().wrap(EmptyMiddleware { headers: false }).service(gated_hello))
        }
        "the least, three headers" => {
            what.with(|| App::new().wrap(EmptyMiddleware { headers: true }).service(gated_hello))
        }
        "ours" => {
            let limiter = limiter(None, Headers::off());
            what.with(move || App::new().wrap(limiter.middleware()).service(limited_hello))
        }
        "ours, three headers" => {
            let limiter = limiter(None, Headers::x_rate_limit());
            what.with(move || App::new().wrap(limiter.middleware()).service(limited_hello))
        }
        "ours, default limit" => {
            let limiter = limiter(Some("4000000000/minute"), Headers::off());
            what.with(move || App::new().wrap(limiter.middleware()).service(hello))
        }
        "actix-extensible-rate-limit" => {
            let backend = InMemoryBackend::builder().with_gc_interval(None).build();
            what.with(move || {
                let limiter = RateLimiter::builder(backend.clone(), extensible_input());
                App::new().wrap(limiter.build()).service(hello)
            })
        }
        "actix-extensible-rate-limit, three headers" => {
            let backend = InMemoryBackend::builder().with_gc_interval(None).build();
            what.with(move || {
                let limiter = RateLimiter::builder(backend.clone(), extensible_input());
                App::new().wrap(limiter.add_headers().build()).service(hello)
            })
        }
        _ => panic!("there is no app named `{name}`"),
    }
}

fn limiter(default: Option<&str>, headers: Headers) -> Limiter {
    let builder = Limiter::builder().default_limits(default).headers(headers);
    ready(builder.build()).expect("the options are legal")
}

/// The peer's way to tell clients apart by their address.
fn extensible_input()
-> impl Fn(&ServiceRequest) -> actix_extensible_rate_limit::backend::SimpleInputFuture + 'static {
    SimpleInputFunctionBuilder::new(Duration::from_secs(60), 4_000_000_000).peer_ip_key().build()
}

/// The apps, called in process: a request is built, in place of the socket and the parser, routed
/// and handled, and the response is dropped.
pub fn in_process() -> Vec<Contender> {
    NAMES.into_iter().map(|name| with_app(name, InProcess { name, building: true })).collect()
}

/// The same without the building of the request.
pub fn calls() -> Vec<Contender> {
    NAMES.into_iter().map(|name| with_app(name, InProcess { name, building: false })).collect()
}

struct InProcess {
    name: &'static str,
    /// Whether building the request is measured too.
    building: bool,
}

impl WithApp for InProcess {
    type Output = Contender;

    fn with<F, T, B>(self, app: F) -> Contender
    where
        F: Fn() -> App<T> + Send + Clone + 'static,
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let service = System::new().block_on(test::init_service(app()));
        let peer = "192.0.2.7:50000".parse().expect("an address");
        let request = move || {
            let request = TestRequest::with_uri("/hello").insert_header(("host", "localhost"));
            request.peer_addr(peer).to_request()
        };
        let call = move |request| {
            ready(service.call(request)).is_ok_and(|response| response.status() == StatusCode::OK)
        };
        if self.building {
            Contender::new(self.name, move || call(request()))
        } else {
            Contender::with_input(self.name, request, call)
        }
    }
}
