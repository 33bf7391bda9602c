//! Checks without HTTP: is this client within its limit?

use std::{collections::HashMap, hint::black_box, net::IpAddr, num::NonZeroU32, time::Duration};

use actix_extensible_rate_limit::backend::{Backend, SimpleInput, memory::InMemoryBackend};
use governor::{DefaultKeyedRateLimiter, Quota as GovernorQuota, RateLimiter as Governor};
use limitador::{
    RateLimiter as Limitador,
    limit::{Context, Limit as LimitadorLimit, Namespace},
};
use limiter_core::{
    Charge, Clock, Key, Limit, MemoryStorage, Outcome, Scope, Strategy, clock::MonotonicClock,
};
use parking_lot::Mutex;

use crate::contender::{Contender, ready};

/// Never reached: 15 nanoseconds a unit, and nobody is that fast for long.
const AMOUNT: u32 = 4_000_000_000;

/// How many clients there are where there are many.
pub const CLIENTS: usize = 100_000;

/// One limit, one client, again and again.
pub fn hot_key() -> Vec<Contender> {
    let ip = address(7);
    checks(vec![ip])
}

/// One limit, and each time another one of 100,000 clients, in an order without order.
pub fn many_keys() -> Vec<Contender> {
    checks((0..CLIENTS as u32).map(address).collect())
}

/// One check of one limit, by us and by the peers.
fn checks(clients: Vec<IpAddr>) -> Vec<Contender> {
    let texts: Vec<String> = clients.iter().map(|ip| format!("customer-{ip}")).collect();
    vec![
        ours("ours, fixed window, IpAddr", Strategy::FixedWindow, turns(clients.clone())),
        ours("ours, token bucket, IpAddr", Strategy::TokenBucket, turns(clients.clone())),
        ours_text("ours, fixed window, text", texts.clone()),
        governor_by_address(clients.clone()),
        governor_by_text(texts),
        extensible(clients.clone()),
        limitador(clients.clone()),
        least(clients),
    ]
}

/// The next client of a list, over and over.
fn turns<T: Clone + 'static>(clients: Vec<T>) -> impl FnMut() -> T {
    let mut next = 0;
    move || {
        let client = black_box(&clients[next]).clone();
        next = if next + 1 == clients.len() { 0 } else { next + 1 };
        client
    }
}

fn ours(
    name: &'static str,
    strategy: Strategy,
    mut client: impl FnMut() -> IpAddr + 'static,
) -> Contender {
    let (storage, limit) = (MemoryStorage::new(), limit("4000000000/minute", strategy));
    Contender::new(name, move || {
        let key = Key::network(client(), 32, 64);
        storage.hit(&limit, &key, 1).admitted()
    })
}

fn ours_text(name: &'static str, clients: Vec<String>) -> Contender {
    let storage = MemoryStorage::new();
    let limit = limit("4000000000/minute", Strategy::FixedWindow);
    let mut next = places(clients.len());
    Contender::new(name, move || {
        let key = Key::text(black_box(&clients[next()]));
        storage.hit(&limit, &key, 1).admitted()
    })
}

fn governor_by_address(clients: Vec<IpAddr>) -> Contender {
    let limiter: DefaultKeyedRateLimiter<IpAddr> = Governor::keyed(governor_quota());
    let mut client = turns(clients);
    Contender::new("governor, IpAddr", move || limiter.check_key(&client()).is_ok())
}

/// Its API wants a `&String`; it is lent one that is there already, as if it cost nothing.
fn governor_by_text(clients: Vec<String>) -> Contender {
    let limiter: DefaultKeyedRateLimiter<String> = Governor::keyed(governor_quota());
    let mut next = places(clients.len());
    Contender::new("governor, String (not built)", move || {
        limiter.check_key(black_box(&clients[next()])).is_ok()
    })
}

/// Its API wants a `String` of its own, which is built as its input builder does.
fn extensible(clients: Vec<IpAddr>) -> Contender {
    let backend = InMemoryBackend::builder().with_gc_interval(None).build();
    let mut client = turns(clients);
    Contender::new("actix-extensible-rate-limit", move || {
        let input = SimpleInput {
            interval: Duration::from_secs(60),
            max_requests: AMOUNT.into(),
            key: client().to_string(),
        };
        ready(backend.request(input)).is_ok_and(|(decision, ..)| decision.is_allowed())
    })
}

