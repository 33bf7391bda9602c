#![doc = include_str!("../README.md")]
//!
//! # The story of one request
//!
//! The [middleware](Limiter::middleware) stands around the app, a gate around the arguments of
//! every decorated handler. Between them a request takes these steps, each a function of that
//! name:
//!
//! 1. **context**: the middleware gives the request a place where gate and middleware meet.
//! 2. **endpoint**: which method and path pattern is this, before routing? One that has not been
//!    seen is limited like any other; a path that matches nothing is the endpoint `unmatched`.
//! 3. **exemptions**: a disabled limiter or an exempt path charges nothing.
//! 4. **resolve rules**: which limits apply? For an endpoint known to be decorated the gate will
//!    say; for all others the application and default limits do.
//! 5. **charges**: every limit gets its key and its cost. No identity is never "unlimited":
//!    [`MissingIdentity`] decides.
//! 6. **evaluate**: the storage decides the batch at once: all limits are charged, or none.
//! 7. **deny**: a breach is answered with 429 and a problem body, and nothing behind the limiter
//!    runs; a denied handler has not even had its request body read.
//! 8. **inner service**: otherwise the request goes on. In the gate of a decorated handler steps 4
//!    to 7 run for *all* its limits in one batch, and only then are its arguments extracted.
//! 9. **settle**: what the middleware charged before it knew the handler is given back.
//! 10. **headers**: the response tells the limit, where that is switched on.
//! 11. **learn**: the endpoint is remembered as decorated or not.

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
    limiter::{LimitSummary, Limiter},
    meta::MetaLimit,
    middleware::RateLimit,
    proxy::{ForwardingHeader, TrustedProxies, TrustedProxiesError},
    record::{
        Exemption, HandlerRecord, LimitRecord, RouteRecord, ScopeRecord, SharedLimit, handlers,
    },
    scope::ScopeLimits,
};
