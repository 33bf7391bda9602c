#![doc = include_str!("../README.md")]
//!
//! # Features
//!
//! `redis` keeps counters in Redis or Valkey; `redis-rustls` and `redis-native-tls` add TLS to it.
//! Without them counters are kept in memory, or in a [`Storage`](core::Storage) of your own. `cli` is
//! the command line of a limiter, the module `cli`.
//!
//! # The story of one request
//!
//! The [middleware](Limiter::middleware) stands around the app, [`ScopeLimits`] around some of its
//! scopes, a gate around the arguments of every decorated handler. A request takes these steps,
//! marked in the code with these names:
//!
//! 1. **context**: the middleware gives the request a place where all of them meet.
//! 2. **exemptions**: whom a deny list names is answered with 403. Whom an allow list names or a
//!    request filter, and everybody while the limiter is disabled, goes on uncounted.
//! 3. **endpoint**: which method and path pattern is this, before routing? One that has not been
//!    seen is limited like any other; a path that matches nothing is the endpoint `unmatched`.
//!    Without application and default limits nobody asks but scopes and blocks.
//! 4. **resolve rules**: which limits apply? For an endpoint known to have a gate or scopes these
//!    will say; for all others the application and default limits do. Functions that return limits
//!    are asked here, and exempt paths drop out.
//! 5. **charges**: every limit gets its key and its cost, unless its `exempt_when` says no. No
//!    identity is never "unlimited": [`MissingIdentity`] decides.
//! 6. **evaluate**: the storage decides the batch at once: all limits are charged, or none. Meta
//!    limits veto without being charged, shadows are charged and never veto. A remote storage that
//!    does not answer in time is stood in for as [`OnStoreError`] says.
//! 7. **deny**: a breach is counted by the meta limits and told to the callbacks, and answered with
//!    429, in the form that the client prefers. Nothing behind the limiter runs; a denied handler
//!    has not even had its request body read.
//! 8. **inner service**: otherwise the request goes on. Each scope on its way, and then the gate,
//!    knows more limits than who stands further outside: it gives back what was charged there and
//!    runs steps 4 to 7 for *all* of them in one batch. In the steady state only the innermost
//!    charges. Behind the gate the arguments are extracted.
//! 9. **settle**: the response is there; `deduct_when` gives back, `cost_after` charges on top.
//! 10. **learn**: the endpoint is remembered with who charged it, so that the next request is
//!     charged there and once. Who was answered on the way to a gate is charged now.
//! 11. **headers**: the response tells the limits, where that is switched on.
//!
//! # Where to find what
//!
//! | question | item |
//! | --- | --- |
//! | what can be written on a handler? | [`limit`], [`shared_limit`], [`exempt`] |
//! | what can be configured? | [`LimiterBuilder`] |
//! | who is counted? | [`KeyBy`], [`TrustedProxies`] |
//! | what of a whole scope? | [`ScopeLimits`] |
//! | what of a part of a handler? | [`BlockLimit`] |
//! | what is the present request charged? | [`CurrentLimit`], [`CurrentLimits`] |
//! | what does a callback see of a denial? | [`Breach`], [`Denial`] |
//! | who goes on after a denial? | [`MetaLimit`] |
//! | what is limited? | [`handlers`], [`Limiter::limits_of`] |

mod access;
mod answer;
mod argument;
mod block;
mod breach;
mod charge;
mod config;
mod context;
mod current;
mod decimal;
mod endpoint;
mod enforce;
mod function;
mod gate;
mod headers;
mod key_by;
mod limiter;
mod meta;
mod middleware;
mod penalty;
mod proxy;
mod record;
mod rule;
mod scope;
mod settle;
mod store;

#[cfg(feature = "cli")]
pub mod cli;
#[doc(hidden)]
pub mod private;
#[doc(hidden)]
pub use self::private as __private;

pub use limiter_core::{
    self as core, FakeClock, IntoKey, Key, MemoryStorage, NotationError, OnStoreError, Quota,
    Strategy, storage::memory::Overflow,
};
pub use limiter_macros::{exempt, limit, shared_limit};

pub use self::{
    block::{BlockError, BlockLimit},
    breach::{Breach, Denial, IntoBreachResponse},
    config::{BuildError, InvalidLimit, LimiterBuilder, MissingIdentity},
    current::{CurrentLimit, CurrentLimits},
    function::{IntoCost, IntoLimitText, IntoLimits},
    gate::Gate,
    headers::{Headers, RetryAfter},
    key_by::{
        Header, KeyBy, Network, SecretHeader, client_ip, client_network, everyone, header, peer_ip,
        peer_network, secret_header,
    },
    limiter::{LimitOrigin, LimitSummary, Limiter},
    meta::MetaLimit,
    middleware::RateLimit,
    proxy::{ForwardingHeader, TrustedProxies, TrustedProxiesError},
    record::{
        Exemption, HandlerRecord, LimitRecord, RouteRecord, ScopeRecord, SharedLimit, handlers,
    },
    scope::ScopeLimits,
};
