//! What is declared: for this library by attributes and options, as its users write them, and for
//! the model in a table. The reference has the same in `reference.py`.
//!
//! A new route is a line in `handlers!`, one in the table, and one in `reference.py`; a new world
//! a function here and there, and its name in `main.rs`.

use actix_web::{HttpRequest, dev::ResponseHead, http::StatusCode};
use limiter_actix::{MissingIdentity, Strategy};

use crate::{
    model::Difference,
    trace::wanted_status,
    world::{
        Class, Cost, DeclaredKey, Exempt, World, limit, limit_of_tier, quotas, route, scope,
        shared, tier,
    },
};

/// Handlers that answer with the status at the end of their path, or 200, some of them in scopes
/// or in a service that is told; and `serve`, which serves them behind a limiter.
macro_rules! handlers {
    (
        mod $world:ident { $($(#[$($attribute:tt)*])+ $name:ident;)+ }
        $(
            scope $path:literal $limits:expr => {
                $($(#[$($inner_attribute:tt)*])+ $inner_name:ident;)+
            }
        )*
        $(
            service $service:expr => {
                $($(#[$($deep_attribute:tt)*])+ $deep_name:ident;)+
            }
        )*
    ) => {
        mod $world {
            #[allow(unused_imports)]
            use actix_web::{App, HttpRequest, HttpResponse, get, post, route, web};
            #[allow(unused_imports)]
            use limiter_actix::{
                Exemption, Limiter, ScopeLimits, everyone, exempt, header, limit, shared_limit,
            };
            use limiter_tests::{RunningServer, serve};

            #[allow(unused_imports)]
            use super::{cost, failed, internal, status_of, tier_of};

            $(
                $(#[$($attribute)*])+
                async fn $name(request: HttpRequest) -> HttpResponse {
                    HttpResponse::build(status_of(&request)).body("done")
                }
            )+

            $($(
                $(#[$($inner_attribute)*])+
                async fn $inner_name(request: HttpRequest) -> HttpResponse {
                    HttpResponse::build(status_of(&request)).body("done")
                }
            )+)*

            $($(
                $(#[$($deep_attribute)*])+
                async fn $deep_name(request: HttpRequest) -> HttpResponse {
                    HttpResponse::build(status_of(&request)).body("done")
                }
            )+)*

            pub(super) fn serve(limiter: Limiter) -> RunningServer {
                serve!(
                    App::new()
                        .wrap(limiter.middleware())
                        $(.service($name))+
                        $(.service(web::scope($path).wrap($limits)$(.service($inner_name))+))*
                        $(.service($service))*
                )
            }
        }
    };
}

fn status_of(request: &HttpRequest) -> StatusCode {
    StatusCode::from_u16(wanted_status(request.path())).expect("traces ask for legal statuses")
}

fn api_key(request: &HttpRequest) -> Option<&str> {
    request.headers().get("x-api-key")?.to_str().ok()
}

fn tier_of(request: &HttpRequest) -> &'static str {
    tier(api_key(request))
}

fn internal(request: &HttpRequest) -> bool {
    api_key(request) == Some("internal")
}

fn failed(head: &ResponseHead) -> bool {
    head.status.as_u16() >= 400
}

/// The query parameter of that name, or 1.
fn cost(request: &HttpRequest) -> u64 {
    let cost = request.query_string().strip_prefix("cost=");
    cost.map_or(1, |cost| cost.parse().expect("traces ask with legal costs"))
}

handlers! {
    mod single {
        #[get("/plain")] plain;
        #[get("/other")] other;
        #[get("/items/{id}")] items;
        #[post("/plain")] plain_post;
        #[get("/ping")] #[exempt] ping;
        #[get("/slow")] #[limit("2/minute")] slow;
        #[get("/fast")] #[limit("1/second")] fast;
        #[get("/long")] #[limit("5 per 2 minutes")] long;
        #[get("/pages/{name}")] #[limit("2/minute")] pages;
        #[get("/keyed")] #[limit("2/minute", key = header("x-api-key"))] keyed;
        #[get("/part")] #[limit("2/minute", scope = "part")] part;
        #[route("/together", method = "GET", method = "POST")] #[limit("2/minute")] together;
        #[route("/apart", method = "GET", method = "POST")]
        #[limit("2/minute", per_method = true)] apart;
        #[route("/only_get", method = "GET", method = "POST")]
        #[limit("2/minute", methods = ["GET"])] only_get;
        #[get("/orders")] #[shared_limit("3/minute", scope = "database")] orders;
        #[get("/report")] #[shared_limit("3/minute", scope = "database")] report;
        #[get("/mail")] #[shared_limit("3/minute", scope = "mail")] mail;
    }
}

/// At most one limit for each request.
pub(crate) fn one_limit() -> World {
    World {
        limiter: |builder| builder.default_limits(["3/minute"]),
        defaults: Class::new("3/minute"),
        routes: vec![
            route("GET", &["/plain"]),
            route("GET", &["/other"]),
            route("GET", &["/items/1", "/items/2"]),
            route("POST", &["/plain"]),
            route("GET", &["/ping"]).exempt(Exempt::ALL),
            route("GET", &["/slow", "/%73low"]).limit(limit("2/minute")),
            route("GET", &["/fast"]).limit(limit("1/second")),
            route("GET", &["/long"]).limit(limit("5 per 2 minutes")),
            route("GET", &["/pages/a", "/pages/b"]).limit(limit("2/minute")),
            route("GET", &["/keyed"]).limit(limit("2/minute").key(DeclaredKey::ApiKey)),
            route("GET", &["/part"]).limit(limit("2/minute").part("part")),
            route("GET POST", &["/together"]).limit(limit("2/minute")),
            route("GET POST", &["/apart"]).limit(limit("2/minute").per_method()),
            route("GET POST", &["/only_get"]).limit(limit("2/minute").methods("GET")),
            route("GET", &["/orders"]).limit(shared("3/minute", "database")),
            route("GET", &["/report"]).limit(shared("3/minute", "database")),
            route("GET", &["/mail"]).limit(shared("3/minute", "mail")),
        ],
        ..World::new("one_limit", single::serve)
    }
}

/// The same with moving windows.
pub(crate) fn moving_window() -> World {
    World {
        name: "moving_window",
        limiter: |builder| builder.default_limits(["3/minute"]).strategy(Strategy::MovingWindow),
        strategy: Strategy::MovingWindow,
        differences: &[Difference::HitsExpire],
        ..one_limit()
    }
}

/// The same with sliding windows.
pub(crate) fn sliding_window() -> World {
    World {
        name: "sliding_window",
        limiter: |builder| {
            builder.default_limits(["3/minute"]).strategy(Strategy::SlidingWindowCounter)
        },
        strategy: Strategy::SlidingWindowCounter,
        differences: &[Difference::WindowsFromFirstHit],
        ..one_limit()
    }
}

handlers! {
    mod several {
        #[get("/plain")] plain;
        #[get("/windows")] #[limit("6/hour;3/minute;1/second")] windows;
        #[get("/adds")] #[limit("1/second", override_defaults = false)] adds;
        #[get("/stacked")] #[limit("3/minute")]
        #[limit("4/hour", key = header("x-api-key"))] stacked;
        #[get("/login")] #[limit("2/minute")] #[limit("5/hour", key = everyone)] login;
        #[get("/orders")] #[limit("1/second")]
        #[shared_limit("4/minute", scope = "database")] orders;
        #[get("/report")] #[shared_limit("4/minute;5/hour", scope = "database")] report;
    }
}

/// Several limits for each request.
pub(crate) fn several_limits() -> World {
    World {
        limiter: |builder| builder.default_limits(["4/minute", "6/hour"]),
        defaults: Class::new("4/minute;6/hour"),
        routes: vec![
            route("GET", &["/plain"]),
            route("GET", &["/windows"]).limit(limit("6/hour;3/minute;1/second")),
            route("GET", &["/adds"]).limit(limit("1/second").keep_defaults()),
            route("GET", &["/stacked"])
                .limit(limit("3/minute"))
                .limit(limit("4/hour").key(DeclaredKey::ApiKey)),
            route("GET", &["/login"])
                .limit(limit("2/minute"))
                .limit(limit("5/hour").key(DeclaredKey::Everyone)),
            route("GET", &["/orders"])
                .limit(limit("1/second"))
                .limit(shared("4/minute", "database")),
            route("GET", &["/report"]).limit(shared("4/minute;5/hour", "database")),
        ],
        differences: &[Difference::AllOrNothing],
        ..World::new("several_limits", several::serve)
    }
}

/// The same, where the reference goes on after a breach.
pub(crate) fn every_breach() -> World {
    World {
        name: "every_breach",
        limiter: |builder| {
            builder.default_limits(["4/minute", "6/hour"]).fail_on_first_breach(false)
        },
        fail_on_first_breach: false,
        ..several_limits()
    }
}

/// The same with moving windows.
pub(crate) fn several_moving() -> World {
    World {
        name: "several_moving",
        limiter: |builder| {
            builder.default_limits(["4/minute", "6/hour"]).strategy(Strategy::MovingWindow)
        },
        strategy: Strategy::MovingWindow,
        differences: &[Difference::AllOrNothing, Difference::HitsExpire],
        ..several_limits()
    }
}

handlers! {
    mod whole {
        #[get("/plain")] plain;
        #[get("/other")] other;
        #[get("/slow")] #[limit("2/minute")] slow;
        #[get("/adds")] #[limit("1/second", override_defaults = false)] adds;
        #[get("/shared")] #[shared_limit("4/hour", scope = "database")] shared;
        #[get("/ping")] #[exempt] ping;
        #[get("/status")] #[exempt(defaults)] status;
        #[get("/free")] #[exempt(application)] free;
    }
}

/// Limits of the whole application, and exemptions from them.
pub(crate) fn application() -> World {
    World {
        limiter: |builder| builder.application_limits(["5/minute"]).default_limits(["3/minute"]),
        application: Class::new("5/minute"),
        defaults: Class::new("3/minute"),
        routes: vec![
            route("GET", &["/plain"]),
            route("GET", &["/other"]),
            route("GET", &["/slow"]).limit(limit("2/minute")),
            route("GET", &["/adds"]).limit(limit("1/second").keep_defaults()),
            route("GET", &["/shared"]).limit(shared("4/hour", "database")),
            route("GET", &["/ping"]).exempt(Exempt::ALL),
            route("GET", &["/status"]).exempt(Exempt::DEFAULTS),
            route("GET", &["/free"]).exempt(Exempt::APPLICATION),
        ],
        differences: &[Difference::AllOrNothing],
        ..World::new("application", whole::serve)
    }
}

handlers! {
    mod partly {
        #[get("/plain")] plain;
        #[get("/own")] #[exempt(application)] #[limit("1/minute")] own;
        #[get("/both")] #[limit("2/minute")] #[exempt(defaults)] both;
    }
}

/// Exemptions of handlers that have limits of their own.
pub(crate) fn partly_exempt() -> World {
    World {
        limiter: |builder| builder.application_limits(["5/minute"]).default_limits(["3/minute"]),
        application: Class::new("5/minute"),
        defaults: Class::new("3/minute"),
        routes: vec![
            route("GET", &["/plain"]),
            route("GET", &["/own"]).exempt(Exempt::APPLICATION).limit(limit("1/minute")),
            route("GET", &["/both"]).exempt(Exempt::DEFAULTS).limit(limit("2/minute")),
        ],
        differences: &[Difference::AllOrNothing, Difference::ExactExemption],
        ..World::new("partly_exempt", partly::serve)
    }
}

handlers! {
    mod varied {
        #[get("/plain")] plain;
        #[post("/plain")] plain_post;
        #[route("/adds", method = "GET", method = "POST")]
        #[limit("1/second", override_defaults = false)] adds;
        #[route("/only_get", method = "GET", method = "POST")]
        #[limit("2/minute", methods = ["GET"])] only_get;
    }
}

/// The limiter's limits per method, and at a cost.
pub(crate) fn variants() -> World {
    World {
        limiter: |builder| {
            builder
                .application_limits(["8/minute"])
                .application_limits_per_method(true)
                .application_limits_cost(2)
                .default_limits(["6/minute"])
                .default_limits_per_method(true)
                .default_limits_cost(3)
        },
        application: Class { per_method: true, cost: Some(2), ..Class::new("8/minute") },
        defaults: Class { per_method: true, cost: Some(3), ..Class::new("6/minute") },
        routes: vec![
            route("GET", &["/plain"]),
            route("POST", &["/plain"]),
            route("GET POST", &["/adds"]).limit(limit("1/second").keep_defaults()),
            route("GET POST", &["/only_get"]).limit(limit("2/minute").methods("GET")),
        ],
        differences: &[Difference::AllOrNothing],
        ..World::new("variants", varied::serve)
    }
}

handlers! {
    mod costly {
        #[get("/plain")] plain;
        #[get("/two")] #[limit("5/minute", cost = 2)] two;
        #[get("/cost")] #[limit("5/minute", cost = cost)] asked;
        #[get("/fast")] #[limit("3/second", cost = cost)] fast;
        #[get("/orders")] #[shared_limit("6/minute", scope = "database", cost = cost)] orders;
        #[get("/report")] #[shared_limit("6/minute", scope = "database", cost = 3)] report;
    }
}

/// Requests that cost more than 1, or nothing, or more than there is.
pub(crate) fn costs() -> World {
    World {
        limiter: |builder| builder.default_limits(["5/minute"]).default_limits_cost(2),
        defaults: Class { cost: Some(2), ..Class::new("5/minute") },
        routes: vec![
            route("GET", &["/plain"]),
            route("GET", &["/two"]).limit(limit("5/minute").cost(Cost::Fixed(2))),
            route("GET", &["/cost"]).limit(limit("5/minute").cost(Cost::Query)),
            route("GET", &["/fast"]).limit(limit("3/second").cost(Cost::Query)),
            route("GET", &["/orders"]).limit(shared("6/minute", "database").cost(Cost::Query)),
            route("GET", &["/report"]).limit(shared("6/minute", "database").cost(Cost::Fixed(3))),
        ],
        differences: &[Difference::AllOrNothing, Difference::PlainCosts],
        ..World::new("costs", costly::serve)
    }
}

/// The same with moving windows.
pub(crate) fn moving_costs() -> World {
    World {
        name: "moving_costs",
        limiter: |builder| {
            builder
                .default_limits(["5/minute"])
                .default_limits_cost(2)
                .strategy(Strategy::MovingWindow)
        },
        strategy: Strategy::MovingWindow,
        differences: &[Difference::HitsExpire],
        ..costs()
    }
}

/// The same with sliding windows.
pub(crate) fn sliding_costs() -> World {
    World {
        name: "sliding_costs",
        limiter: |builder| {
            builder
                .default_limits(["5/minute"])
                .default_limits_cost(2)
                .strategy(Strategy::SlidingWindowCounter)
        },
        strategy: Strategy::SlidingWindowCounter,
        differences: &[Difference::WindowsFromFirstHit],
        ..costs()
    }
}

handlers! {
    mod strayed {
        #[get("/plain")] plain;
        #[get("/slow")] #[limit("2/minute")] slow;
    }
}

/// Requests that nobody serves.
pub(crate) fn unmatched() -> World {
    World {
        limiter: |builder| {
            builder
                .application_limits(["6/minute"])
                .default_limits(["3/minute"])
                .limit_unmatched(true)
        },
        application: Class::new("6/minute"),
        defaults: Class::new("3/minute"),
        routes: vec![route("GET", &["/plain"]), route("GET", &["/slow"]).limit(limit("2/minute"))],
        strays: &[
            ("GET", "/nowhere"),
            ("POST", "/elsewhere"),
            ("POST", "/plain"),
            ("POST", "/slow"),
        ],
        differences: &[
            Difference::AllOrNothing,
            Difference::UnmatchedCounts,
            Difference::WrongMethodCounts,
        ],
        ..World::new("unmatched", strayed::serve)
    }
}

/// The same, where nobody but a route limits.
pub(crate) fn unmatched_free() -> World {
    World {
        name: "unmatched_free",
        limiter: |builder| {
            builder
                .application_limits(["6/minute"])
                .default_limits(["3/minute"])
                .limit_unmatched(false)
        },
        differences: &[Difference::AllOrNothing],
        ..unmatched()
    }
}

handlers! {
    mod headed {
        #[route("/plain", method = "GET", method = "HEAD")] plain;
        #[route("/slow", method = "GET", method = "HEAD")] #[limit("2/minute")] slow;
        #[route("/apart", method = "GET", method = "HEAD")]
        #[limit("2/minute", per_method = true)] apart;
        #[route("/only_get", method = "GET", method = "HEAD", method = "OPTIONS")]
        #[limit("2/minute", methods = ["GET"])] only_get;
    }
}

/// `HEAD` and `OPTIONS`.
pub(crate) fn head() -> World {
    World {
        limiter: |builder| builder.default_limits(["3/minute"]),
        defaults: Class::new("3/minute"),
        routes: vec![
            route("GET HEAD", &["/plain"]),
            route("GET HEAD", &["/slow"]).limit(limit("2/minute")),
            route("GET HEAD", &["/apart"]).limit(limit("2/minute").per_method()),
            route("GET HEAD OPTIONS", &["/only_get"]).limit(limit("2/minute").methods("GET")),
        ],
        differences: &[Difference::HeadIsGet],
        ..World::new("head", headed::serve)
    }
}

handlers! {
    mod identified {
        #[get("/plain")] plain;
        #[get("/keyed")] #[limit("2/minute", key = header("x-api-key"))] keyed;
        #[get("/adds")]
        #[limit("2/minute", key = header("x-api-key"), override_defaults = false)] adds;
    }
}

/// Requests without the header that says whose they are.
pub(crate) fn identity() -> World {
    World {
        limiter: |builder| builder.default_limits(["3/minute"]),
        defaults: Class::new("3/minute"),
        routes: vec![
            route("GET", &["/plain"]),
            route("GET", &["/keyed"]).limit(limit("2/minute").key(DeclaredKey::ApiKey)),
            route("GET", &["/adds"])
                .limit(limit("2/minute").key(DeclaredKey::ApiKey).keep_defaults()),
        ],
        api_keys: &[None, Some("a")],
        differences: &[Difference::AllOrNothing, Difference::MissingIdentity],
        ..World::new("identity", identified::serve)
    }
}

/// The same, where they are let through as in the reference.
pub(crate) fn identity_skipped() -> World {
    World {
        name: "identity_skipped",
        limiter: |builder| {
            builder.default_limits(["3/minute"]).missing_identity(MissingIdentity::Skip)
        },
        differences: &[Difference::AllOrNothing],
        ..identity()
    }
}

handlers! {
    mod counted {
        #[get("/adds")] #[limit("3/minute", override_defaults = false)] adds;
        #[get("/three")] #[shared_limit("3/minute", scope = "database")] three;
        #[get("/five")] #[shared_limit("5/minute", scope = "database")] five;
    }
}

/// Limits that share a counter in one of the two libraries only.
pub(crate) fn counters() -> World {
    World {
        limiter: |builder| builder.default_limits(["3/minute"]),
        defaults: Class::new("3/minute"),
        routes: vec![
            route("GET", &["/adds"]).limit(limit("3/minute").keep_defaults()),
            route("GET", &["/three"]).limit(shared("3/minute", "database")),
            route("GET", &["/five"]).limit(shared("5/minute", "database")),
        ],
        differences: &[
            Difference::AllOrNothing,
            Difference::NoCollisions,
            Difference::AmountNotInKey,
        ],
        ..World::new("counters", counted::serve)
    }
}

handlers! {
    mod ordered {
        #[get("/plain")] plain;
        #[get("/units")] #[limit("4 per 90 seconds;3/minute")] units;
        #[get("/adds")] #[limit("2/minute", override_defaults = false)] adds;
    }
}

/// Windows that are longer than a window of a larger unit.
pub(crate) fn order() -> World {
    World {
        limiter: |builder| builder.default_limits(["3 per 100 seconds"]),
        defaults: Class::new("3 per 100 seconds"),
        routes: vec![
            route("GET", &["/plain"]),
            route("GET", &["/units"]).limit(limit("4 per 90 seconds;3/minute")),
            route("GET", &["/adds"]).limit(limit("2/minute").keep_defaults()),
        ],
        differences: &[Difference::AllOrNothing, Difference::OrderByWindow],
        ..World::new("order", ordered::serve)
    }
}

handlers! {
    mod overridden {
        #[route("/mixed", method = "GET", method = "POST")]
        #[limit("1/second", methods = ["POST"])]
        #[limit("6/hour", override_defaults = false)] mixed;
    }
}

/// Limits of some methods beside limits of all.
pub(crate) fn overrides() -> World {
    World {
        limiter: |builder| builder.default_limits(["3/minute"]),
        defaults: Class::new("3/minute"),
        routes: vec![
            route("GET POST", &["/mixed"])
                .limit(limit("1/second").methods("POST"))
                .limit(limit("6/hour").keep_defaults()),
        ],
        differences: &[Difference::AllOrNothing, Difference::OverrideByMethod],
        ..World::new("overrides", overridden::serve)
    }
}

handlers! {
    mod repeated {
        #[get("/stacked")] #[limit("3/minute")] #[limit("3/minute")] stacked_twice;
        #[get("/ties")] #[limit("3/minute")]
        #[limit("2/minute", key = header("x-api-key"))] ties;
        #[get("/tied")] #[limit("5/minute;3/minute", key = header("x-api-key"))] tied;
    }
}

/// Limits that are declared twice, and windows of the same length.
pub(crate) fn repeats() -> World {
    World {
        routes: vec![
            route("GET", &["/stacked"]).limit(limit("3/minute")).limit(limit("3/minute")),
            route("GET", &["/ties"])
                .limit(limit("3/minute"))
                .limit(limit("2/minute").key(DeclaredKey::ApiKey)),
            route("GET", &["/tied"]).limit(limit("5/minute;3/minute").key(DeclaredKey::ApiKey)),
        ],
        differences: &[Difference::AllOrNothing, Difference::AttributeOrder],
        ..World::new("repeats", repeated::serve)
    }
}

handlers! {
    mod dynamic_limits {
        #[get("/plain")] plain;
        #[get("/tiers")] #[limit(tier_of)] tiers;
        #[get("/added")] #[limit(tier_of, override_defaults = false)] added;
        #[get("/inside")] #[limit("2/minute", exempt_when = internal)] inside;
        #[get("/either")] #[limit("2/minute", exempt_when = internal)]
        #[limit("3/hour")] either;
    }
}

/// Limits that functions tell or leave out.
pub(crate) fn dynamic() -> World {
    World {
        limiter: |builder| builder.default_limits(["3/minute"]),
        defaults: Class::new("3/minute"),
        routes: vec![
            route("GET", &["/plain"]),
            route("GET", &["/tiers"]).limit(limit_of_tier()),
            route("GET", &["/added"]).limit(limit_of_tier().keep_defaults()),
            route("GET", &["/inside"]).limit(limit("2/minute").exempt_key("internal")),
            route("GET", &["/either"])
                .limit(limit("2/minute").exempt_key("internal"))
                .limit(limit("3/hour")),
        ],
        api_keys: &[None, Some("a"), Some("b"), Some("internal")],
        differences: &[
            Difference::AllOrNothing,
            Difference::NoCollisions,
            Difference::AmountNotInKey,
        ],
        ..World::new("dynamic", dynamic_limits::serve)
    }
}

/// The same behind a filter.
pub(crate) fn filtered() -> World {
    World {
        name: "filtered",
        limiter: |builder| builder.default_limits(["3/minute"]).request_filter(internal),
        filtered_key: Some("internal"),
        ..dynamic()
    }
}

handlers! {
    mod deducted_limits {
        #[get("/plain/{status}")] plain;
        #[get("/login/{status}")] #[limit("2/minute", deduct_when = failed)] login;
        #[get("/costly/{status}")] #[limit("5/minute", deduct_when = failed, cost = 2)] costly;
        #[get("/strict/{status}")] #[limit("3/minute", deduct_when = failed)]
        #[limit("6/hour")] strict;
    }
}

/// Limits that count failures only.
pub(crate) fn deducted() -> World {
    World {
        limiter: |builder| builder.default_limits(["4/minute"]),
        defaults: Class::new("4/minute"),
        routes: vec![
            route("GET", &["/plain/200", "/plain/500"]),
            route("GET", &["/login/200", "/login/401"]).limit(limit("2/minute").deduct_failures()),
            route("GET", &["/costly/200", "/costly/500"])
                .limit(limit("5/minute").deduct_failures().cost(Cost::Fixed(2))),
            route("GET", &["/strict/200", "/strict/401"])
                .limit(limit("3/minute").deduct_failures())
                .limit(limit("6/hour")),
        ],
        differences: &[Difference::AllOrNothing],
        ..World::new("deducted", deducted_limits::serve)
    }
}

handlers! {
    mod punished {
        #[get("/plain")] plain;
        #[get("/fast")] #[limit("1/second")] fast;
        #[get("/ping")] #[exempt] ping;
        #[get("/status")] #[exempt(defaults)] status;
    }
}

/// Limits on the number of breaches, for all limits alike.
pub(crate) fn meta_limits() -> World {
    World {
        limiter: |builder| builder.default_limits(["2/minute"]).meta_limits(["3 per 5 minutes"]),
        defaults: Class::new("2/minute"),
        meta: quotas("3 per 5 minutes"),
        routes: vec![
            route("GET", &["/plain"]),
            route("GET", &["/fast"]).limit(limit("1/second")),
            route("GET", &["/ping"]).exempt(Exempt::ALL),
            route("GET", &["/status"]).exempt(Exempt::DEFAULTS),
        ],
        differences: &[Difference::MetaWhereLimits],
        ..World::new("meta_limits", punished::serve)
    }
}

handlers! {
    mod punished_once {
        #[get("/plain")] plain;
        #[get("/login")] #[limit("1/second", meta = "2/minute")] login;
        #[get("/token")] #[limit("1/second", meta = "2/minute")] token;
        #[get("/orders")] #[shared_limit("1/second", scope = "database", meta = "3/hour")] orders;
    }
}

/// Limits on the number of breaches of one limit.
pub(crate) fn own_meta_limits() -> World {
    World {
        limiter: |builder| builder.default_limits(["3/minute"]),
        defaults: Class::new("3/minute"),
        routes: vec![
            route("GET", &["/plain"]),
            route("GET", &["/login"]).limit(limit("1/second").meta("2/minute")),
            route("GET", &["/token"]).limit(limit("1/second").meta("2/minute")),
            route("GET", &["/orders"]).limit(shared("1/second", "database").meta("3/hour")),
        ],
        ..World::new("own_meta_limits", punished_once::serve)
    }
}

handlers! {
    mod scoped {
        #[get("/plain")] plain;
    }
    scope "/api" ScopeLimits::new("api").limits(["4/minute"]) => {
        #[get("/plain")] api_plain;
        #[get("/own")] #[limit("1/second")] api_own;
        #[get("/adds")] #[limit("1/second", override_defaults = false)] api_adds;
        #[get("/ping")] #[exempt] api_ping;
    }
    scope "/open" ScopeLimits::new("open").limits(["1/second"]).override_defaults(false) => {
        #[get("/plain")] open_plain;
        #[get("/adds")] #[limit("5/hour", override_defaults = false)] open_adds;
    }
    scope "/free" ScopeLimits::new("free").exempt(Exemption::ALL) => {
        #[get("/plain")] free_plain;
        #[get("/own")] #[limit("2/minute")] free_own;
    }
}

/// Limits and exemptions of scopes: the reference's blueprints.
pub(crate) fn scopes() -> World {
    let api = |path| route("GET", path).within(&scope().limit(limit("4/minute")));
    let open = |path| route("GET", path).within(&scope().limit(limit("1/second").keep_defaults()));
    let free = |path| route("GET", path).within(&scope().exempt(Exempt::ALL));
    World {
        limiter: |builder| builder.application_limits(["7/minute"]).default_limits(["3/minute"]),
        application: Class::new("7/minute"),
        defaults: Class::new("3/minute"),
        routes: vec![
            route("GET", &["/plain"]),
            api(&["/api/plain"]),
            api(&["/api/own"]).limit(limit("1/second")),
            api(&["/api/adds"]).limit(limit("1/second").keep_defaults()),
            api(&["/api/ping"]).exempt(Exempt::ALL),
            open(&["/open/plain"]),
            open(&["/open/adds"]).limit(limit("5/hour").keep_defaults()),
            free(&["/free/plain"]),
            free(&["/free/own"]).limit(limit("2/minute")),
        ],
        differences: &[Difference::AllOrNothing],
        ..World::new("scopes", scoped::serve)
    }
}

handlers! {
    mod nested {
        #[get("/plain")] plain;
    }
    service web::scope("/shop")
        .wrap(ScopeLimits::new("shop").limits(["4/minute"]))
        .service(shop_plain)
        .service(
            web::scope("/cart")
                .wrap(ScopeLimits::new("cart").limits(["2/second"]))
                .service(cart_plain)
                .service(
                    web::scope("/items")
                        .wrap(ScopeLimits::new("items"))
                        .service(items_plain)
                        .service(items_adds),
                ),
        )
        .service(
            web::scope("/stock")
                .wrap(ScopeLimits::new("stock").limits(["1/second"]).override_defaults(false))
                .service(stock_plain)
                .service(stock_own)
                .service(stock_adds),
        )
        .service(
            web::scope("/alone")
                .wrap(
                    ScopeLimits::new("alone")
                        .limits(["2/second"])
                        .override_defaults(false)
                        .without_ancestors(),
                )
                .service(alone_plain),
        )
        .service(
            web::scope("/kept")
                .wrap(ScopeLimits::new("kept").limits(["2/second"]).exempt(Exemption::ALL))
                .service(kept_plain),
        ) => {
        #[get("/plain")] shop_plain;
        #[get("/plain")] cart_plain;
        #[get("/plain")] items_plain;
        #[get("/adds")] #[limit("3 per 2 minutes", override_defaults = false)] items_adds;
        #[get("/plain")] stock_plain;
        #[get("/own")] #[limit("2 per 2 minutes")] stock_own;
        #[get("/adds")] #[limit("3 per 2 minutes", override_defaults = false)] stock_adds;
        #[get("/plain")] alone_plain;
        #[get("/plain")] kept_plain;
    }
    service web::scope("/free")
        .wrap(
            ScopeLimits::new("free")
                .limits(["2/second"])
                .exempt(Exemption { defaults: true, ..Exemption::NONE })
                .exempt_descendants(),
        )
        .service(free_plain)
        .service(web::scope("/inner").wrap(ScopeLimits::new("inner")).service(inner_plain))
        .service(
            web::scope("/mixed")
                .wrap(
                    ScopeLimits::new("mixed")
                        .limits(["1/second"])
                        .override_defaults(false)
                        .exempt(Exemption { application: true, ..Exemption::NONE }),
                )
                .service(mixed_plain),
        ) => {
        #[get("/plain")] free_plain;
        #[get("/plain")] inner_plain;
        #[get("/plain")] mixed_plain;
    }
    service web::scope("/half")
        .wrap(ScopeLimits::new("half").exempt(Exemption { defaults: true, ..Exemption::NONE }))
        .service(half_plain)
        .service(web::scope("/rest").wrap(ScopeLimits::new("rest")).service(rest_plain)) => {
        #[get("/plain")] half_plain;
        #[get("/plain")] rest_plain;
    }
}

/// Scopes in scopes: what is inherited, overridden and handed down.
pub(crate) fn nested_scopes() -> World {
    let plain = |path| route("GET", path);
    let adds = |text| limit(text).keep_defaults();
    let shop = scope().limit(limit("4/minute"));
    let cart = scope().limit(limit("2/second"));
    let stock = scope().limit(adds("1/second"));
    let alone = scope().limit(adds("2/second")).without_ancestors();
    let kept = scope().limit(limit("2/second")).exempt(Exempt::ALL);
    let free = scope().limit(limit("2/second")).exempt(Exempt::DEFAULTS).exempt_descendants();
    let mixed = scope().limit(adds("1/second")).exempt(Exempt::APPLICATION);
    let half = scope().exempt(Exempt::DEFAULTS);
    World {
        limiter: |builder| builder.application_limits(["9/minute"]).default_limits(["5/hour"]),
        application: Class::new("9/minute"),
        defaults: Class::new("5/hour"),
        routes: vec![
            plain(&["/plain"]),
            plain(&["/shop/plain"]).within(&shop),
            plain(&["/shop/cart/plain"]).within(&cart).within(&shop),
            plain(&["/shop/cart/items/plain"]).within(&scope()).within(&cart).within(&shop),
            plain(&["/shop/cart/items/adds"])
                .limit(adds("3 per 2 minutes"))
                .within(&scope())
                .within(&cart)
                .within(&shop),
            plain(&["/shop/stock/plain"]).within(&stock).within(&shop),
            plain(&["/shop/stock/own"])
                .limit(limit("2 per 2 minutes"))
                .within(&stock)
                .within(&shop),
            plain(&["/shop/stock/adds"])
                .limit(adds("3 per 2 minutes"))
                .within(&stock)
                .within(&shop),
            plain(&["/shop/alone/plain"]).within(&alone).within(&shop),
            plain(&["/shop/kept/plain"]).within(&kept).within(&shop),
            plain(&["/free/plain"]).within(&free),
            plain(&["/free/inner/plain"]).within(&scope()).within(&free),
            plain(&["/free/mixed/plain"]).within(&mixed).within(&free),
            plain(&["/half/plain"]).within(&half),
            plain(&["/half/rest/plain"]).within(&scope()).within(&half),
        ],
        differences: &[Difference::AllOrNothing, Difference::ExactExemption],
        ..World::new("nested_scopes", nested::serve)
    }
}
