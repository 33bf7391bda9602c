//! A million clients at once.

use std::{any::Any, fs, hash::Hash, net::IpAddr, num::NonZeroU32};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use limiter_core::{Key, MemoryStorage, Strategy};

use crate::checks::{address, limit};

/// How many clients there are.
pub const CLIENTS: u32 = 1_000_000;

/// Somewhere to keep them.
pub struct Store {
    pub name: &'static str,
    /// A store with all clients in it.
    pub filled: fn() -> Box<dyn Any>,
}

/// Those that are compared.
pub const STORES: [Store; 4] = [
    Store { name: "ours, fixed window, IpAddr", filled: || ours(Strategy::FixedWindow) },
    Store { name: "ours, token bucket, IpAddr", filled: || ours(Strategy::TokenBucket) },
    Store { name: "governor, IpAddr", filled: || governor(|client| client) },
    Store { name: "governor, String", filled: || governor(|client| client.to_string()) },
];

/// A quarter more clients come than there is room for: the cap is a cap.
fn ours(strategy: Strategy) -> Box<dyn Any> {
    let storage = MemoryStorage::builder().capacity(CLIENTS as usize).build();
    let limit = limit("100/day", strategy);
    for n in 0..CLIENTS {
        assert!(storage.hit(&limit, &Key::network(address(n), 32, 64), 1).admitted());
    }
    assert_eq!((storage.len(), storage.overflowed()), (CLIENTS as usize, 0));
    for n in CLIENTS..CLIENTS / 4 * 5 {
        storage.hit(&limit, &Key::network(address(n), 32, 64), 1);
    }
    assert_eq!(storage.overflowed(), u64::from(CLIENTS / 4));
    Box::new(storage)
}

fn governor<K>(key: impl Fn(IpAddr) -> K) -> Box<dyn Any>
where
    K: Hash + Eq + Clone + 'static,
{
    let quota = Quota::per_hour(NonZeroU32::new(100).expect("not zero"));
    let limiter: DefaultKeyedRateLimiter<K> = RateLimiter::keyed(quota);
    for n in 0..CLIENTS {
        assert!(limiter.check_key(&key(address(n))).is_ok());
    }
    Box::new(limiter)
}

/// The resident set of this process, in bytes.
///
/// # Panics
/// Where there is no `/proc`.
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    let kib: String = line.chars().filter(char::is_ascii_digit).collect();
    kib.parse::<u64>().expect("a number") * 1024
}
