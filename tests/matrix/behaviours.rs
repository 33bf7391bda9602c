//! What a caller relies on, one test each, for every storage and every strategy that it runs.

use std::time::Duration;

use limiter_core::{Charge, Key, Limit, Mode, Outcome, Quota, Scope, Strategy, Unit, Verb};

use crate::world::{World, for_every_storage, per, per_minute};

for_every_storage!(
    a_batch_takes_all_of_its_charges_or_none,
    a_denied_batch_still_tells_what_each_charge_would_have_got,
    a_shadow_charge_never_vetoes,
    a_shadow_charge_that_admits_is_taken_with_its_batch_and_only_with_it,
    a_charge_in_test_mode_vetoes_and_is_never_taken,
    charges_on_one_counter_are_decided_one_after_the_other,
    a_charge_that_is_denied_counts_for_no_later_one,
    a_test_takes_nothing,
    a_peek_is_denied_by_nothing_but_an_amount_of_zero,
    a_cost_above_the_capacity_is_denied_for_ever_and_without_effect,
    a_refund_gives_back_what_was_taken,
    a_second_refund_of_the_same_charge_gives_nothing,
    a_refund_of_a_charge_that_was_denied_gives_nothing,
    a_charge_that_is_decided_again_is_no_receipt_of_the_first_time,
    a_refund_does_not_touch_a_later_window,
    a_refund_of_an_expired_or_reset_counter_leaves_it_full,
    a_reset_forgets_one_limit_for_one_client,
    a_clear_forgets_everything,
    clients_scopes_windows_ordinals_and_strategies_are_counted_apart,
    an_amount_is_no_part_of_the_counter,
    hostile_keys_are_counted_apart,
    an_empty_batch_is_admitted,
    a_batch_may_be_large_and_span_many_clients,
    a_denied_client_is_admitted_exactly_when_announced,
);

fn outcome<W: World>(world: &W, verb: Verb, charges: &mut [Charge<'_>]) -> Outcome {
    let outcome = world.apply(verb, charges);
    if matches!(verb, Verb::Hit | Verb::Test) {
        assert!(charges.iter().all(|charge| charge.decision().is_some()), "a charge is undecided");
    }
    outcome
}

fn admitted(charge: &Charge<'_>) -> bool {
    charge.decision().expect("decided").admitted()
}

fn a_batch_takes_all_of_its_charges_or_none<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let (wide, narrow) = (per_minute(10, strategy, "wide"), per_minute(1, strategy, "narrow"));
        let (me, you) = (Key::text("me"), Key::text("you"));
        for batch in [[&wide, &narrow], [&narrow, &wide]] {
            world.clear();
            let hit = || {
                let mut charges = batch.map(|limit| Charge::new(limit, &me));
                outcome(&world, Verb::Hit, &mut charges)
            };
            assert_eq!(hit(), Outcome::Admit);
            assert_eq!([hit(), hit()], [Outcome::Deny; 2]);
            assert_eq!(world.remaining(&wide, &me), 9, "{strategy}");
            assert_eq!(world.remaining(&wide, &you), 10, "{strategy}");
        }
    }
}

fn a_denied_batch_still_tells_what_each_charge_would_have_got<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let (first, second) =
            (per_minute(1, strategy, "first"), per_minute(10, strategy, "second"));
        let me = Key::text("me");
        assert!(world.hit(&first, &me, 1));
        let mut charges = [Charge::new(&first, &me), Charge::new(&second, &me).cost(4)];
        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Deny);
        assert!(!admitted(&charges[0]) && admitted(&charges[1]));
        assert_eq!(charges[1].decision().unwrap().remaining(), 6);
        assert_eq!(charges[1].charged_at(), None);
    }
}

fn a_shadow_charge_never_vetoes<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let (strict, wide) = (per_minute(1, strategy, "strict"), per_minute(10, strategy, "wide"));
        let me = Key::text("me");
        for hit in 1..=5 {
            let mut charges =
                [Charge::new(&strict, &me).mode(Mode::Shadow), Charge::new(&wide, &me)];
            assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Admit);
            assert_eq!(admitted(&charges[0]), hit == 1);
            assert_eq!(charges[0].charged_at().is_some(), hit == 1);
            assert_eq!(world.remaining(&wide, &me), 10 - hit, "{strategy}");
        }
        // What it would have denied it did not take: it is full again when an enforced one is.
        world.advance(Duration::from_secs(120));
        assert_eq!(world.remaining(&strict, &me), 1, "{strategy}");
    }
}

fn a_shadow_charge_that_admits_is_taken_with_its_batch_and_only_with_it<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let (trial, real) = (per_minute(9, strategy, "trial"), per_minute(1, strategy, "real"));
        let me = Key::text("me");
        for _ in 0..3 {
            let mut charges =
                [Charge::new(&trial, &me).mode(Mode::Shadow), Charge::new(&real, &me)];
            outcome(&world, Verb::Hit, &mut charges);
        }
        assert_eq!(world.remaining(&trial, &me), 8, "{strategy}");
    }
}

