//! Behaviours 44 to 48: what is not limited.

use actix_web::{HttpRequest, get, web};
use limiter_actix::{Exemption, ScopeLimits, exempt, limit};

use crate::site::Place;

in_process_and_over_sockets!(
    b44_an_exempt_route_is_limited_by_nothing,
    b45_exempt_from_the_application_limit_only,
    b46_an_exemption_does_what_its_flags_say,
    b47_a_filtered_request_is_never_limited,
    b48_static_files_are_exempt_by_path_or_by_scope,
);

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/exempt")]
#[exempt]
async fn exempted() -> &'static str {
    "exempt"
}

#[get("/exempt-application")]
#[exempt(application)]
async fn exempt_from_application() -> &'static str {
    "exempt"
}

#[get("/exempt-own")]
#[exempt(application)]
#[limit("2/minute")]
async fn exempt_with_limit() -> &'static str {
    "exempt"
}

#[get("/hourly")]
#[limit("1/hour")]
async fn hourly() -> &'static str {
    "hourly"
}

async fn b44_an_exempt_route_is_limited_by_nothing(place: Place) {
    let limiter = limiter!(default_limits(["1/hour"]), application_limits(["1/hour"]));
    let site = site!(place, limiter, exempted, plain);
    assert_eq!(site.get("/exempt").times(5).await, [200; 5]);
    assert_eq!(site.get("/plain").times(1).await, [200], "nothing was charged");
}

async fn b45_exempt_from_the_application_limit_only(place: Place) {
    let limiter = limiter!(default_limits(["2/hour"]), application_limits(["1/hour"]));
    let site = site!(place, limiter, exempt_from_application, plain);
    assert_eq!(site.get("/exempt-application").times(3).await, [200, 200, 429]);
    assert_eq!(site.get("/plain").times(2).await, [200, 429]);
}

/// In the reference any exemption deletes the route's own limits (D8).
async fn b46_an_exemption_does_what_its_flags_say(place: Place) {
    let site = site!(place, limiter!(application_limits(["1/hour"])), exempt_with_limit);
    assert_eq!(site.get("/exempt-own").times(3).await, [200, 200, 429]);
}

async fn b47_a_filtered_request_is_never_limited(place: Place) {
    let internal = |request: &HttpRequest| request.headers().contains_key("x-internal");
    let limiter = limiter!(request_filter(internal), default_limits(["1/hour"]));
    let site = site!(place, limiter, hourly, plain);
    for target in ["/hourly", "/plain"] {
        assert_eq!(site.get(target).header("x-internal", "yes").times(3).await, [200; 3]);
        assert_eq!(site.get(target).times(2).await, [200, 429], "nothing was charged");
        assert_eq!(site.get(target).header("x-internal", "yes").times(1).await, [200]);
    }
}

/// A file of `actix-files`, as far as a limiter can tell.
async fn file() -> &'static str {
    "body { color: red }"
}

/// Flask knows which endpoints are static; Actix does not, so the app says it: of a path, or of the
/// scope in which the files are.
async fn b48_static_files_are_exempt_by_path_or_by_scope(place: Place) {
    let limiter = limiter!(
        default_limits(["1/hour"]),
        application_limits(["3/hour"]),
        exempt_path("/favicon.ico")
    );
    let exempt = || ScopeLimits::new("static").exempt(Exemption::ALL).without_ancestors();
    let site = site!(
        place,
        limiter,
        web::resource("/favicon.ico").to(file),
        web::scope("/static").wrap(exempt()).route("/{file}", web::get().to(file)),
        web::scope("/shop")
            .wrap(ScopeLimits::new("shop").limits(["1/hour"]))
            .service(web::scope("/static").wrap(exempt()).route("/{file}", web::get().to(file)))
            .service(plain),
        plain,
    );
    for target in ["/favicon.ico", "/static/a.css", "/shop/static/a.css"] {
        assert_eq!(site.get(target).times(4).await, [200; 4], "{target}");
    }
    assert_eq!(site.get("/plain").times(2).await, [200, 429]);
    assert_eq!(site.get("/shop/plain").times(2).await, [200, 429]);
}
