//! What is remembered, for how long, and what makes it forgotten.

use std::time::Duration;

use limiter_core::{
    Charge, Key, Limit, Mode, Outcome, Quota, Scope, Storage, Strategy, Verb,
    storage::denied::DeniedCache,
};

use crate::far::{Fixture, per_second};

#[tokio::test]
async fn who_is_denied_costs_no_round_trip_until_admitted_again() {
    for strategy in Strategy::ALL {
        let fixture = Fixture::new();
        let limit = per_second(2, strategy);
        for _ in 0..2 {
            assert_eq!(fixture.hit(&limit, 1).await, Outcome::Admit);
        }
        let mut charges = [Charge::new(&limit, &fixture.key)];
        assert_eq!(fixture.apply(Verb::Hit, &mut charges).await, Outcome::Deny);
        let wait = charges[0].decision().unwrap().retry_after().unwrap();
        let asked = fixture.far.asked();
        fixture.clock.advance(wait - Duration::from_micros(1));
        for _ in 0..1_000 {
            let mut charges = [Charge::new(&limit, &fixture.key)];
            let outcome = fixture.cache.apply_now(Verb::Hit, &mut charges);
            assert_eq!(outcome, Some(Outcome::Deny), "{strategy}: at once");
            let decision = charges[0].decision().unwrap();
            assert_eq!(decision.retry_after(), Some(Duration::from_micros(1)), "{strategy}");
            assert_eq!((decision.remaining(), decision.reset_after().as_micros()), (0, 1));
        }
        assert_eq!(fixture.far.asked(), asked, "{strategy}");
        assert_eq!(fixture.cache.answered(), 1_000, "{strategy}");
        fixture.clock.advance_micros(1);
        assert_eq!(fixture.hit(&limit, 1).await, Outcome::Admit, "{strategy}");
    }
}

#[tokio::test]
async fn a_denied_cost_denies_higher_ones_and_no_lower_one() {
    let fixture = Fixture::new();
    let limit = per_second(5, Strategy::FixedWindow);
    assert_eq!(fixture.hit(&limit, 3).await, Outcome::Admit);
    assert_eq!(fixture.hit(&limit, 3).await, Outcome::Deny);
    assert!(!fixture.asks(&limit, 3).await && !fixture.asks(&limit, 4).await);
    assert_eq!(fixture.hit(&limit, 2).await, Outcome::Admit);
    assert_eq!(fixture.hit(&limit, 0).await, Outcome::Admit, "a look is no hit");
}

/// On the way to the storage and back time passes. Nobody is denied for longer than the storage
/// said, nor told to come back too early.
#[tokio::test]
async fn the_way_to_the_storage_makes_the_memory_shorter_and_the_wait_no_shorter() {
    for strategy in Strategy::ALL {
        let fixture = Fixture::new();
        let limit = per_second(1, strategy);
        fixture.hit(&limit, 1).await;
        fixture.take(20_000);
        let mut charges = [Charge::new(&limit, &fixture.key)];
        fixture.apply(Verb::Hit, &mut charges).await;
        // The storage decided after 20 ms, and 20 ms later the answer was here.
        let wait = charges[0].decision().unwrap().retry_after().unwrap();
        assert_eq!(wait.as_micros(), 980_000, "{strategy}");
        fixture.clock.advance(Duration::from_micros(940_000 - 1));
        assert!(!fixture.asks(&limit, 1).await, "{strategy}");
        fixture.apply(Verb::Hit, &mut charges).await;
        // The storage admits in 20 ms; when it decided on the way is not known.
        let told = charges[0].decision().unwrap().retry_after().unwrap();
        assert_eq!(told.as_micros(), 40_001, "{strategy}");
        fixture.take(0);
        fixture.clock.advance_micros(1);
        assert!(fixture.asks(&limit, 1).await, "{strategy}");
        fixture.clock.advance(Duration::from_millis(20));
        assert_eq!(fixture.hit(&limit, 1).await, Outcome::Admit, "{strategy}");
    }
}

#[tokio::test]
async fn nothing_is_remembered_longer_than_the_staleness() {
    let fixture = Fixture::with(|cache| cache.staleness(Duration::from_secs(3)));
    let limit = Limit::new(Quota::per_day(1), Strategy::FixedWindow, &Scope::new("day"));
    let never = Limit::new(Quota::per_day(0), Strategy::FixedWindow, &Scope::new("never"));
    fixture.hit(&limit, 1).await;
    for limit in [&limit, &never] {
        fixture.hit(limit, 1).await;
        assert!(!fixture.asks(limit, 1).await);
    }
    // Another process resets the client.
    fixture.far.memory.reset(&limit, &fixture.key);
    fixture.clock.advance(Duration::from_micros(2_999_999));
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Deny);
    fixture.clock.advance_micros(1);
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Admit);
    assert!(fixture.asks(&never, 1).await);
}