fn a_charge_in_test_mode_vetoes_and_is_never_taken<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let (meta, real) = (per_minute(2, strategy, "meta"), per_minute(9, strategy, "real"));
        let me = Key::text("me");
        let attempt = |cost| {
            let mut charges =
                [Charge::new(&meta, &me).cost(cost).mode(Mode::Test), Charge::new(&real, &me)];
            let outcome = outcome(&world, Verb::Hit, &mut charges);
            assert_eq!(charges[0].charged_at(), None, "{strategy}");
            outcome
        };
        assert_eq!(
            [1, 1, 2, 3].map(attempt),
            [Outcome::Admit, Outcome::Admit, Outcome::Admit, Outcome::Deny]
        );
        assert_eq!(world.remaining(&meta, &me), 2, "{strategy}");
        assert_eq!(world.remaining(&real, &me), 6, "{strategy}");
    }
}

fn charges_on_one_counter_are_decided_one_after_the_other<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limit = per_minute(5, strategy, "twice");
        let me = Key::text("me");
        let mut charges = [2, 0, 2].map(|cost| Charge::new(&limit, &me).cost(cost));
        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Admit);
        let remaining = charges.map(|charge| charge.decision().unwrap().remaining());
        assert_eq!(remaining, [3, 3, 1], "{strategy}");

        let mut charges = [1, 1].map(|cost| Charge::new(&limit, &me).cost(cost));
        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Deny);
        assert!(admitted(&charges[0]) && !admitted(&charges[1]));
        // It is denied like a later request would be: not for ever.
        assert!(charges[1].decision().unwrap().retry_after().is_some());
        assert_eq!(world.remaining(&limit, &me), 1, "{strategy}");
    }
}

fn a_charge_that_is_denied_counts_for_no_later_one<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limit = per_minute(5, strategy, "later");
        let me = Key::text("me");
        let mut charges =
            [Charge::new(&limit, &me).cost(6).mode(Mode::Shadow), Charge::new(&limit, &me).cost(5)];
        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Admit, "{strategy}");
        assert!(!admitted(&charges[0]) && admitted(&charges[1]));
        assert_eq!(world.remaining(&limit, &me), 0, "{strategy}");
    }
}

fn a_test_takes_nothing<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limit = per_minute(2, strategy, "test");
        let me = Key::text("me");
        assert!(world.hit(&limit, &me, 1));
        for _ in 0..3 {
            let mut charges = [Charge::new(&limit, &me)];
            assert_eq!(outcome(&world, Verb::Test, &mut charges), Outcome::Admit);
            assert_eq!(charges[0].charged_at(), None);
            assert_eq!(world.remaining(&limit, &me), 1);
        }
        assert!(world.hit(&limit, &me, 1));
        assert_eq!(outcome(&world, Verb::Test, &mut [Charge::new(&limit, &me)]), Outcome::Deny);
    }
}

fn a_peek_is_denied_by_nothing_but_an_amount_of_zero<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let (limit, blocked) = (per_minute(1, strategy, "peek"), per_minute(0, strategy, "no"));
        let me = Key::text("me");
        assert!(world.hit(&limit, &me, 1));
        let mut peek = [Charge::new(&limit, &me).cost(0)];
        assert_eq!(outcome(&world, Verb::Hit, &mut peek), Outcome::Admit, "{strategy}");
        assert_eq!(peek[0].charged_at(), None, "{strategy}: it took nothing");
        assert!(!world.hit(&blocked, &me, 0), "{strategy}");
        assert!(!world.hit(&blocked, &me, 1), "{strategy}");
    }
}

fn a_cost_above_the_capacity_is_denied_for_ever_and_without_effect<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limit = per_minute(5, strategy, "cost");
        let me = Key::text("me");
        for cost in [6, u64::from(u32::MAX) + 1, u64::MAX - 1, u64::MAX] {
            let mut charges = [Charge::new(&limit, &me).cost(cost)];
            assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Deny);
            assert_eq!(charges[0].decision().unwrap().retry_after(), None);
            assert_eq!(world.remaining(&limit, &me), 5, "{strategy}, {cost}");
        }
        assert!(world.hit(&limit, &me, 5));
        assert!(!world.hit(&limit, &me, 1));
    }
}

fn a_refund_gives_back_what_was_taken<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let (one, two) = (per_minute(5, strategy, "one"), per_minute(10, strategy, "two"));
        let me = Key::text("me");
        assert!(world.hit(&one, &me, 1));
        let mut charges = [Charge::new(&one, &me).cost(3), Charge::new(&two, &me).cost(7)];
        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Admit);
        assert_eq!(charges[0].charged_at(), charges[1].charged_at());
        assert_eq!(outcome(&world, Verb::Refund, &mut charges), Outcome::Admit);
        assert_eq!(world.remaining(&one, &me), 4, "{strategy}");
        assert_eq!(world.remaining(&two, &me), 10, "{strategy}");
    }
}

