//! The engine of a declarative rate limiter: *given limits, keys, costs and a moment, admit or
//! deny?* It knows nothing of HTTP, of routes or of any framework; `limiter-actix` applies it.
//!
//! # The story of one decision
//!
//! A [`Quota`] says what is allowed: `10 per 2 minutes`. It is written in [limit
//! notation](notation) and parsed by one grammar, at compile time and at run time. A [`Limit`]
//! is a quota that a [`Strategy`] enforces within a [`Scope`]: the counter it names is one per
//! scope and per [`Key`], the identity of a client. A [`Charge`] is one limit, one key and one
//! cost. A request makes several charges, and they are decided as one batch: **all of them are
//! charged, or none is**. The batch goes to a [`Storage`], which runs the strategy where the state
//! is, and every charge comes back with a [`Decision`].
//!
//! ```
//! use limiter_core::{Charge, FakeClock, Key, Limit, MemoryStorage, Outcome, Scope, Strategy};
//!
//! let storage = MemoryStorage::builder().clock(FakeClock::new()).build();
//! let minute = Limit::new("2/minute".parse()?, Strategy::FixedWindow, &Scope::new("search"));
//! let day = Limit::new("100/day".parse()?, Strategy::FixedWindow, &Scope::new("search"));
//! let client = Key::text("user:7");
//!
//! let mut batch = [Charge::new(&minute, &client), Charge::new(&day, &client)];
//! assert_eq!(storage.hit_all(&mut batch), Outcome::Admit);
//! assert_eq!(storage.hit_all(&mut batch), Outcome::Admit);
//! assert_eq!(storage.hit_all(&mut batch), Outcome::Deny);
//!
//! // The minute is used up, and the denied request took nothing from the day.
//! assert_eq!(storage.peek(&minute, &client).remaining(), 0);
//! assert_eq!(storage.peek(&day, &client).remaining(), 98);
//! # Ok::<(), limiter_core::NotationError>(())
//! ```
//!
//! # Where to find what
//!
//! | question | module |
//! | --- | --- |
//! | which limit strings are legal, and what do they mean? | [`notation`] |
//! | how does a strategy decide, and what does it promise? | [`strategy`] |
//! | where are counters kept, and what happens when memory is full? | [`storage`] |
//! | how does one call to Redis decide a batch, and what is stored there? | `storage::redis` (feature `redis`) |
//! | what happens when a remote storage does not answer? | `storage::guarded` (feature `remote`) |
//! | what does a request cost whose client is denied already? | `storage::denied` (feature `remote`) |
//! | which moment is it? | [`clock`] |
//!
//! # Who imports whom
//!
//! The modules from the ground up: `quota`, `notation`, `clock`, `decision`, `error`, `key`,
//! `strategy`, `limit`, `charge`, `storage`. Each imports only those before it, by the module's
//! name and never through this file. None of them may know HTTP, routes, or the crates that apply
//! this one.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `memory` (default) | everything that decides: keys, charges, and the in-process storage; without it the crate is only the notation, which is what the attribute macros compile |
//! | `remote` | what wraps a storage that has to be waited for: a deadline, a circuit breaker, a failure policy, and a cache of denials; needs `tokio` |
//! | `redis` | `remote`, and counters in Redis or Valkey: a single server, a Cluster, behind Sentinels |
//! | `redis-rustls`, `redis-native-tls` | TLS for `redis`; with the first the app installs a crypto provider |

pub mod notation;
mod quota;

#[cfg(feature = "memory")]
mod charge;
#[cfg(feature = "memory")]
pub mod clock;
#[cfg(feature = "memory")]
mod decision;
#[cfg(feature = "memory")]
mod error;
#[cfg(feature = "memory")]
mod key;
#[cfg(feature = "memory")]
mod limit;
#[cfg(feature = "memory")]
pub mod storage;
#[cfg(feature = "memory")]
pub mod strategy;

#[cfg(feature = "memory")]
pub use self::{
    charge::{Charge, DecidedBy, Mode, Receipt},
    clock::{Clock, FakeClock, Timestamp},
    decision::{Decision, Outcome},
    error::{OnStoreError, StorageError, UnknownPolicy},
    key::{IntoKey, Key},
    limit::{Limit, Scope},
    storage::{Storage, Verb, memory::MemoryStorage},
    strategy::Strategy,
};
pub use self::{
    notation::NotationError,
    quota::{Quota, Unit},
};
