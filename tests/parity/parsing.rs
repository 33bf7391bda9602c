//! Behaviours 1 to 6: parsing and items.

use limiter_actix::{
    Key, Quota, Strategy,
    core::{Limit, Scope, Unit, notation::parse_many},
};

#[test]
fn b01_plural_and_case_do_not_matter() {
    let quota: Quota = "10 PER 2 Hours".parse().unwrap();
    assert_eq!(Some(quota), Quota::new(10, 2, Unit::Hour));
    assert_eq!(quota.window().as_secs(), 7200);
    assert_eq!(quota.to_string(), "10 per 2 hour");
}

#[test]
fn b02_three_delimiters_may_be_mixed() {
    assert_eq!(
        parse_many("1/hour; 2/minute, 3/day | 4/second").unwrap(),
        [Quota::per_hour(1), Quota::per_minute(2), Quota::per_day(3), Quota::per_second(4)]
    );
}

/// The reference refuses every abbreviation (D14).
#[test]
fn b03_abbreviations_are_accepted_unless_they_are_ambiguous() {
    assert_eq!("2/sec".parse(), Ok(Quota::per_second(2)));
    let error = "2/m".parse::<Quota>().unwrap_err();
    assert_eq!(error.fragment(), "m");
    assert!(error.hint().is_some_and(|hint| hint.contains("min")), "{error}");
    assert_eq!("2/secnd".parse::<Quota>().unwrap_err().fragment(), "secnd");
}

#[test]
fn b04_a_trailing_delimiter_is_refused() {
    assert!(parse_many("1/minute;").is_err());
    assert!(parse_many("1/minute").is_ok());
}

/// `LIMITER/a/b/<amount>/<multiples>/<unit>` in the reference. Here parts cannot run into each
/// other (D3), the amount is left out (D4), and the strategy is part of the name (D18).
#[test]
fn b05_a_counter_is_named_by_scope_strategy_and_window() {
    let limit = |amount, strategy, scope: &Scope| {
        Limit::new(Quota::new(amount, 2, Unit::Minute).unwrap(), strategy, scope).id().to_owned()
    };
    let scope = Scope::new("a").part("b");
    let id = limit(10, Strategy::FixedWindow, &scope);
    assert_eq!(id, "1:a,1:b,fixed-window/120000000/0");
    assert_eq!(limit(20, Strategy::FixedWindow, &scope), id);
    assert_ne!(limit(10, Strategy::MovingWindow, &scope), id);
    assert_ne!(limit(10, Strategy::FixedWindow, &Scope::new("a,1:b")), id);
    assert_ne!(limit(10, Strategy::FixedWindow, &Scope::new("a/b")), id);
    let (a, b) = (Key::text("a"), Key::text("b"));
    assert_eq!(a.and(&b), Key::text("a").and(&Key::text("b")));
    assert_ne!(a.and(&b), Key::text("a/b"));
}

/// A year of the reference has 360 days (D14).
#[test]
fn b06_a_month_has_30_days_and_a_year_365() {
    let days = |text: &str| text.parse::<Quota>().unwrap().window().as_secs() / 86_400;
    assert_eq!((days("1/month"), days("1/year")), (30, 365));
}