fn a_second_refund_of_the_same_charge_gives_nothing<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limit = per_minute(10, strategy, "once");
        let me = Key::text("me");
        assert!(world.hit(&limit, &me, 5));
        let mut charges = [Charge::new(&limit, &me).cost(2)];
        outcome(&world, Verb::Hit, &mut charges);
        for _ in 0..3 {
            outcome(&world, Verb::Refund, &mut charges);
            assert_eq!(charges[0].charged_at(), None);
            assert_eq!(world.remaining(&limit, &me), 5, "{strategy}");
        }
    }
}

fn a_refund_of_a_charge_that_was_denied_gives_nothing<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limit = per_minute(5, strategy, "denied");
        let me = Key::text("me");
        assert!(world.hit(&limit, &me, 4));
        let mut charges = [Charge::new(&limit, &me).cost(2)];
        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Deny);
        outcome(&world, Verb::Refund, &mut charges);
        assert_eq!(world.remaining(&limit, &me), 1, "{strategy}");
    }
}

fn a_charge_that_is_decided_again_is_no_receipt_of_the_first_time<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        // Alone, and with another one.
        for others in 0..2 {
            let limit = per_minute(5, strategy, &format!("again with {others}"));
            let other = per_minute(9, strategy, "other");
            let me = Key::text("me");
            let mut charges = vec![Charge::new(&limit, &me).cost(3)];
            charges.extend((0..others).map(|_| Charge::new(&other, &me)));
            assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Admit);
            assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Deny);
            assert!(charges.iter().all(|charge| charge.charged_at().is_none()), "{strategy}");
            outcome(&world, Verb::Refund, &mut charges);
            assert_eq!(world.remaining(&limit, &me), 2, "{strategy}");
        }
    }
}

fn a_refund_does_not_touch_a_later_window<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limit = per_minute(6, strategy, "later window");
        let me = Key::text("me");
        let mut charges = [Charge::new(&limit, &me).cost(6)];
        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Admit);
        world.advance(Duration::from_secs(120));
        assert!(world.hit(&limit, &me, 4));
        outcome(&world, Verb::Refund, &mut charges);
        assert_eq!(world.remaining(&limit, &me), 2, "{strategy}");
    }
}

fn a_refund_of_an_expired_or_reset_counter_leaves_it_full<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limit = per_minute(6, strategy, "gone");
        let me = Key::text("me");
        let mut charges = [Charge::new(&limit, &me).cost(6)];
        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Admit);
        let mut copy = charges.clone();
        outcome(&world, Verb::Reset, &mut copy);
        outcome(&world, Verb::Refund, &mut copy);
        assert_eq!(world.remaining(&limit, &me), 6, "{strategy}");

        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Admit);
        world.advance(Duration::from_secs(1_000));
        outcome(&world, Verb::Refund, &mut charges);
        assert_eq!(world.remaining(&limit, &me), 6, "{strategy}");
        assert!(world.hit(&limit, &me, 6) && !world.hit(&limit, &me, 1), "{strategy}");
    }
}

fn a_reset_forgets_one_limit_for_one_client<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let (reset, other) = (per_minute(3, strategy, "reset"), per_minute(3, strategy, "other"));
        let (me, you) = (Key::text("me"), Key::text("you"));
        for limit in [&reset, &other] {
            assert!(world.hit(limit, &me, 2) && world.hit(limit, &you, 2));
        }
        let mut charges = [Charge::new(&reset, &me)];
        assert_eq!(outcome(&world, Verb::Reset, &mut charges), Outcome::Admit);
        assert_eq!(world.remaining(&reset, &me), 3, "{strategy}");
        assert_eq!(world.remaining(&reset, &you), 1, "{strategy}");
        assert_eq!(world.remaining(&other, &me), 1, "{strategy}");
        // Again, with nothing there.
        assert_eq!(outcome(&world, Verb::Reset, &mut charges), Outcome::Admit);
    }
}

fn a_clear_forgets_everything<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limits = [per_minute(3, strategy, "one"), per_minute(3, strategy, "two")];
        let clients: Vec<_> = (0..100).map(Key::number).collect();
        let each = || limits.iter().flat_map(|limit| clients.iter().map(move |key| (limit, key)));
        assert!(each().all(|(limit, key)| world.hit(limit, key, 3)));
        world.clear();
        assert!(each().all(|(limit, key)| world.remaining(limit, key) == 3), "{strategy}");
    }
}

