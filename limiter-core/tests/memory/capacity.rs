//! A storage that is full forgets nobody, and grows no further.

use std::time::Duration;

use limiter_core::{
    Charge, FakeClock, Key, Limit, MemoryStorage, Mode, Outcome, Quota, Scope, Strategy,
    storage::memory::Overflow,
};

use crate::per_minute;

/// The number of shards of a small storage, each of which may have one shared counter per limit.
const SHARDS: usize = 64;

fn storage(capacity: usize, overflow: Overflow) -> (MemoryStorage, FakeClock) {
    let clock = FakeClock::new();
    let builder = MemoryStorage::builder().clock(clock.clone());
    (builder.capacity(capacity).overflow(overflow).build(), clock)
}

#[test]
fn a_flood_of_clients_does_not_pass_the_cap() {
    for overflow in [Overflow::Share, Overflow::Deny] {
        let (storage, _) = storage(5_000, overflow);
        let limit = per_minute(3, Strategy::FixedWindow);
        let shared = if overflow == Overflow::Share { SHARDS } else { 0 };
        for client in 0..200_000 {
            storage.hit(&limit, &Key::number(client), 1);
            assert!(storage.len() <= storage.capacity() + shared);
        }
        assert!(storage.len() >= storage.capacity());
        assert_eq!(storage.overflowed(), 195_000);
    }
}

#[test]
fn hits_of_a_moving_window_count_toward_the_cap() {
    let (storage, clock) = storage(1_000, Overflow::Deny);
    let limit = per_minute(1_000_000, Strategy::MovingWindow);
    let clients: Vec<_> = (0..10).map(Key::number).collect();
    let mut admitted = 0;
    for client in clients.iter().cycle().take(30_000) {
        clock.advance_micros(1);
        admitted += u64::from(storage.hit(&limit, client, 1).admitted());
        assert!(storage.len() <= storage.capacity());
    }
    // A known client is still served, and counted to the unit.
    assert_eq!(admitted, 30_000);
    assert!(clients.iter().all(|key| storage.peek(&limit, key).remaining() == 997_000));
    assert!(!storage.hit(&limit, &Key::text("new"), 1).admitted());
}

/// A log that may not grow puts hits together, so it may admit less than it could. Never more.
#[test]
fn a_moving_window_in_a_full_storage_never_admits_more_than_its_amount() {
    let (storage, clock) = storage(50, Overflow::Deny);
    let limit = per_minute(100, Strategy::MovingWindow);
    let key = Key::text("me");
    let mut charges = Vec::new();
    for _ in 0..5_000 {
        clock.advance(Duration::from_millis(77));
        let mut charge = [Charge::new(&limit, &key)];
        if storage.hit_all(&mut charge) == Outcome::Admit {
            charges.push(charge[0].charged_at().unwrap());
        }
    }
    let window = limit.quota().window_micros();
    let in_window =
        |end: usize| charges[..=end].iter().filter(|at| charges[end].since(**at) < window).count();
    assert_eq!((0..charges.len()).map(in_window).max(), Some(100));
    // 385 seconds: it was not locked out.
    assert!(charges.len() >= 300, "{}", charges.len());
}

#[test]
fn newcomers_never_push_out_an_active_counter() {
    for strategy in Strategy::ALL {
        for overflow in [Overflow::Share, Overflow::Deny] {
            let (storage, _) = storage(2_000, overflow);
            let limit = per_minute(10, strategy);
            let known: Vec<_> = (0..100).map(|n| Key::text(&format!("known {n}"))).collect();
            known.iter().for_each(|key| assert!(storage.hit(&limit, key, 4).admitted()));
            for stranger in 0..20_000 {
                storage.hit(&limit, &Key::number(stranger), 1);
            }
            assert!(storage.overflowed() > 10_000);
            for key in &known {
                assert_eq!(storage.peek(&limit, key).remaining(), 6, "{strategy}");
                assert!(storage.hit(&limit, key, 6).admitted());
                assert!(!storage.hit(&limit, key, 1).admitted());
            }
        }
    }
}

