//! The link-time list of handlers tells what was declared, and where.

use actix_web::{get, web};
use limiter_actix::{Exemption, ScopeRecord, SharedLimit, exempt, limit, shared_limit};

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
    let scopes: Vec<_> =
        record.limits().iter().map(limiter_actix::LimitRecord::scope_record).collect();
    assert_eq!(
        scopes,
        [
            ScopeRecord::HandlerPart("part"),
            ScopeRecord::Shared("mysql"),
            ScopeRecord::Shared("redis"),
            ScopeRecord::Handler,
        ]
    );
    let overrides: Vec<_> =
        record.limits().iter().map(limiter_actix::LimitRecord::overrides_defaults).collect();
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