fn clients_scopes_windows_ordinals_and_strategies_are_counted_apart<W: World>() {
    let world = W::new();
    let mut limits = Vec::new();
    for strategy in world.strategies() {
        for scope in [Scope::new("a"), Scope::new("b"), Scope::new("a").part("b")] {
            for quota in [per(7, 1, Unit::Minute), per(7, 2, Unit::Minute)] {
                for ordinal in 0..2 {
                    limits.push(Limit::with_ordinal(quota, strategy, &scope, ordinal));
                }
            }
        }
    }
    let clients = [Key::text("me"), Key::text("you"), Key::text("me").and(&Key::text("you"))];
    for (limit_index, limit) in limits.iter().enumerate() {
        for (client_index, client) in clients.iter().enumerate() {
            let cost = ((limit_index + client_index) % 7 + 1) as u64;
            assert!(world.hit(limit, client, cost), "{}", limit.id());
        }
    }
    for (limit_index, limit) in limits.iter().enumerate() {
        for (client_index, client) in clients.iter().enumerate() {
            let left = 6 - ((limit_index + client_index) % 7) as u64;
            assert_eq!(world.remaining(limit, client), left, "{}", limit.id());
        }
    }
}

fn an_amount_is_no_part_of_the_counter<W: World>() {
    let world = W::new();
    let me = Key::text("me");
    for strategy in world.strategies() {
        let plan = |amount| per_minute(amount, strategy, "plan");
        assert!(world.hit(&plan(100), &me, 60));
        let of_200 = if strategy == Strategy::TokenBucket { 80 } else { 140 };
        assert_eq!(world.remaining(&plan(200), &me), of_200, "{strategy}");
        let of_50 = if strategy == Strategy::TokenBucket { 20 } else { 0 };
        assert_eq!(world.remaining(&plan(50), &me), of_50, "{strategy}");
        assert!(!world.hit(&plan(0), &me, 1));
        assert_eq!(world.remaining(&plan(100), &me), 40, "{strategy}");
    }
}

fn hostile_keys_are_counted_apart<W: World>() {
    let world = W::new();
    let long = "x".repeat(1 << 20);
    let texts =
        ["/", ":", "{", "}", "{}", "_", "\r\n", "\0", "", " ", "🦀", "a/b", "a:b", "*", &long];
    let mut keys: Vec<_> = texts.iter().map(|text| Key::text(text)).collect();
    keys.extend([Key::text(&format!("{long}y")), Key::secret(b"/"), Key::number(0)]);
    keys.push(Key::text("a").and(&Key::text("b")));
    for strategy in world.strategies() {
        let limit = Limit::new(Quota::per_minute(1), strategy, &Scope::new("{/}:\r\n*"));
        for key in &keys {
            assert!(world.hit(&limit, key, 1), "{strategy}");
        }
        for key in &keys {
            assert!(!world.hit(&limit, key, 1), "{strategy}");
        }
    }
}

fn an_empty_batch_is_admitted<W: World>() {
    let world = W::new();
    for verb in [Verb::Hit, Verb::Test, Verb::Refund, Verb::Reset] {
        assert_eq!(world.apply(verb, &mut []), Outcome::Admit, "{verb:?}");
    }
}

fn a_batch_may_be_large_and_span_many_clients<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limits: Vec<_> = (0..20).map(|n| per_minute(2, strategy, &format!("{n}"))).collect();
        let clients: Vec<_> = (0..10).map(Key::number).collect();
        let mut charges: Vec<_> = clients
            .iter()
            .flat_map(|key| limits.iter().map(move |limit| Charge::new(limit, key)))
            .collect();
        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Admit);
        assert!(world.hit(&limits[19], &clients[9], 1));
        assert_eq!(outcome(&world, Verb::Hit, &mut charges), Outcome::Deny);
        assert_eq!(charges.iter().filter(|charge| !admitted(charge)).count(), 1);
        assert!(limits[..19].iter().all(|limit| world.remaining(limit, &clients[9]) == 1));
    }
}

fn a_denied_client_is_admitted_exactly_when_announced<W: World>() {
    let world = W::new();
    for strategy in world.strategies() {
        let limit = per_minute(7, strategy, "retry");
        let me = Key::text("me");
        while world.hit(&limit, &me, 1) {
            world.advance(Duration::from_micros(1_234_567));
        }
        for _ in 0..20 {
            let mut charges = [Charge::new(&limit, &me)];
            if outcome(&world, Verb::Hit, &mut charges) == Outcome::Admit {
                continue;
            }
            let retry_after = charges[0].decision().unwrap().retry_after().unwrap();
            world.advance(retry_after - Duration::from_micros(1));
            assert!(!world.hit(&limit, &me, 1), "{strategy}: a microsecond early");
            world.advance(Duration::from_micros(1));
            assert!(world.hit(&limit, &me, 1), "{strategy}: not when announced");
        }
    }
}