#[tokio::test]
async fn a_reset_a_refund_and_a_clear_of_this_process_are_noticed_at_once() {
    let fixture = Fixture::new();
    let limit = Limit::new(Quota::per_day(1), Strategy::FixedWindow, &Scope::new("day"));
    let mut taken = [Charge::new(&limit, &fixture.key)];
    fixture.apply(Verb::Hit, &mut taken).await;
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Deny);
    fixture.apply(Verb::Refund, &mut taken).await;
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Admit);
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Deny);
    fixture.apply(Verb::Reset, &mut [Charge::new(&limit, &fixture.key)]).await;
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Admit);
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Deny);
    fixture.cache.clear().await.unwrap();
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Admit);
    // A refund of nothing frees nobody.
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Deny);
    fixture.apply(Verb::Refund, &mut [Charge::new(&limit, &fixture.key)]).await;
    assert!(!fixture.asks(&limit, 1).await);
}

/// The denial was on its way while the client was freed.
#[tokio::test]
async fn a_denial_from_before_a_reset_is_not_remembered_after_it() {
    let fixture = Fixture::new();
    let limit = Limit::new(Quota::per_day(1), Strategy::FixedWindow, &Scope::new("day"));
    fixture.hit(&limit, 1).await;
    let mut charges = [Charge::new(&limit, &fixture.key)];
    let mut denied = fixture.cache.apply(Verb::Hit, &mut charges);
    // The storage has decided; the answer is not here yet.
    assert!(futures_poll(&mut denied).is_none());
    fixture.apply(Verb::Reset, &mut [Charge::new(&limit, &fixture.key)]).await;
    assert_eq!(denied.await.unwrap(), Outcome::Deny);
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Admit);
}

fn futures_poll<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(answer) => Some(answer),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn another_quota_of_the_same_counter_is_asked_for() {
    let fixture = Fixture::new();
    let plan =
        |amount| Limit::new(Quota::per_day(amount), Strategy::FixedWindow, &Scope::new("plan"));
    fixture.hit(&plan(1), 1).await;
    assert_eq!(fixture.hit(&plan(1), 1).await, Outcome::Deny);
    assert_eq!(fixture.hit(&plan(3), 1).await, Outcome::Admit, "what was used stays used");
    assert_eq!(fixture.hit(&plan(3), 1).await, Outcome::Admit);
    assert_eq!(fixture.hit(&plan(3), 1).await, Outcome::Deny);
    assert!(!fixture.asks(&plan(1), 1).await && !fixture.asks(&plan(3), 1).await);
}

#[tokio::test]
async fn a_batch_with_a_denied_charge_is_denied_without_effect() {
    let fixture = Fixture::new();
    let denied = per_second(1, Strategy::FixedWindow);
    let day = Limit::new(Quota::per_day(10), Strategy::FixedWindow, &Scope::new("day"));
    let batch = || [Charge::new(&day, &fixture.key), Charge::new(&denied, &fixture.key)];
    assert_eq!(fixture.apply(Verb::Hit, &mut batch()).await, Outcome::Admit);
    let mut first = batch();
    assert_eq!(fixture.apply(Verb::Hit, &mut first).await, Outcome::Deny);
    assert_eq!(first[0].decision().unwrap().remaining(), 8, "the storage tells of all");
    let asked = fixture.far.asked();
    let mut second = batch();
    assert_eq!(fixture.apply(Verb::Hit, &mut second).await, Outcome::Deny);
    assert_eq!(fixture.far.asked(), asked);
    assert!(second[0].decision().is_none(), "the storage was not called for the day");
    assert!(!second[1].decision().unwrap().admitted());
    assert!(second.iter().all(|charge| charge.receipt().is_none()));
    assert_eq!(fixture.far.memory.peek(&day, &fixture.key).remaining(), 9);
}

#[tokio::test]
async fn shadow_charges_deny_nobody_and_are_always_asked_for() {
    let fixture = Fixture::new();
    let limit = per_second(1, Strategy::FixedWindow);
    let shadow = || [Charge::new(&limit, &fixture.key).mode(Mode::Shadow)];
    fixture.hit(&limit, 1).await;
    for asked in 2..5 {
        let mut charges = shadow();
        assert_eq!(fixture.apply(Verb::Hit, &mut charges).await, Outcome::Admit);
        assert!(!charges[0].decision().unwrap().admitted());
        assert_eq!(fixture.far.asked(), asked);
    }
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Deny);
    assert_eq!(fixture.apply(Verb::Hit, &mut shadow()).await, Outcome::Admit);
}

