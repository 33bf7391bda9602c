//! A server in process, and the record of a handler by its name.

use actix_web::{
    App, HttpResponse,
    body::MessageBody,
    dev::{HttpServiceFactory, ServiceResponse},
    http::{Method, StatusCode},
    test, web,
};
use limiter_actix::{HandlerRecord, Limiter};

/// The status of one request to an app with this one service.
pub(crate) async fn status(
    service: impl HttpServiceFactory + 'static,
    request: &str,
) -> StatusCode {
    answer(service, request).await.0
}

/// Status and body of one request, written as `GET /path`, to an app with this one service.
pub(crate) async fn answer(
    service: impl HttpServiceFactory + 'static,
    request: &str,
) -> (StatusCode, String) {
    answers(service, &[request]).await.remove(0)
}

/// The statuses of several requests to one app.
pub(crate) async fn statuses(
    service: impl HttpServiceFactory + 'static,
    requests: &[&str],
) -> Vec<u16> {
    answers(service, requests).await.iter().map(|(status, _)| status.as_u16()).collect()
}

/// Status and body of several requests to one app.
pub(crate) async fn answers(
    service: impl HttpServiceFactory + 'static,
    requests: &[&str],
) -> Vec<(StatusCode, String)> {
    let limiter = Limiter::builder().build().await.expect("a limiter without options builds");
    let app = App::new()
        .wrap(limiter.middleware())
        .app_data(web::Data::new("state".to_owned()))
        .service(service)
        .default_service(web::to(HttpResponse::NotFound));
    let app = test::init_service(app).await;

    let mut answers = Vec::new();
    for request in requests {
        let (method, uri) = request.split_once(' ').expect("a method, a space and a path");
        let method: Method = method.parse().expect("a method");
        let request = test::TestRequest::with_uri(uri)
            .method(method)
            .peer_addr(([192, 0, 2, 1], 4711).into())
            .set_payload("3");
        answers.push(read(test::call_service(&app, request.to_request()).await).await);
    }
    answers
}

async fn read(response: ServiceResponse<impl MessageBody>) -> (StatusCode, String) {
    let status = response.status();
    let body = test::read_body(response).await;
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// The record of the handler whose path, below this test program, is `handler`.
pub(crate) fn record(handler: &str) -> &'static HandlerRecord {
    let path = format!("{}::{handler}", env!("CARGO_CRATE_NAME"));
    let mut found: Vec<_> =
        limiter_actix::handlers().into_iter().filter(|record| record.handler() == path).collect();
    assert_eq!(found.len(), 1, "`{path}` is listed exactly once");
    found.remove(0)
}

/// Method and path of the routes of a record, as `GET /path`.
pub(crate) fn routes(record: &HandlerRecord) -> Vec<String> {
    record.routes().iter().map(|route| format!("{} {}", route.method(), route.path())).collect()
}

/// The texts of the limits of a record.
pub(crate) fn limits(record: &HandlerRecord) -> Vec<&'static str> {
    record.limits().iter().filter_map(limiter_actix::LimitRecord::text).collect()
}
