//! Behaviours 53 to 56: limits and exemptions of scopes, which are blueprints in the reference.

use std::time::Duration;

use actix_web::{Resource, dev::HttpServiceFactory, get, web};
use limiter_actix::{Exemption, FakeClock, ScopeLimits, limit};

use crate::site::Place;

in_process_and_over_sockets!(
    b53_a_scope_limits_each_endpoint_inside,
    b54_a_handler_overrides_its_scope_or_adds_to_it,
    b55_seven_scopes_inherit_override_and_opt_out,
    b55_explicit_limits_of_nested_scopes_add_up_unless_they_override,
    b56_exempting_a_parent_does_not_exempt_a_child,
);

async fn answer() -> &'static str {
    "answer"
}

/// An undecorated endpoint at the root of a scope.
fn root() -> Resource {
    web::resource("/").route(web::get().to(answer))
}

#[get("/own")]
#[limit("3/minute")]
async fn own() -> &'static str {
    "own"
}

#[get("/both")]
#[limit("3/second", override_defaults = false)]
async fn both() -> &'static str {
    "both"
}

async fn b53_a_scope_limits_each_endpoint_inside(place: Place) {
    let scope = || {
        web::scope("/api")
            .wrap(ScopeLimits::new("api").limits(["2/minute"]))
            .service(root())
            .service(
                web::resource("/other").route(web::get().to(answer)).route(web::post().to(answer)),
            )
    };
    let site = site!(place, limiter!(default_limits(["1/day"])), scope(), root());
    for _ in 0..2 {
        // The limits are the same whether or not the endpoint has been seen.
        assert_eq!(site.get("/api/").times(1).await, [200]);
        assert_eq!(site.get("/api/other").times(1).await, [200]);
        assert_eq!(site.post("/api/other").times(1).await, [200]);
    }
    assert_eq!(site.get("/api/").times(1).await, [429]);
    assert_eq!(site.get("/api/other").times(1).await, [429]);
    assert_eq!(site.post("/api/other").times(1).await, [429]);
    assert_eq!(site.get("/").times(2).await, [200, 429]);
}

async fn b54_a_handler_overrides_its_scope_or_adds_to_it(place: Place) {
    let clock = FakeClock::new();
    let limits = || ScopeLimits::new("api").limits(["1/minute"]);
    let scope = move || web::scope("/api").wrap(limits()).service(own).service(both);
    let limiter = limiter!(default_limits(["1/day"]), clock(clock.clone()));
    let site = site!(place, limiter, scope());
    assert_eq!(site.get("/api/own").times(4).await, [200, 200, 200, 429]);
    assert_eq!(site.get("/api/both").times(2).await, [200, 429], "the scope's limit");
    clock.advance(Duration::from_secs(60));
    assert_eq!(site.get("/api/both").times(1).await, [200], "and not the default");
}

/// Not limited by defaults and application limits.
const UNLIMITED: Exemption = Exemption { defaults: true, application: true, meta: false };

fn first_tree() -> impl HttpServiceFactory {
    let n1 = ScopeLimits::new("n1").exempt(UNLIMITED).exempt_descendants();
    let n1_1 = ScopeLimits::new("n1_1").limits(["2/minute"]);
    let n1_1_1 = ScopeLimits::new("n1_1_1").without_ancestors();
    let n1_1_2 = ScopeLimits::new("n1_1_2").limits(["3/minute"]);
    let inner = web::scope("/n1_1")
        .service(web::scope("/n1_1_1").service(root()).wrap(n1_1_1))
        .service(web::scope("/n1_1_2").service(root()).wrap(n1_1_2))
        .service(root());
    web::scope("/n1").service(inner.wrap(n1_1)).service(root()).wrap(n1)
}

fn second_tree() -> impl HttpServiceFactory {
    let n2 = ScopeLimits::new("n2").limits(["2/minute"]);
    let n2_1 = ScopeLimits::new("n2_1").limits(["3/minute"]).exempt(UNLIMITED);
    let n2_1_1 = ScopeLimits::new("n2_1_1").without_ancestors();
    let inner = web::scope("/n2_1")
        .service(web::scope("/n2_1_1").service(root()).wrap(n2_1_1))
        .service(root());
    web::scope("/n2").service(inner.wrap(n2_1)).service(root()).wrap(n2)
}

