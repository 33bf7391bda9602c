//! Which limits a request is charged, and whether it is admitted, is a function of the counters and
//! of the route that Actix takes: never of what other requests made the limiter believe.
//!
//! Every seed is a random app and a random history of 8 to 21 steps. A wrong one prints the shortest
//! history that is still wrong, in the smallest app. What to set in the environment: [`knobs`].
//!
//! ```sh
//! cargo test -p limiter-tests --test history                                    # 10,000 seeds
//! HISTORY_SEEDS=0..1000000 cargo test -p limiter-tests --test history           # more of them
//! HISTORY_SEEDS=17 HISTORY_VERBOSE=1 cargo test -p limiter-tests --test history -- every --nocapture
//! ```
//!
//! # What is drawn
//!
//! **The app** ([`world`]): overlapping patterns below static, dynamic and empty prefixes; scopes in
//! scopes; scopes of one prefix, resources of one pattern and routes of one resource that a header
//! tells apart; `ScopeLimits` around scopes and resources, with limits that override or add, shared
//! or not, and exemptions that are handed down or not; layers inside the limiter, the scopes and the
//! resources, on either side of their limits, that pass on at once or after some polls, and answer or
//! fail `x-auth: bad`; handlers mounted as by an attribute or by hand, several of one path and one at
//! several; default services; the limiter around a part of the app once more.
//!
//! **The limiter**: default and application limits, `limit_unmatched(false)`, an exempt path or a
//! folder of them, headers; the memory storage, or one that answers only after a poll; one to three
//! workers.
//!
//! **The handlers** ([`handlers`]): decorated with limits that override or add, exempt, limited by a
//! key of their own, slow, panicking; and undecorated ones.
//!
//! **The history** ([`traffic`]): `GET`, `POST`, `HEAD`, `OPTIONS` and an unknown method, encoded
//! and unknown paths, of three clients; clients that go away after some polls; up to 20 requests at
//! once, polled in turns; and time.
//!
//! # What is compared
//!
//! The [`oracle`] is Actix itself: the same app without limits says which handler a request is routed
//! to, which scopes it comes to, and whether a layer answers it first. From that follows what it is
//! charged ([`due`]): the plan of the gate it came to, else that of the endpoint within the scopes
//! that it entered. After every step the answer, and *all* counters of the storage ([`ledger`]), are
//! compared with that ([`judge`]). A denied request has run no handler, and its arguments were not
//! extracted, so no body was read.
//!
//! A second test plays the steps of one client alone as well: it gets the same answers.
//!
//! # What is allowed, and why
//!
//! Before a request is routed, nobody can tell one for a decorated handler from one that a layer
//! answers on the way there. So ([`allowance`]), per client and endpoint:
//!
//! * Who is over their limit may go on, charged nothing, where somebody further inside is known to
//!   charge or may be: at most 4 times one after the other (once if nobody is known), 16 at once,
//!   until the limit resets.
//! * Who has made use of that may be denied there although the handler would admit them; so may those
//!   of more than 16 at once.
//! * So may who is over the limit of the endpoint that the request seems to be for, as long as nobody
//!   has come to the resource behind it that it is for; or to its gate or scope, where somebody was
//!   served without one.
//! * A request that seemed to be for another endpoint may be charged as one of that, if its own
//!   endpoint refuses it; and one that is routed to nothing as one of any endpoint of its path.
//! * A layer's answer may be charged to the limits of the handler behind it, if that is known; it must
//!   be, where nothing else stands there.
//! * Of a client that has gone nobody has the request any more: it may be charged for the endpoint
//!   that it seemed to be for. While a remote storage is asked, it may be at either side of the
//!   question.
//! * `limit_unmatched(false)` leaves open whether a 404 or 405 at a path that seemed to lead somewhere
//!   is charged.
//!
//! After an allowed error the model goes on from the counters that were found.
//!
//! # What is not covered
//!
//! Keys that an inner layer fills, trusted proxies, meta limits and bans; functions that return limits,
//! costs and exemptions; `deduct_when` and `cost_after`; layers that change paths; storages that fail.
//! These have tests of their own.

mod allowance;
mod app;
mod due;
mod handlers;
mod judge;
mod knobs;
mod law;
mod layer;
mod ledger;
mod oracle;
mod picture;
mod poll;
mod random;
mod shrink;
mod traffic;
mod trail;
mod trial;
mod world;

use std::collections::BTreeMap;

use self::{
    law::{Law, OWN},
    random::Random,
    shrink::Failure,
    traffic::{Step, Traffic},
    trial::Tally,
    world::World,
};

#[actix_web::test]
async fn every_answer_and_every_counter_is_that_of_the_route_alone() {
    let tally = obeyed(Law::TheRouteAlone, 10_000, |world, random| {
        let steps = 8 + random.below(14);
        Traffic::new(world, random, &[OWN, 2, 3]).steps(steps)
    });
    let tally = tally.await;
    let missing: Vec<_> = oracle::KINDS.iter().filter(|kind| !tally.has(kind)).collect();
    assert!(knobs::are_seeds_chosen() || missing.is_empty(), "never drawn: {missing:?}");
}

#[actix_web::test]
async fn strangers_change_no_answer() {
    let tally = obeyed(Law::NoStrangers, 2_000, |world, random| {
        let mut history = Traffic::new(world, random, &[2, 3]).steps(20);
        history.retain(|step| !matches!(step, Step::Wait { .. }));
        history.extend(Traffic::new(world, random, &[OWN]).steps(10));
        history.extend(Traffic::new(world, random, &[OWN, 2, 3]).steps(10));
        // An endpoint that is known takes fewer polls over a remote storage: at the same poll a client
        // may hang up before the answer or after it.
        let is_at_a_poll =
            |step: &Step| matches!(step, Step::HangUp { call, .. } if call.client == OWN);
        history.retain(|step| !(world.limiter.remote && is_at_a_poll(step)));
        history
    });
    tally.await;
}

/// Plays a history in a world for each seed, and fails with the shortest ones that break the law.
async fn obeyed(law: Law, seeds: u64, history: impl Fn(&World, &mut Random) -> Vec<Step>) -> Tally {
    let mut tally = Tally::default();
    let mut failures: BTreeMap<&str, Vec<(u64, Failure)>> = BTreeMap::new();
    for seed in knobs::seeds(seeds) {
        let mut random = Random::new(seed);
        let world = World::draw(&mut random);
        let history = history(&world, &mut random);
        if knobs::is_verbose() {
            println!("seed {seed}\n{world}");
        }
        if let Some(failure) = Failure::find(law, &world, &history, &mut tally).await {
            failures.entry(failure.violation.kind).or_default().push((seed, failure));
        }
    }
    println!("{tally}");
    let found: usize = failures.values().map(Vec::len).sum();
    for (kind, mut failures) in failures {
        println!("{} seeds: {kind}", failures.len());
        failures.sort_by_key(|(_, failure)| failure.steps());
        for (seed, failure) in failures.into_iter().take(knobs::shown()) {
            println!("seed {seed}: {}", failure.shrink().await);
        }
    }
    assert_eq!(found, 0, "seeds break the law; the shortest histories are printed above");
    tally
}
