//! Names in an expansion never meet names of the user's.
//!
//! `#[get]` makes a unit struct of the handler's name: a local of that name in the expansion would
//! then be a pattern that matches the struct.

use actix_web::{HttpRequest, get};
use limiter_actix::{MetaLimit, SharedLimit, limit, shared_limit};

use crate::support::answer;

/// Handlers of these names, each with an argument of its own name.
macro_rules! named {
    ($($name:ident)*) => {$(
        mod $name {
            use actix_web::{HttpRequest, get, web};
            use limiter_actix::limit;

            #[get("/{number}")]
            #[limit(
                |_request| "10/second",
                key = |_request: &HttpRequest| "everyone",
                scope = |_request| "everything",
                exempt_when = async |_request: &HttpRequest| false,
                deduct_when = |_head| true,
                cost_after = |_head| 0,
                on_breach = |_breach| (),
                error_message = |_breach| "slow down",
                meta = ["10/second"],
                block = "1 second",
                candidate = "5/second",
            )]
            pub(super) async fn $name($name: web::Path<u32>) -> String {
                $name.to_string()
            }
        }
    )*

    #[actix_web::test]
    async fn handlers_and_arguments_named_like_locals_answer() {
        $(assert_eq!(answer($name::$name, "GET /7").await.1, "7");)*
    }};
}

named! {
    args argument arguments gate limiter record request response returned r#type __gate __record
    limit_text limits scope scope_by key cost cost_after exempt_when deduct_when on_breach
    error_message meta block shadow candidate subject head breach callback of keep
}

/// Names of the prelude and of the standard library, taken by the user.
mod taken {
    #![allow(dead_code, non_snake_case, unused_macros)]

    use actix_web::get;

    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Option;
    pub(super) struct Result;
    pub(super) struct Either;
    pub(super) struct Gate;
    mod limiter_actix {}
    mod core {}
    mod std {}
    macro_rules! concat {
        () => {};
    }
    macro_rules! line {
        () => {};
    }

    #[get("/")]
    #[::limiter_actix::limit("10/second", cost = 2, strategy = "token-bucket")]
    #[::limiter_actix::limit(
        |_| "10/second",
        scope = |_| "everything",
        exempt_when = |_| false,
        on_breach = |_| (),
        meta = ["10/second", super::PENALTY],
        candidate = "5/second",
    )]
    pub(super) async fn handler() -> &'static str {
        "taken"
    }
}

#[actix_web::test]
async fn prelude_names_may_be_taken() {
    assert_eq!(answer(taken::handler, "GET /").await.1, "taken");
}

/// A facade crate that passes `limiter_actix` on, under a name of its own.
mod facade {
    pub(crate) use ::limiter_actix as limits;
}

static DATABASE: SharedLimit = SharedLimit::new("10/second", "hygiene");
static PENALTY: MetaLimit = MetaLimit::new("10/second");

#[limit("10/second", key = |_: &HttpRequest| "everyone", crate = crate::hygiene::facade::limits)]
#[get("/")]
#[shared_limit(DATABASE, cost = async |_: &HttpRequest| 2, crate = crate::hygiene::facade::limits)]
#[limit(
    async |_: &HttpRequest| "10/second",
    scope = async |_: &HttpRequest| "facade",
    exempt_when = |_| false,
    deduct_when = |_| true,
    cost_after = |_| 1,
    on_breach = |_| (),
    error_message = |_| "slow down",
    meta = ["5/minute", PENALTY],
    candidate = "5/second",
    crate = crate::hygiene::facade::limits,
)]
#[limit(
    "10/second",
    meta = "5/minute",
    block = "1 minute",
    crate = crate::hygiene::facade::limits,
)]
async fn through_a_facade() -> &'static str {
    "facade"
}

#[actix_web::test]
async fn crate_argument_names_the_root() {
    assert_eq!(answer(through_a_facade, "GET /").await.1, "facade");
}