/// Seven nested scopes, their exemptions and their limits.
async fn b55_seven_scopes_inherit_override_and_opt_out(place: Place) {
    let clock = FakeClock::new();
    let limiter =
        limiter!(default_limits(["1/minute"]), application_limits(["5/day"]), clock(clock.clone()));
    let site = site!(place, limiter, first_tree(), second_tree(), root());

    assert_eq!(site.get("/").times(2).await, [200, 429]);
    assert_eq!(site.get("/n1/").times(2).await, [200, 200]);
    assert_eq!(site.get("/n1/n1_1/").times(3).await, [200, 200, 429]);
    assert_eq!(site.get("/n1/n1_1/n1_1_1/").times(3).await, [200, 200, 200]);
    assert_eq!(site.get("/n1/n1_1/n1_1_2/").times(4).await, [200, 200, 200, 429]);
    assert_eq!(site.get("/n2/").times(3).await, [200, 200, 429]);
    assert_eq!(site.get("/n2/n2_1/").times(4).await, [200, 200, 200, 429]);
    assert_eq!(site.get("/n2/n2_1/n2_1_1/").times(2).await, [200, 429]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(site.get("/n2/n2_1/n2_1_1/").times(2).await, [200, 429]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(site.get("/n2/n2_1/n2_1_1/").times(1).await, [429], "five a day are used");
    for exempt in ["/n1/", "/n1/n1_1/", "/n1/n1_1/n1_1_1/", "/n1/n1_1/n1_1_2/"] {
        assert_eq!(site.get(exempt).times(1).await, [200], "{exempt}");
    }
    assert_eq!(site.get("/").times(1).await, [429]);
    assert_eq!(site.get("/n2/").times(1).await, [429]);
}

fn three_generations() -> impl HttpServiceFactory {
    let parent = ScopeLimits::new("parent").limits(["3/hour"]);
    let child = ScopeLimits::new("child").limits(["2/minute"]);
    let grand_child = ScopeLimits::new("grand").limits(["5/day"]).override_defaults(false);
    let grand_child = web::scope("/grand_child").wrap(grand_child).service(root());
    let child = web::scope("/child").wrap(child).service(grand_child).service(root());
    web::scope("/parent").wrap(parent).service(child).service(root())
}

async fn b55_explicit_limits_of_nested_scopes_add_up_unless_they_override(place: Place) {
    let clock = FakeClock::new();
    let limiter = limiter!(default_limits(["1/minute"]), clock(clock.clone()));
    let site = site!(place, limiter, three_generations(), root());

    let grand_child = "/parent/child/grand_child/";
    assert_eq!(site.get("/").times(2).await, [200, 429]);
    assert_eq!(site.get("/parent/").times(4).await, [200, 200, 200, 429]);
    assert_eq!(site.get("/parent/child/").times(3).await, [200, 200, 429]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(site.get("/parent/child/").times(2).await, [200, 200], "the parent's is overridden");
    assert_eq!(site.get(grand_child).times(3).await, [200, 200, 429], "the child's is not");
    clock.advance(Duration::from_secs(60));
    assert_eq!(site.get(grand_child).times(2).await, [200, 429], "three an hour, of the parent");
    for _ in 0..2 {
        clock.advance(Duration::from_secs(3600));
        assert_eq!(site.get(grand_child).times(1).await, [200]);
    }
    clock.advance(Duration::from_secs(3600));
    assert_eq!(site.get(grand_child).times(1).await, [429], "five a day, of its own");
}

async fn b56_exempting_a_parent_does_not_exempt_a_child(place: Place) {
    let exempt = || ScopeLimits::new("parent").exempt(Exemption::ALL);
    let family = |parent: ScopeLimits| {
        let child = web::scope("/child").wrap(ScopeLimits::new("child")).service(root());
        web::scope("/parent").wrap(parent).service(child).service(root())
    };
    let limiter = || async { limiter!(default_limits(["1/minute"])) };

    let site = site!(place, limiter().await, family(exempt()), root());
    assert_eq!(site.get("/").times(2).await, [200, 429]);
    assert_eq!(site.get("/parent/").times(2).await, [200, 200]);
    assert_eq!(site.get("/parent/child/").times(2).await, [200, 429]);

    let site = site!(place, limiter().await, family(exempt().exempt_descendants()), root());
    assert_eq!(site.get("/").times(2).await, [200, 429]);
    assert_eq!(site.get("/parent/").times(2).await, [200, 200]);
    assert_eq!(site.get("/parent/child/").times(2).await, [200, 200]);
}
