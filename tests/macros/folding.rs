//! Several attributes on one handler are one gate, however they are named and wherever they stand.

use actix_web::get;
use limiter_actix::{exempt, limit, limit as throttle, shared_limit, shared_limit as together};

use crate::support::{limits, record, status};

#[throttle("1/second")]
#[limit("2/minute")]
#[get("/")]
#[together("3/hour", scope = "folding")]
async fn renamed() -> &'static str {
    "renamed"
}

#[throttle("1/second")]
#[together("2/minute", scope = "folding")]
async fn all_renamed() -> &'static str {
    "renamed"
}

#[actix_web::test]
async fn renamed_imports_fold_in_order() {
    assert!(status(renamed, "GET /").await.is_success());
    assert_eq!(limits(record("folding::renamed")), ["1/second", "2/minute", "3/hour"]);
    assert_eq!(limits(record("folding::all_renamed")), ["1/second", "2/minute"]);
}

#[limit("1/second")]
#[cfg_attr(all(), limit("2/minute"))]
#[cfg_attr(any(), limit("3/hour"))]
#[limit("4/day")]
async fn conditional() -> &'static str {
    "conditional"
}

#[test]
fn conditional_attributes_fold_where_they_hold() {
    assert_eq!(limits(record("folding::conditional")), ["1/second", "2/minute", "4/day"]);
}

#[limit("10/minute")]
#[limit("10/minute")]
#[limit("10 per minute")]
#[limit("10/minute", cost = 2)]
#[shared_limit("10/minute", scope = "folding")]
#[limit("10/minute")]
async fn repeated() -> &'static str {
    "repeated"
}

#[limit("10/minute; 10/minute")]
async fn repeated_inside() -> &'static str {
    "repeated"
}

#[test]
fn identical_attributes_count_once_and_repetitions_inside_count_twice() {
    let repeated = record("folding::repeated");
    assert_eq!(limits(repeated), ["10/minute", "10 per minute", "10/minute", "10/minute"]);
    let inside = record("folding::repeated_inside");
    assert_eq!(inside.limits()[0].quotas().len(), 2);
}

#[exempt(defaults)]
#[exempt(meta)]
#[limit("1/second")]
async fn flags_from_two_attributes() -> &'static str {
    "flags"
}

#[exempt]
#[exempt]
async fn exempt_twice() -> &'static str {
    "exempt"
}

#[test]
fn exemptions_add_up() {
    let exempt = record("folding::flags_from_two_attributes").exempt();
    assert_eq!((exempt.defaults, exempt.application, exempt.meta), (true, false, true));
    assert_eq!(record("folding::exempt_twice").exempt(), limiter_actix::Exemption::ALL);
}