#[test]
fn a_full_storage_lets_newcomers_share_what_one_client_gets() {
    for strategy in Strategy::ALL {
        let (storage, _) = storage(0, Overflow::Share);
        let limit = per_minute(10, strategy);
        let hits = (0..10_000).filter(|n| storage.hit(&limit, &Key::number(*n), 1).admitted());
        assert_eq!(hits.count(), SHARDS * 10, "{strategy}");
        assert_eq!(storage.overflowed(), 10_000);
        // A newcomer is told of the counter that he will meet.
        let peek = storage.peek(&limit, &Key::text("another"));
        assert_eq!(peek.remaining(), 0, "{strategy}");
        // Each limit has a shared counter of its own.
        let other = per_minute(9, Strategy::ALL[(strategy as usize + 1) % 4]);
        assert!(storage.hit(&other, &Key::number(0), 9).admitted());
    }
}

#[test]
fn shared_counters_end_like_any_other() {
    for strategy in Strategy::ALL {
        let (storage, clock) = storage(0, Overflow::Share);
        let limit = per_minute(1, strategy);
        let key = Key::text("me");
        assert!(storage.hit(&limit, &key, 1).admitted());
        assert!(!storage.hit(&limit, &key, 1).admitted());
        clock.advance(Duration::from_secs(120));
        assert!(storage.hit(&limit, &key, 1).admitted(), "{strategy}");
    }
}

#[test]
fn a_full_storage_denies_newcomers_and_says_when_to_come_back() {
    for strategy in Strategy::ALL {
        let (storage, _) = storage(0, Overflow::Deny);
        let limit = per_minute(10, strategy);
        let key = Key::text("me");
        let denied = storage.hit(&limit, &key, 1);
        assert!(!denied.admitted());
        assert_eq!(denied.remaining(), 0);
        assert_eq!(denied.retry_after(), Some(Duration::from_secs(1)));
        // A cost that never fits does not fit later either.
        assert_eq!(storage.hit(&limit, &key, 11).retry_after(), None);
        // A look is free, and shows what there is.
        let peek = storage.peek(&limit, &key);
        assert!(peek.admitted());
        assert_eq!(peek.remaining(), 0);
        assert!(storage.is_empty());
        assert_eq!(storage.overflowed(), 3);
    }
}

#[test]
fn a_newcomer_who_is_refused_denies_his_batch_but_not_in_shadow_mode() {
    let (storage, _) = storage(1, Overflow::Deny);
    let (known, unknown) = (Key::text("known"), Key::text("unknown"));
    let limit = per_minute(10, Strategy::FixedWindow);
    assert!(storage.hit(&limit, &known, 1).admitted());
    let mut charges = [Charge::new(&limit, &known), Charge::new(&limit, &unknown)];
    assert_eq!(storage.hit_all(&mut charges), Outcome::Deny);
    assert_eq!(storage.peek(&limit, &known).remaining(), 9);
    let mut charges =
        [Charge::new(&limit, &known), Charge::new(&limit, &unknown).mode(Mode::Shadow)];
    assert_eq!(storage.hit_all(&mut charges), Outcome::Admit);
    assert_eq!(storage.peek(&limit, &known).remaining(), 8);
    assert_eq!(charges[1].charged_at(), None);
    assert_eq!(storage.len(), 1);
}

/// More new counters for one client, and so in one shard, than a shard has places.
#[test]
fn a_batch_larger_than_a_shard_is_refused_and_does_no_harm() {
    for overflow in [Overflow::Share, Overflow::Deny] {
        let (storage, _) = storage(1_000_000, overflow);
        let known = per_minute(10, Strategy::FixedWindow);
        let limits: Vec<_> = (0..70_000)
            .map(|n| {
                let scope = Scope::new("same");
                let quota = Quota::per_minute(10);
                Limit::with_ordinal(quota, Strategy::FixedWindow, &scope, n)
            })
            .collect();
        let me = Key::text("me");
        assert!(storage.hit(&known, &me, 1).admitted());
        let mut charges: Vec<_> = limits.iter().map(|limit| Charge::new(limit, &me)).collect();
        // Pairs of one counter are looked for in pairs of charges: a tenth is enough here.
        let outcome = storage.hit_all(&mut charges[..7_000]);
        assert_eq!(outcome, Outcome::Admit);
        assert_eq!(storage.peek(&known, &me).remaining(), 9);
        assert_eq!(storage.len(), 7_001);
        // One by one, up to what a shard holds.
        let admitted = limits.iter().filter(|limit| storage.hit(limit, &me, 10).admitted()).count();
        assert!((60_000 - 7_000..65_536).contains(&admitted), "{admitted}");
        assert!(storage.len() <= 65_536);
        assert!(storage.overflowed() > 0);
        assert_eq!(storage.peek(&known, &me).remaining(), 9);
    }
}
