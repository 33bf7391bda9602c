//! What only a bucket promises: a rate that is exact for ever, and a burst apart from it.

use limiter_core::{Quota, Strategy, Unit, strategy::TokenBucket};

use crate::support::{Counter, START, retry_micros};

#[test]
fn three_per_second_are_three_per_second_for_ever() {
    let mut bucket = Counter::<TokenBucket>::new(Quota::per_second(3));
    assert_eq!(bucket.drain(START), 3);
    let mut now = START;
    for token in 1..=100_000 {
        now += retry_micros(&bucket.test(1, now)).unwrap();
        // The exact moment of the token, in whole microseconds.
        assert_eq!(now - START, (token * 1_000_000_u64).div_ceil(3), "token {token}");
        assert!(bucket.hit(1, now).admitted());
    }
}

#[test]
fn a_client_who_polls_gets_the_rate_and_not_a_token_more() {
    // 7 a second, asked every millisecond for 100 seconds: the moments never meet the tokens'.
    let mut bucket = Counter::<TokenBucket>::new(Quota::per_second(7));
    let admitted = (0..=100_000).filter(|poll| bucket.hit(1, START + poll * 1_000).admitted());
    assert_eq!(admitted.count(), 7 + 700);
}

#[test]
fn a_burst_is_apart_from_the_rate() {
    let mut bucket = Counter::<TokenBucket>::new(Quota::per_second(10).with_burst(20));
    assert_eq!(bucket.drain(START), 20);
    assert_eq!(bucket.drain(START + 1_000_000), 10);
    assert_eq!(bucket.drain(START + 2_500_000), 15);
    assert_eq!(bucket.drain(START + 60_000_000), 20);
}

#[test]
fn a_burst_of_one_spaces_requests_evenly() {
    let mut bucket = Counter::<TokenBucket>::new(Quota::per_second(10).with_burst(1));
    assert!(bucket.hit(1, START).admitted());
    assert_eq!(retry_micros(&bucket.hit(1, START)), Some(100_000));
    assert_eq!(retry_micros(&bucket.hit(2, START)), None);
    assert_eq!(bucket.drain(START + 100_000), 1);
}

#[test]
fn a_bucket_that_no_clock_lives_to_see_full_is_refused() {
    let quota = Quota::new(1, 1, Unit::Year).unwrap();
    assert!(Strategy::TokenBucket.check(&quota.with_burst(100_000)).is_ok());
    let refused = Strategy::TokenBucket.check(&quota.with_burst(100_001)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "expected a bucket that is full again within 100000 years, found `1 per 1 year burst 100001`; \
         lower the burst, or raise the amount"
    );
}

/// The fraction of a token is kept in parts of the amount, which another amount reads differently.
#[test]
fn a_lower_amount_does_not_take_a_fraction_for_whole_tokens() {
    let mut bucket = Counter::<TokenBucket>::new(Quota::per_second(999_983));
    // Missing are 58,822 microseconds and nearly all the 999,983 parts of another one, which would
    // be half a second in halves of a microsecond.
    bucket.hit(58_822, START);
    bucket.quota = Quota::per_second(2);
    assert_eq!(bucket.remaining(START + 58_822), 1);
    assert_eq!(bucket.remaining(START + 58_824), 2);
}
