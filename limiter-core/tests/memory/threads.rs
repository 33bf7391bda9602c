//! Eight threads at once.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use limiter_core::{
    Charge, FakeClock, Key, Limit, MemoryStorage, Outcome, Quota, Scope, Strategy, Timestamp, Unit,
    storage::memory::Overflow,
};

use crate::per_minute;

const THREADS: usize = 8;

#[test]
fn of_8_threads_on_a_limit_of_100_exactly_100_hits_are_admitted() {
    for strategy in Strategy::ALL {
        let storage = MemoryStorage::builder().clock(FakeClock::new()).build();
        let limit = per_minute(100, strategy);
        let admitted = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let key = Key::text("everybody");
                    for _ in 0..2_000 {
                        let hit = storage.hit(&limit, &key, 1);
                        admitted.fetch_add(usize::from(hit.admitted()), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 100, "{strategy}");
    }
}

/// With the machine's own clock, and a limit that does not end while the test runs.
#[test]
fn the_real_clock_admits_exactly_100_too() {
    for strategy in Strategy::ALL {
        let storage = MemoryStorage::new();
        let limit = Limit::new(Quota::per_day(100), strategy, &Scope::new("real"));
        let admitted = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..500 {
                        let hit = storage.hit(&limit, &Key::text("everybody"), 1);
                        admitted.fetch_add(usize::from(hit.admitted()), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 100, "{strategy}");
    }
}

/// One thread moves the clock through many windows while the others hit as fast as they can.
#[test]
fn no_window_holds_more_than_its_bound_while_windows_expire() {
    for strategy in Strategy::ALL {
        let clock = FakeClock::new();
        let storage = MemoryStorage::builder().clock(clock.clone()).build();
        let limit = Limit::new(Quota::per_second(20), strategy, &Scope::new("expiry"));
        let bound = match strategy {
            Strategy::MovingWindow => 20,
            Strategy::SlidingWindowCounter => 40,
            _ => 39,
        };
        let (done, hits) = (AtomicBool::new(false), AtomicUsize::new(0));
        let mut charges: Vec<Timestamp> = thread::scope(|scope| {
            let hitters: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        let (mut charges, key) = (Vec::new(), Key::text("everybody"));
                        while !done.load(Ordering::Relaxed) {
                            hits.fetch_add(1, Ordering::Relaxed);
                            let mut charge = [Charge::new(&limit, &key)];
                            if storage.hit_all(&mut charge) == Outcome::Admit {
                                charges.extend(charge[0].charged_at());
                            }
                            thread::yield_now();
                        }
                        charges
                    })
                })
                .collect();
            for step in 0..2_000 {
                clock.advance(Duration::from_micros(39_973 + step % 7));
                let before = hits.load(Ordering::Relaxed);
                while hits.load(Ordering::Relaxed) < before + 5 {
                    thread::yield_now();
                }
            }
            done.store(true, Ordering::Relaxed);
            hitters.into_iter().flat_map(|hitter| hitter.join().expect("no panic")).collect()
        });
        charges.sort_unstable();
        let window = limit.quota().window_micros();
        let most = (0..charges.len())
            .map(|end| {
                let start = charges.partition_point(|at| charges[end].since(*at) >= window);
                end + 1 - start
            })
            .max()
            .expect("some hit was admitted");
        assert!(most <= bound, "{strategy}: {most}");
        // 40 windows went by: the test means nothing if nobody hit in them.
        assert!(charges.len() > 400, "{strategy}: only {} hits", charges.len());
    }
}

/// Batches over pairs of clients, in either order, that are denied now and then by one of the two:
/// they never wait for each other, and what is left is what the admitted ones did not take.
#[test]
fn batches_that_cross_shards_in_opposite_order_are_atomic() {
    const CLIENTS: usize = 16;
    for strategy in Strategy::ALL {
        let storage = MemoryStorage::builder().clock(FakeClock::new()).build();
        let limits: Vec<_> =
            (0..CLIENTS).map(|n| per_minute(500 + 131 * n as u64, strategy)).collect();
        let keys: Vec<_> = (0..CLIENTS).map(|n| Key::number(n as u64)).collect();
        let taken: Vec<_> = (0..CLIENTS).map(|_| AtomicUsize::new(0)).collect();
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (storage, limits, keys, taken) = (&storage, &limits, &keys, &taken);
                scope.spawn(move || {
                    for round in 0..3_000 {
                        let (one, other) = ((thread + round) % CLIENTS, (7 * round) % CLIENTS);
                        let pair = if thread % 2 == 0 { [one, other] } else { [other, one] };
                        let mut charges =
                            pair.map(|client| Charge::new(&limits[client], &keys[client]));
                        if storage.hit_all(&mut charges) == Outcome::Deny {
                            continue;
                        }
                        if round % 5 == 0 {
                            storage.refund_all(&mut charges);
                        } else {
                            for client in pair {
                                taken[client].fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    }
                });
            }
        });
        for (client, taken) in taken.into_iter().enumerate() {
            let left = storage.peek(&limits[client], &keys[client]).remaining();
            let amount = limits[client].quota().amount();
            assert_eq!(left, amount - taken.into_inner() as u64, "{strategy}, client {client}");
        }
    }
}

/// Hits, refunds, resets, clears, expiry and the sweeps of newcomers, all at once: afterwards the
/// storage is as good as new.
#[test]
fn hits_sweeps_resets_and_clears_at_once_leave_a_sound_storage() {
    for overflow in [Overflow::Share, Overflow::Deny] {
        let clock = FakeClock::new();
        let builder = MemoryStorage::builder().clock(clock.clone()).capacity(500);
        let storage = builder.overflow(overflow).build();
        let limits = Strategy::ALL.map(|strategy| {
            Limit::new(Quota::new(9, 1, Unit::Second).unwrap(), strategy, &Scope::new("race"))
        });
        thread::scope(|scope| {
            for thread in 0..THREADS as u64 {
                let (storage, clock, limits) = (&storage, &clock, &limits);
                scope.spawn(move || {
                    for round in 0..3_000_u64 {
                        let key = Key::number(round.wrapping_mul(0x9e37_79b9 + thread) % 900);
                        let mut charges = [0, 1, 2, 3].map(|n| Charge::new(&limits[n], &key));
                        storage.hit_all(&mut charges);
                        match round % 16 {
                            0..4 => storage.refund_all(&mut charges),
                            4 => storage.reset(&limits[(round / 16 % 4) as usize], &key),
                            5 if thread == 0 => clock.advance(Duration::from_millis(300)),
                            6 if round % 1_000 == 6 => storage.clear(),
                            _ => {}
                        }
                    }
                });
            }
        });
        // Eight batches at the same moment may pass the cap together.
        let slack = THREADS * 8 + if overflow == Overflow::Share { 64 * 8 } else { 0 };
        assert!(storage.len() <= storage.capacity() + slack, "{}", storage.len());
        storage.clear();
        assert_eq!(storage.len(), 0, "{overflow:?}: `len` was not exact");
        for limit in &limits {
            assert_eq!(storage.hit(limit, &Key::text("me"), 9).remaining(), 0);
        }
        assert_eq!(storage.len(), 5);
    }
}
