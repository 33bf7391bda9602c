//! What a limited request allocates: nothing that the bare app does not, and nothing for ever.

use std::{alloc::System, net::SocketAddr};

use actix_web::{
    App, Error, HttpRequest,
    dev::{Service, ServiceResponse},
    get,
    test::{TestRequest, init_service},
    web,
};
use limiter_actix::{Limiter, limit};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[get("/item/{id}")]
async fn bare(id: web::Path<u32>) -> String {
    id.to_string()
}

mod limited {
    use super::*;

    #[get("/item/{id}")]
    #[limit("1000000/hour")]
    pub(crate) async fn one(id: web::Path<u32>) -> String {
        id.to_string()
    }

    #[get("/item/{id}")]
    #[limit("1000000/hour;2000000/day;3000000/week")]
    pub(crate) async fn three(id: web::Path<u32>) -> String {
        id.to_string()
    }

    #[get("/tenant")]
    #[limit("1/day", scope = tenant)]
    pub(crate) async fn by_tenant() -> &'static str {
        "tenant"
    }

    fn tenant(request: &HttpRequest) -> String {
        let tenant = request.headers().get("x-tenant").and_then(|tenant| tenant.to_str().ok());
        tenant.unwrap_or_default().to_owned()
    }
}

/// Allocations of 100 requests, once everything is warm.
async fn allocations<S, B>(app: &S) -> usize
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
{
    let mut total = 0;
    for round in 0..2 {
        total = 0;
        for _ in 0..100 {
            let request = TestRequest::get()
                .uri("/item/7")
                .peer_addr(SocketAddr::from(([192, 0, 2, 1], 4_000)))
                .to_request();
            let region = Region::new(ALLOCATOR);
            let response = app.call(request).await.expect("the handler answers");
            assert!(response.status().is_success(), "round {round}: {}", response.status());
            drop(response);
            total += region.change().allocations;
        }
    }
    total
}

/// Bytes that are kept of 200 requests that name their own scope, with 60,000 letters each.
async fn kept_of_names<S, B>(app: &S) -> usize
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
{
    let region = Region::new(ALLOCATOR);
    for tenant in 0..200 {
        let request = TestRequest::get()
            .uri("/tenant")
            .peer_addr(SocketAddr::from(([192, 0, 2, 1], 4_000)))
            .insert_header(("x-tenant", format!("{tenant:0>60000}")))
            .to_request();
        let response = app.call(request).await.expect("the handler answers");
        assert!(response.status().is_success(), "{}", response.status());
    }
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

async fn limiter(builder: limiter_actix::LimiterBuilder) -> Limiter {
    builder.build().await.expect("the options are right")
}

// One test: the count is that of the whole process.
#[actix_web::test]
async fn a_limited_request_allocates_what_a_bare_one_does() {
    let expected = allocations(&init_service(App::new().service(bare)).await).await;
    assert!(expected > 0, "the allocator counts");

    let decorated = limiter(Limiter::builder()).await;
    let app = App::new().wrap(decorated.middleware()).service(limited::one);
    assert_eq!(allocations(&init_service(app).await).await, expected, "one limit on the handler");

    let app = App::new().wrap(decorated.middleware()).service(limited::three);
    assert_eq!(allocations(&init_service(app).await).await, expected, "three limits");

    let defaults = limiter(Limiter::builder().default_limits(["1000000/hour"])).await;
    let app = App::new().wrap(defaults.middleware()).service(bare);
    assert_eq!(allocations(&init_service(app).await).await, expected, "a default limit");

    let app = App::new().wrap(decorated.middleware()).service(limited::by_tenant);
    let kept = kept_of_names(&init_service(app).await).await;
    assert!(kept < 1_000_000, "{kept} bytes of names that clients choose");
}
