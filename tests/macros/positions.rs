//! Above and below every route attribute of Actix, in every mixture.

use actix_web::{
    HttpResponse, Responder, connect, delete, get, head, http::StatusCode, options, patch, post,
    put, query, route, routes, trace, web,
};
use limiter_actix::{exempt, limit, shared_limit};

use crate::support::{answers, limits, record, routes, status};

/// A handler limited to one request a day, with the attribute above and below the route's; and a
/// test that both limit, and that what is above tells the route.
macro_rules! both_positions {
    ($($method:ident $text:literal,)*) => {$(
        mod $method {
            use super::*;

            #[limit("1/day")]
            #[$method("/above")]
            async fn above() -> impl Responder {
                "above"
            }

            #[$method("/below")]
            #[limit("1/day")]
            async fn below() -> impl Responder {
                "below"
            }

            #[actix_web::test]
            async fn limits_on_both_sides() {
                let request = concat!($text, " /above");
                let statuses = twice(above, request).await;
                assert_eq!(statuses, [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS]);

                let request = concat!($text, " /below");
                let statuses = twice(below, request).await;
                assert_eq!(statuses, [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS]);
            }

            #[test]
            fn is_in_the_record_if_it_was_visible() {
                let visible = record(concat!("positions::", stringify!($method), "::above"));
                assert_eq!(routes(visible), [concat!($text, " /above")]);
                let hidden = record(concat!("positions::", stringify!($method), "::below"));
                assert_eq!(routes(hidden), [""; 0]);
            }
        }
    )*};
}

both_positions! {
    connect "CONNECT",
    delete "DELETE",
    get "GET",
    head "HEAD",
    options "OPTIONS",
    patch "PATCH",
    post "POST",
    put "PUT",
    query "QUERY",
    trace "TRACE",
}

async fn twice(
    service: impl actix_web::dev::HttpServiceFactory + 'static,
    request: &str,
) -> [StatusCode; 2] {
    let answers = answers(service, &[request, request]).await;
    [answers[0].0, answers[1].0]
}

#[limit("1/day")]
#[route("/route", method = "GET", method = "POST", method = "PURGE", name = "several")]
async fn route_below() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[route("/route", method = "GET", method = "POST")]
#[limit("1/day")]
async fn route_above() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[actix_web::test]
async fn route_with_several_methods_is_one_handler() {
    let answers = answers(route_below, &["GET /route", "POST /route"]).await;
    assert_eq!(answers[0].0, StatusCode::OK);
    assert_eq!(answers[1].0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        routes(record("positions::route_below")),
        ["GET /route", "POST /route", "PURGE /route"]
    );

    assert_eq!(twice(route_above, "POST /route").await[1], StatusCode::TOO_MANY_REQUESTS);
}

#[limit("1/day")]
#[routes]
#[get("/one")]
#[post("/two")]
async fn routes_below() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[routes]
#[get("/one")]
#[limit("1/day")]
#[post("/two")]
async fn routes_around() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[actix_web::test]
async fn routes_are_one_handler() {
    let requests = ["GET /one", "POST /two"];
    for answers in [answers(routes_below, &requests).await, answers(routes_around, &requests).await]
    {
        assert_eq!(answers[0].0, StatusCode::OK);
        assert_eq!(answers[1].0, StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(routes(record("positions::routes_below")), ["GET /one", "POST /two"]);
}

#[limit("2/day")]
#[actix_web::get("/path")]
#[limiter_actix::limit("1/day")]
#[::limiter_actix::shared_limit("3/day", scope = "positions")]
async fn by_path() -> &'static str {
    "by path"
}

#[actix_web::test]
async fn paths_work_as_names_do() {
    assert_eq!(twice(by_path, "GET /path").await[1], StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limits(record("positions::by_path")), ["2/day", "1/day", "3/day"]);
    assert_eq!(routes(record("positions::by_path")), ["GET /path"]);
}

#[limit("9/day")]
#[shared_limit("8/day", scope = "positions")]
#[get("/both/{id}")]
#[limit("7/day")]
#[exempt(defaults)]
async fn on_both_sides(id: web::Path<u32>) -> String {
    id.to_string()
}

#[actix_web::test]
async fn both_sides_at_once_make_one_gate() {
    assert_eq!(status(on_both_sides, "GET /both/1").await, StatusCode::OK);
    let record = record("positions::on_both_sides");
    assert_eq!(limits(record), ["9/day", "8/day", "7/day"]);
    assert!(record.exempt().defaults);
    assert!(!record.exempt().application);
}

/// Prefixes the paths of the route attributes inside, which it reads by name.
#[actix_web::scope("/api")]
mod scoped {
    use actix_web::get;
    use limiter_actix::limit;

    #[limit("1/day")]
    #[get("/above")]
    pub(crate) async fn above() -> &'static str {
        "above"
    }

    #[get("/below")]
    #[limit("1/day")]
    pub(crate) async fn below() -> &'static str {
        "below"
    }
}

#[actix_web::test]
async fn scope_attribute_prefixes_limited_handlers() {
    assert_eq!(twice(scoped::above, "GET /api/above").await[1], StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(twice(scoped::below, "GET /api/below").await[1], StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(routes(record("positions::scoped::above")), ["GET /api/above"]);
}

#[limit("1/day")]
async fn plain() -> &'static str {
    "plain"
}

#[actix_web::test]
async fn plain_function_is_routed_by_hand() {
    let service = web::resource("/plain").route(web::get().to(plain));
    assert_eq!(twice(service, "GET /plain").await[1], StatusCode::TOO_MANY_REQUESTS);
}
