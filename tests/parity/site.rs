//! One trace, played against an app in process and against a server over sockets.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Barrier,
};

use actix_http::Request;
use actix_web::{
    App, Error,
    body::{MessageBody, to_bytes},
    dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse},
    http::Method,
    test::{TestRequest, init_service},
    web::ServiceConfig,
};
use futures_util::future::{LocalBoxFuture, join_all};
use limiter_actix::Limiter;
use limiter_tests::{Answer, RunningServer, serve};

/// Runs each trace in both places, as a test of its own each.
macro_rules! in_process_and_over_sockets {
    ($($trace:ident),+ $(,)?) => {
        mod in_process {
            $(#[actix_web::test] async fn $trace() {
                super::$trace(crate::site::Place::InProcess).await;
            })+
        }
        mod over_sockets {
            $(#[actix_web::test] async fn $trace() {
                super::$trace(crate::site::Place::OverSockets).await;
            })+
        }
    };
}

/// Services behind a limiter: `site!(place, limiter!(), plain, other)`.
macro_rules! site {
    ($place:expr, $limiter:expr, $($service:expr),+ $(,)?) => {
        $place.serve(&$limiter, move |app: &mut ::actix_web::web::ServiceConfig| {
            $(app.service($service);)+
        }).await
    };
}

/// Where an app answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// Actix's test service, in the thread of the test.
    InProcess,
    /// A server with two workers, on a free port.
    OverSockets,
}

impl Place {
    /// Serves what `routes` registers, behind a limiter.
    pub(crate) async fn serve(
        self,
        limiter: &Limiter,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Site {
        let limiter = limiter.clone();
        self.serve_app(move || App::new().wrap(limiter.middleware()).configure(routes.clone()))
            .await
    }

    /// Serves an app, made anew for each worker.
    pub(crate) async fn serve_app<T, B>(
        self,
        app: impl Fn() -> App<T> + Clone + Send + 'static,
    ) -> Site
    where
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
                Future: 'static,
            > + 'static,
        B: MessageBody + 'static,
    {
        match self {
            Self::InProcess => {
                let service = Rc::new(init_service(app()).await);
                Site::InProcess(Box::new(move |request| {
                    let service = Rc::clone(&service);
                    Box::pin(async move { answer(service.call(request).await).await })
                }))
            }
            Self::OverSockets => Site::OverSockets(serve!(app())),
        }
    }
}

/// An app that answers.
pub(crate) enum Site {
    InProcess(Box<dyn Fn(Request) -> LocalBoxFuture<'static, Answer>>),
    OverSockets(RunningServer),
}

impl Site {
    pub(crate) fn get<'a>(&'a self, target: &'a str) -> Call<'a> {
        self.call("GET", target)
    }

    pub(crate) fn post<'a>(&'a self, target: &'a str) -> Call<'a> {
        self.call("POST", target)
    }

    /// A request of client 1, without headers; nothing is sent yet.
    pub(crate) fn call<'a>(&'a self, method: &'a str, target: &'a str) -> Call<'a> {
        Call { site: self, method, target, headers: Vec::new(), client: client_address(1) }
    }

    /// The statuses of requests that are all under way at the same time: tasks of one thread in
    /// process, and connections with a thread each over sockets.
    pub(crate) async fn at_once(calls: &[Call<'_>]) -> Vec<u16> {
        let servers = calls.iter().filter_map(|call| match call.site {
            Self::InProcess(_) => None,
            Self::OverSockets(server) => Some((server, call.client, call.method, call.target)),
        });
        let barrier = &Barrier::new(calls.len());
        let mut statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = servers
                .map(|(server, client, method, target)| {
                    scope.spawn(move || {
                        barrier.wait();
                        server.request_from(client, method, target, &[]).status
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        if statuses.is_empty() {
            let answers = join_all(calls.iter().map(Call::answer)).await;
            statuses.extend(answers.iter().map(|answer| answer.status));
        }
        statuses
    }
}

/// A request to be sent, as often as is wanted.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    site: &'a Site,
    method: &'a str,
    target: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    client: IpAddr,
}

impl<'a> Call<'a> {
    pub(crate) fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// From another client than the first.
    pub(crate) fn client(self, number: u8) -> Self {
        Self { client: client_address(number), ..self }
    }

    /// The statuses of so many requests, one after the other.
    pub(crate) async fn times(&self, requests: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..requests {
            statuses.push(self.answer().await.status);
        }
        statuses
    }

    /// The answer to one request.
    pub(crate) async fn answer(&self) -> Answer {
        match self.site {
            Site::InProcess(service) => service(self.request()).await,
            Site::OverSockets(server) => {
                server.request_from(self.client, self.method, self.target, &self.headers)
            }
        }
    }

    fn request(&self) -> Request {
        let request = TestRequest::with_uri(self.target)
            .method(Method::from_bytes(self.method.as_bytes()).unwrap())
            .peer_addr(SocketAddr::new(self.client, 40_000));
        let headers = self.headers.iter().copied();
        headers.fold(request, TestRequest::insert_header).to_request()
    }
}

/// All of 127.0.0.0/8 is the loopback interface, so clients can be told apart over sockets too.
fn client_address(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, number).into()
}

/// A response in process, in the form that it has over sockets.
async fn answer<B: MessageBody + 'static>(answered: Result<ServiceResponse<B>, Error>) -> Answer {
    let response = match answered {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let (response, body) = response.into_parts();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
        .collect();
    let body = to_bytes(body).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: response.status().as_u16(), headers, body }
}
