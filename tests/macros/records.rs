//! The link-time list of handlers tells what was declared, and where.

use actix_web::{HttpRequest, get, web};
use limiter_actix::{
    Exemption, LimitRecord, ScopeRecord, SharedLimit, exempt, limit, shared_limit,
};

use crate::support::{limits, record, routes};

static DATABASE: SharedLimit = SharedLimit::new("100/hour; 10/minute", "mysql");

const LINE: u32 = line!();
#[limit("100/day; 10/hour", scope = "part")]
#[get("/users/{id}")]
#[shared_limit(DATABASE, cost = 5)]
#[shared_limit("1/second", scope = "redis", override_defaults = false)]
#[limit("7/week")]
async fn declared(id: web::Path<u32>) -> String {
    id.to_string()
}

#[test]
fn record_tells_what_was_declared() {
    let record = record("records::declared");
    assert_eq!(record.name(), "declared");
    assert_eq!(record.handler(), concat!(module_path!(), "::declared"));
    assert_eq!(routes(record), ["GET /users/{id}"]);
    assert_eq!(limits(record), ["100/day; 10/hour", "100/hour; 10/minute", "1/second", "7/week"]);
    assert_eq!(
        record.limits()[0].quotas(),
        ["100/day", "10/hour"].map(|text| text.parse().unwrap())
    );
    let scopes: Vec<_> = record.limits().iter().map(LimitRecord::scope_record).collect();
    assert_eq!(
        scopes,
        [
            ScopeRecord::HandlerPart("part"),
            ScopeRecord::Shared("mysql"),
            ScopeRecord::Shared("redis"),
            ScopeRecord::Handler,
        ]
    );
    let overrides: Vec<_> = record.limits().iter().map(LimitRecord::overrides_defaults).collect();
    assert_eq!(overrides, [true, true, false, true]);
    assert_eq!(record.exempt(), Exemption::NONE);
}

const BELOW_LINE: u32 = line!();
#[get("/below")]
#[limit("1/second")]
async fn below() -> &'static str {
    "below"
}

#[test]
fn record_tells_file_and_line_of_the_function() {
    assert_eq!(record("records::declared").file(), file!());
    assert_eq!(record("records::declared").line(), LINE + 6);
    assert_eq!(record("records::below").file(), file!());
    assert_eq!(record("records::below").line(), BELOW_LINE + 3);
}

#[exempt]
async fn exempt_from_all() -> &'static str {
    "exempt"
}

#[exempt(application, meta)]
#[limit("1/second")]
async fn exempt_from_some() -> &'static str {
    "exempt"
}

#[exempt(defaults, application, meta)]
#[limit("1/second")]
async fn exempt_from_all_but_its_own() -> &'static str {
    "exempt"
}

#[test]
fn record_tells_the_exemption() {
    assert_eq!(record("records::exempt_from_all").exempt(), Exemption::ALL);
    assert_eq!(limits(record("records::exempt_from_all")), [""; 0]);
    assert_eq!(
        record("records::exempt_from_some").exempt(),
        Exemption { defaults: false, application: true, meta: true }
    );
    assert_eq!(record("records::exempt_from_all_but_its_own").exempt(), Exemption::ALL);
    assert_eq!(limits(record("records::exempt_from_all_but_its_own")), ["1/second"]);
}

#[limit(tier)]
#[limit(async |_: &HttpRequest| "1/second", scope = |_: &HttpRequest| "part")]
#[shared_limit(tier, scope = "mysql")]
#[shared_limit("2/second", scope = tenant)]
#[limit("3/second", shadow = true)]
#[limit("4/second", candidate = "1/second; 9/minute", shadow = false)]
async fn dynamic() -> &'static str {
    "dynamic"
}

const fn tier(_: &HttpRequest) -> &'static str {
    "5/second"
}

fn tenant(request: &HttpRequest) -> String {
    request.path().to_owned()
}

#[test]
fn record_tells_what_is_known_before_a_request() {
    let limits = record("records::dynamic").limits();
    let texts: Vec<_> = limits.iter().map(LimitRecord::text).collect();
    assert_eq!(texts, [None, None, None, Some("2/second"), Some("3/second"), Some("4/second")]);
    assert_eq!(limits[0].quotas(), []);
    let scopes: Vec<_> = limits.iter().map(LimitRecord::scope_record).collect();
    assert_eq!(
        scopes,
        [
            ScopeRecord::Handler,
            ScopeRecord::HandlerPartBy,
            ScopeRecord::Shared("mysql"),
            ScopeRecord::SharedBy,
            ScopeRecord::Handler,
            ScopeRecord::Handler,
        ]
    );
    let shadows: Vec<_> = limits.iter().map(LimitRecord::is_shadow).collect();
    assert_eq!(shadows, [false, false, false, false, true, false]);
    let candidates: Vec<_> = limits.iter().map(LimitRecord::candidate_text).collect();
    assert_eq!(candidates, [None, None, None, None, None, Some("1/second; 9/minute")]);
    // What never denies does not replace what does.
    assert!(!limits[4].overrides_defaults());
    assert!(limits[5].overrides_defaults());
}

/// Two functions of one name are two handlers, if their modules differ.
mod other {
    use limiter_actix::limit;

    #[limit("2/second")]
    async fn below() -> &'static str {
        "below"
    }
}

#[test]
fn record_tells_the_module() {
    assert_eq!(limits(record("records::below")), ["1/second"]);
    assert_eq!(limits(record("records::other::below")), ["2/second"]);
}
