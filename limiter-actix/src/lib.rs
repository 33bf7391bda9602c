#![doc = include_str!("../README.md")]
//!
//! # Features
//!
//! `redis` keeps counters in Redis or Valkey; `redis-rustls` and `redis-native-tls` add TLS to it.
//! Without them counters are kept in memory, or in a [`Storage`](core::Storage) of your own. `cli` adds
//! the command line of a limiter: the module `cli`.
//!
//! # The story of one request
//!
//! The [middleware](Limiter::middleware) is wrapped around the app, [`ScopeLimits`] around some of
//! its scopes, and a gate around the arguments of every decorated handler. A request takes these
//! steps, which the code marks with these names:
//!
//! 1. **context**: the middleware creates the state that all of them share for this request. A
//!    limiter that is wrapped twice counts once.
//! 2. **exemptions**: clients on a deny list get 403. Clients on an allow list, requests that a
//!    filter matches, and everyone while the limiter is disabled pass without being counted.
//! 3. **endpoint**: which method and path pattern does the request seem to be for, before routing?
//!    A path that matches nothing is the endpoint `unmatched`.
//! 4. **resolve rules**: which limits apply? Functions that return limits are called here, and
//!    exempt paths are left out.
//! 5. **charges**: every limit gets its key and its cost, unless its `exempt_when` returns `true`.
//!    A missing identity never means "unlimited": [`MissingIdentity`] decides.
//! 6. **evaluate**: the storage decides the batch at once: all limits are charged, or none. Meta
//!    limits can deny but are not charged; shadows are charged but never deny. While a remote
//!    storage does not answer in time, [`OnStoreError`] decides.
//! 7. **deny**: a breach is counted by the meta limits, passed to the callbacks, and answered with
//!    429, in the format that the client prefers. Nothing behind the limiter runs; the body of a
//!    denied request to a decorated handler is not read.
//! 8. **inner service**: otherwise the request continues. Each scope that it enters, and then the
//!    gate, runs steps 4 to 7 as defined by [the table](#who-charges-a-request). Behind the gate the
//!    arguments are extracted.
//! 9. **pay**: a request that leaves uncharged is charged now, however it leaves.
//! 10. **settle**: once the response exists, `deduct_when` gives back and `cost_after` charges on
//!     top.
//! 11. **headers**: the response reports the limits, if that is enabled.
//!
//! # Who charges a request
//!
//! The middleware, the [`ScopeLimits`] and the gates of decorated handlers are *enforcers*. A request
//! is charged by the innermost enforcer that Actix routes it through: the gate of a decorated
//! handler, or else the innermost [`ScopeLimits`], or else the middleware. A gate charges *P*: the
//! limits of its handler, and the outer limits that these do not override. Without a gate, *D* is
//! charged: application and default limits, and those of the scopes that the request has entered, for
//! the endpoint that it was routed to. An early response of an inner middleware, 404, 405, an error, a
//! panic and a client that hangs up are all charged D. **Other requests never change which of the two
//! is charged.**
//!
//! Before routing it is not known which one applies. So the limiter records, per endpoint (method and
//! pattern) and for all workers, which enforcers requests have reached there, and whether a request
//! was served there without a gate. Per client and endpoint it counts the requests that are *under
//! way* without being charged, and those that are *unpaid* because D refused them when they had left.
//!
//! | | on the way in, at the middleware and at each scope | what happens |
//! | --- | --- | --- |
//! | 1 | no inner enforcer is known | D is charged. If D refuses: 429. Exception: the request continues, under way, if the program has an inner enforcer that may admit it, no request was served here without a gate, and the client has nothing unpaid here. If other requests inside will show whether there is a gate, it waits for them first, for 1 s at most |
//! | 2 | an inner enforcer is known; fewer than 16 under way, fewer than 4 unpaid | the request continues, under way |
//! | 3 | an inner enforcer is known; 16 under way or 4 unpaid | D is charged. If D refuses: 429; if nothing is unpaid, the request first waits until one of the 16 leaves, for 1 s at most, with at most 128 others |
//! | 4 | the gate, or a scope without a known inner enforcer | its own limits are charged in exchange for what was charged outside. If they refuse: 429 |
//!
//! | | on the way out: a response, an error, a panic, a hang-up | what happens |
//! | --- | --- | --- |
//! | 5 | charged by the gate, or charged D for the right endpoint | nothing |
//! | 6 | charged D for another endpoint than it was routed to | D of the right endpoint is charged in exchange. If that refuses: the first charge stays, and the request is unpaid |
//! | 7 | under way | D is charged. If D refuses: the request is unpaid, the breach counts for meta limits and is logged, and the response does not change |
//! | 8 | under way by the exception in rule 1, and no handler served it (404, 405) | as in 7, but if D refuses, the response becomes the 429 of rule 1 |
//!
//! A denied request reaches no handler, and a decision that a storage has begun is completed even if
//! the client has hung up.
//!
//! Early responses (other than 2xx, 3xx, 404, 405) and hang-ups in front of a gate also count for the
//! limits of its handler, if these call no function except a sync `key`: five wrong passwords that an
//! inner middleware rejects use up `#[limit("5/minute")]`. This applies to a gate that a request has
//! reached (if there are several, to the first one), and to a gate whose name the resource has. A
//! client without identity is then counted by its address. If keys, costs or exemptions of D are
//! functions, they are called on the way in, because no request is left when a client hangs up or a
//! middleware returns an error. If they are async, D is charged on the way in.
//!
//! An unpaid request counts until the slowest of the limits that refused it has forgotten all charges,
//! and for a minute at least.
//!
//! ## What stays inexact, and what to do
//!
//! The numbers are per client (the limiter's key before routing, and the address), endpoint and reset,
//! in the whole process, and apply only to clients that exceed their limits.
//!
//! | what | how much | what to do |
//! | --- | --- | --- |
//! | early responses, hang-ups and undecorated handlers at an endpoint that also has a gate (handlers selected by a guard) | at most 4 too many one after another, 16 at once | decorate all handlers; wrap the responding middleware outside the limiter, or do its check in an extractor |
//! | a refused request at an endpoint where no request was served yet, a manually registered one for example, in a program with a handler that could admit it | 1 too many, 16 at once | decorate the handler, or register it by attribute |
//! | `#[limit]` on a handler in front of which a middleware responds, before any request has reached the handler, if its resource has another name | counts for D only | leave out `name = …`, or write `#[limit]` above the route attribute |
//! | a handler that is registered manually in a resource with a name, or in a default service of one of several scopes, before any request has reached it | denied to clients that exceed D | [`exempt_path`](LimiterBuilder::exempt_path), or a route attribute |
//! | default limits of a handler that does not override them | one counter for the handler, another one for early responses in front of it | `application_limits`, which have a single one |
//! | a client with 4 unpaid requests, or one with the same key and address, at a decorated handler | denied by D until that resets | a key that distinguishes clients before the middleware runs, such as [`header`]; [`trusted_proxies`](LimiterBuilder::trusted_proxies) behind a proxy; the responding middleware outside the limiter |
//! | more than 16 requests of a client under way that also exceed D | wait up to 1 s each | raise D |
//! | resources with the same path and method, selected by guards: one that no request has reached yet | denied to clients that exceed the limits of the other | [`exempt_path`](LimiterBuilder::exempt_path), or scopes with different prefixes |
//! | paths that an inner middleware rewrites | what D of the written path and of the real one admit together, and 4 | rewrite outside the limiter |
//! | two different limiters, one inside the other | the outer one sees no gate: every handler is undecorated to it | give the outer one application limits only |
//! | more than 128 waiting requests of a client | denied | as above |
//! | one limiter in two apps of one process, with the same pattern, decorated in one app only | as in the first row | a limiter for each app, on one storage |
//!
//! # Where to find what
//!
//! | question | item |
//! | --- | --- |
//! | what can be written on a handler? | [`limit`], [`shared_limit`], [`exempt`] |
//! | what can be configured? | [`LimiterBuilder`] |
//! | how are clients identified? | [`KeyBy`], [`TrustedProxies`] |
//! | how is a whole scope limited? | [`ScopeLimits`] |
//! | how is a part of a handler limited? | [`BlockLimit`] |
//! | which limits apply to the current request? | [`CurrentLimit`], [`CurrentLimits`] |
//! | what does a callback know about a denial? | [`Breach`], [`Denial`] |
//! | how are clients locked out that ignore denials? | [`MetaLimit`] |
//! | what is limited? | [`handlers`], [`Limiter::limits_of`] |
//!
//! # Where to find it in the sources
//!
//! Each folder is a room, and imports only rooms above it in this table.
//!
//! | room | question |
//! | --- | --- |
//! | `identify` | who is the client? |
//! | `storage` | where are counters kept? |
//! | `limit` | what is one limit, as people see it? |
//! | `answer` | what do headers and bodies contain? |
//! | `declare` | what may an app declare? |
//! | `limiter` | what was configured, and what do all workers know? |
//! | `config` | which options are there, and what is checked? |
//! | `resolve` | which limits apply? (step 4) |
//! | `charge` | which keys and costs, and what is decided? (steps 5, 6, 10) |
//! | `context` | what is known of one request? (steps 1, 3) |
//! | `enforce` | who charges, when, and what becomes of the request? (steps 2, 7, 8, 9, 11) |
//! | `report` | what is limited, and who, as data? |
//! | `cli` | what does the command line print? |

mod answer;
mod charge;
mod config;
mod context;
mod declare;
mod enforce;
mod error;
mod identify;
mod limit;
mod limiter;
mod report;
mod resolve;
mod storage;

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
    answer::{Headers, RetryAfter},
    config::LimiterBuilder,
    declare::{
        Exemption, HandlerRecord, IntoCost, IntoLimitText, IntoLimits, LimitRecord, MetaLimit,
        RouteRecord, ScopeLimits, ScopeRecord, SharedLimit, handlers,
    },
    enforce::{BlockError, BlockLimit, Gate, RateLimit},
    error::BuildError,
    identify::{
        ForwardingHeader, Header, KeyBy, MissingIdentity, Network, SecretHeader, TrustedProxies,
        TrustedProxiesError, client_ip, client_network, everyone, header, peer_ip, peer_network,
        secret_header,
    },
    limit::{Breach, CurrentLimit, CurrentLimits, Denial, IntoBreachResponse, LimitOrigin},
    limiter::{InvalidLimit, Limiter},
    report::LimitSummary,
};