/// A lock-out by a meta limit may outlast the denial that is remembered.
#[tokio::test]
async fn a_charge_in_test_mode_is_asked_for_until_it_denies_itself() {
    let fixture = Fixture::new();
    let limit = per_second(1, Strategy::FixedWindow);
    let meta = Limit::new(Quota::per_day(1), Strategy::FixedWindow, &Scope::new("meta"));
    let batch =
        || [Charge::new(&limit, &fixture.key), Charge::new(&meta, &fixture.key).mode(Mode::Test)];
    assert_eq!(fixture.apply(Verb::Hit, &mut batch()).await, Outcome::Admit);
    for asked in 2..4 {
        assert_eq!(fixture.apply(Verb::Hit, &mut batch()).await, Outcome::Deny);
        assert_eq!(fixture.far.asked(), asked, "the meta limit admits so far");
    }
    // Another process counts the breach.
    fixture.far.memory.hit(&meta, &fixture.key, 1);
    let mut locked_out = batch();
    assert_eq!(fixture.apply(Verb::Hit, &mut locked_out).await, Outcome::Deny);
    assert!(!locked_out[1].decision().unwrap().admitted());
    let asked = fixture.far.asked();
    let mut again = batch();
    assert_eq!(fixture.apply(Verb::Hit, &mut again).await, Outcome::Deny);
    assert_eq!(fixture.far.asked(), asked, "now it is remembered");
    assert!(!again[1].decision().unwrap().admitted());
}

/// The second charge was denied because of the first, which then was not taken.
#[tokio::test]
async fn a_counter_that_stands_twice_in_a_batch_is_not_remembered() {
    let fixture = Fixture::new();
    let limit = per_second(1, Strategy::FixedWindow);
    let mut twice = [Charge::new(&limit, &fixture.key), Charge::new(&limit, &fixture.key)];
    assert_eq!(fixture.apply(Verb::Hit, &mut twice).await, Outcome::Deny);
    assert_eq!(fixture.hit(&limit, 1).await, Outcome::Admit);
}

#[tokio::test]
async fn memory_is_bounded_and_who_is_forgotten_is_asked_for() {
    let fixture = Fixture::with(|cache| cache.capacity(64));
    let limit = Limit::new(Quota::per_day(0), Strategy::FixedWindow, &Scope::new("none"));
    let keys: Vec<_> = (0..10_000).map(Key::number).collect();
    for key in &keys {
        fixture.apply(Verb::Hit, &mut [Charge::new(&limit, key)]).await;
    }
    let known =
        |key: &&Key| fixture.cache.apply_now(Verb::Hit, &mut [Charge::new(&limit, key)]).is_some();
    assert_eq!(keys.iter().filter(known).count(), 64);
    assert!(known(&&keys[9_999]), "the newest is among them");
}

/// A decision of this process while the storage fails is not one of the storage.
#[tokio::test(start_paused = true)]
async fn a_denial_of_the_fallback_is_not_remembered() {
    use std::sync::Arc;

    use limiter_core::{DecidedBy, storage::guarded::GuardedStorage};

    #[derive(Debug)]
    struct Down;

    impl Storage for Down {
        fn name(&self) -> &str {
            "down"
        }
        fn supports(&self, _: Strategy) -> bool {
            true
        }
        fn apply_now(&self, _: Verb, _: &mut [Charge<'_>]) -> Option<Outcome> {
            None
        }
        fn apply<'a>(
            &'a self,
            _: Verb,
            _: &'a mut [Charge<'_>],
        ) -> limiter_core::storage::BoxFuture<'a, Result<Outcome, limiter_core::StorageError>>
        {
            Box::pin(std::future::ready(Err(limiter_core::StorageError::new("down"))))
        }
        fn clear(
            &self,
        ) -> limiter_core::storage::BoxFuture<'_, Result<(), limiter_core::StorageError>> {
            Box::pin(std::future::ready(Ok(())))
        }
    }

    let cache =
        DeniedCache::new(Arc::new(GuardedStorage::builder(Arc::new(Down)).build().unwrap()));
    let (limit, key) = (per_second(1, Strategy::FixedWindow), Key::text("client"));
    for _ in 0..10 {
        let mut charges = [Charge::new(&limit, &key)];
        cache.apply(Verb::Hit, &mut charges).await.unwrap();
        assert_eq!(charges[0].decided_by(), DecidedBy::Fallback);
    }
    assert_eq!(cache.answered(), 0);
}