/// Its API wants a context of variables, built for each request.
fn limitador(clients: Vec<IpAddr>) -> Contender {
    let limiter = Limitador::new(2 * clients.len() as u64 + 1_000);
    let variable = "ip".try_into().expect("a variable");
    limiter.add_limit(LimitadorLimit::new("bench", AMOUNT.into(), 60, [], [variable]));
    let namespace = Namespace::from("bench");
    let mut client = turns(clients);
    let check = move || {
        let context = Context::from(HashMap::from([("ip".to_owned(), client().to_string())]));
        limiter
            .check_rate_limited_and_update(&namespace, &context, 1)
            .is_ok_and(|answer| !answer.limited)
    };
    Contender::new("limitador", check).slower(25)
}

/// What no check under a lock can do without: the number of the client, one lock, the cheapest clock
/// and one counter. It is known without looking for it where that is, but not next to that of the
/// client before.
fn least(clients: Vec<IpAddr>) -> Contender {
    let counters = Mutex::new(vec![[0_u64; 4]; clients.len()]);
    let place_of = |n: usize| n.wrapping_mul(0x9E37_79B1) % clients.len();
    let mut next = turns((0..clients.len()).map(|n| (clients[n], place_of(n))).collect());
    Contender::new("the least: key, lock, clock, counter", move || {
        let (client, place) = next();
        black_box(Key::network(client, 32, 64));
        let counter = &mut counters.lock()[place];
        counter[0] += 1;
        counter[1] = MonotonicClock.coarse().micros();
        counter[0] > 0
    })
}

/// One client who has used up what it may, again and again: what most of an attack is.
pub fn denied() -> Vec<Contender> {
    let ip = address(7);
    let mut contenders = Vec::new();
    for (name, strategy) in [
        ("ours, fixed window, IpAddr", Strategy::FixedWindow),
        ("ours, token bucket, IpAddr", Strategy::TokenBucket),
    ] {
        let (storage, limit) = (MemoryStorage::new(), limit("1/day", strategy));
        assert!(storage.hit(&limit, &Key::network(ip, 32, 64), 1).admitted());
        contenders.push(Contender::new(name, move || {
            let key = Key::network(black_box(ip), 32, 64);
            !storage.hit(&limit, &key, 1).admitted()
        }));
    }
    let quota = GovernorQuota::with_period(Duration::from_secs(86_400)).expect("a quota");
    let limiter: DefaultKeyedRateLimiter<IpAddr> = Governor::keyed(quota);
    assert!(limiter.check_key(&ip).is_ok());
    contenders.push(Contender::new("governor, IpAddr", move || {
        limiter.check_key(&black_box(ip)).is_err()
    }));
    contenders
}

/// One client, and one or three limits: charged by us in one batch, by the peer one by one.
pub fn three_limits() -> Vec<Contender> {
    let ip = address(7);
    let limits = ["66000000/second", "4000000000/minute", "240000000000/hour"]
        .map(|text| limit(text, Strategy::FixedWindow));
    let (storage, one) = (MemoryStorage::new(), limits[1].clone());
    let one = Contender::new("ours, one limit", move || {
        let key = Key::network(black_box(ip), 32, 64);
        storage.hit_all(&mut [Charge::new(&one, &key)]) == Outcome::Admit
    });
    let storage = MemoryStorage::new();
    let three = Contender::new("ours, three limits in one batch", move || {
        let key = Key::network(black_box(ip), 32, 64);
        let mut batch = limits.each_ref().map(|limit| Charge::new(limit, &key));
        storage.hit_all(&mut batch) == Outcome::Admit
    });
    let limiters: [DefaultKeyedRateLimiter<IpAddr>; 3] =
        [(); 3].map(|()| Governor::keyed(governor_quota()));
    let peer = Contender::new("governor, three limiters one after the other", move || {
        limiters.iter().all(|limiter| limiter.check_key(&black_box(ip)).is_ok())
    });
    vec![one, three, peer]
}

/// The places of a list, over and over.
fn places(count: usize) -> impl FnMut() -> usize {
    turns((0..count).collect())
}

/// Client number `n`. Neighbours are far apart: the multiplier is odd, so no two are the same.
pub fn address(n: u32) -> IpAddr {
    IpAddr::from(n.wrapping_mul(0x9E37_79B1).to_be_bytes())
}

pub fn limit(text: &str, strategy: Strategy) -> Limit {
    Limit::new(text.parse().expect("a legal limit"), strategy, &Scope::new("bench"))
}

fn governor_quota() -> GovernorQuota {
    GovernorQuota::per_minute(NonZeroU32::new(AMOUNT).expect("not zero"))
}
