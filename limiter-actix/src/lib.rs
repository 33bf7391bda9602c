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
//! 1. **context**: the middleware gives the request a place where all of them meet. A limiter that
//!    is wrapped twice counts once.
//! 2. **exemptions**: clients on a deny list get 403. Clients on an allow list, requests that a
//!    filter matches, and everyone while the limiter is disabled pass without being counted.
//! 3. **endpoint**: which method and path pattern does the request seem to be for, before routing?
//!    A path that matches nothing is the endpoint `unmatched`.
//! 4. **resolve rules**: which limits apply? Functions that return limits are called here, and
//!    exempt paths drop out.
//! 5. **charges**: every limit gets its key and its cost, unless its `exempt_when` exempts the request. No
//!    identity is never "unlimited": [`MissingIdentity`] decides.
//! 6. **evaluate**: the storage decides the batch at once: all limits are charged, or none. Meta
//!    limits veto without being charged, shadows are charged and never veto. While a remote storage
//!    does not answer in time, [`OnStoreError`] decides.
//! 7. **deny**: a breach is counted by the meta limits and passed to the callbacks, and answered
//!    with 429, in the form that the client prefers. Nothing behind the limiter runs; a denied
//!    handler has not even had its request body read.
//! 8. **inner service**: otherwise the request goes on. Each scope on its way, and then the gate,
//!    runs steps 4 to 7 as [the table](#who-charges-a-request) says. Behind the gate the arguments
//!    are extracted.
//! 9. **pay**: a request that leaves uncharged is charged now, however it leaves.
//! 10. **settle**: the response is there; `deduct_when` gives back, `cost_after` charges on top.
//! 11. **headers**: the response shows the limits, where that is switched on.
//!
//! # Who charges a request
//!
//! A request is charged by the innermost of our enforcers that Actix brings it to: the gate of a
//! decorated handler, or else the innermost [`ScopeLimits`], or else the middleware. What the gate
//! charges is *P*, the limits of its handler and what these leave of the others. What is due without a
//! gate is *D*: application and default limits, and those of the scopes that were entered, for the
//! endpoint that the request was routed to. An early answer of an inner middleware, 404, 405, an
//! error, a panic and a client that hangs up are all charged D. **Nothing that other requests did
//! changes which of the two it is.**
//!
//! Before routing nobody knows which. So the limiter remembers, per endpoint (method and pattern) and
//! for all workers, who was ever reached there, and whether anybody was served there without a gate;
//! and per client and endpoint how many requests are *under way* without being charged, and how many
//! are *unpaid* because D refused them when they had left.
//!
//! | | on the way in, at the middleware and at each scope | it does |
//! | --- | --- | --- |
//! | 1 | nobody further inside is known | charges D. Refused: 429. But if the program says that somebody further inside may admit it, nobody was served here without a gate, and the client has nothing unpaid here: it goes on, under way. If others are inside who will show whether there is a gate, it waits for that first, for 1 s at most |
//! | 2 | somebody further inside is known; fewer than 16 under way, fewer than 4 unpaid | goes on, under way |
//! | 3 | likewise, with 16 under way or 4 unpaid | charges D. Refused: 429; with nothing unpaid it first waits until one of the 16 leaves, for 1 s at most, with at most 128 others |
//! | 4 | at the gate, or a scope inside which nobody is known | exchanges what was charged outside for its own limits. Refused: 429 |
//!
//! | | on the way out: an answer, an error, a panic, a hang-up | it does |
//! | --- | --- | --- |
//! | 5 | charged by the gate, or D for the right endpoint | nothing |
//! | 6 | D was charged for another endpoint than it was routed to | exchanges it. Refused: the first charge stays, and the request is unpaid |
//! | 7 | under way | charges D. Refused: unpaid; a breach for meta limits and the log; the answer stays what it is |
//! | 8 | the same by rule 1, and nobody served it (404, 405) | the answer becomes the 429 of rule 1 |
//!
//! A denied request reaches no handler, and a decision that a storage has begun is finished even
//! if the client has gone.
//!
//! In front of a gate that was met (of several, the first), or whose name the resource has, an early
//! answer (other than 2xx, 3xx, 404, 405) and a hang-up count for the handler's own limits too, as far
//! as these call no function but a sync `key`: five wrong passwords that an inner middleware answers
//! use up `#[limit("5/minute")]`. A client without identity is then counted by its address. Where keys,
//! costs or exemptions of D are functions, they are called on the way in, because of a client that
//! hangs up, and of an error that a middleware returns, no request is left. If they are async, D is
//! charged on the way in.
//!
//! What is unpaid counts until the longest of the limits that refused it has forgotten everything, and
//! a minute at least.
//!
//! ## What stays inexact, and what to do
//!
//! Numbers are per client (the limiter's key before routing, and the address), endpoint and reset, in
//! the whole process, and only for clients beyond their limits.
//!
//! | what | how much | what to do |
//! | --- | --- | --- |
//! | early answers, hang-ups and undecorated handlers at an endpoint that has a gate too (handlers that a guard chooses between) | at most 4 too many one after another, 16 at once | decorate them all; put the middleware that answers outside the limiter, or check in an extractor |
//! | a refused request at an endpoint where nobody was served yet, a hand-registered one for example, in a program with a handler that could admit it | 1 too many, 16 at once | decorate it, or register it by attribute |
//! | `#[limit]` in front of which a middleware answers, before anybody has reached the handler, where its resource has another name | counts for D alone | leave out `name = …`, or write `#[limit]` above the route attribute |
//! | a handler that is registered by hand in a resource with a name, or in a default service of one of several scopes, before anybody has reached it | denied to clients who are beyond D | [`exempt_path`](LimiterBuilder::exempt_path), or a route attribute |
//! | default limits of a handler that keeps them | one counter for the handler, one for early answers in front of it | `application_limits`, which have one |
//! | a client with 4 unpaid requests, or who shares its key and address with one, at a decorated handler | denied by D until that resets | a key that identifies clients before the middleware runs, such as [`header`]; [`trusted_proxies`](LimiterBuilder::trusted_proxies) behind a proxy; the answering middleware outside the limiter |
//! | more than 16 of a client under way that also exceed D | wait up to 1 s each | raise D |
//! | resources of one path and method that guards choose between: one that nobody has reached yet | denied to clients who are beyond the limits of the other | [`exempt_path`](LimiterBuilder::exempt_path), or scopes with prefixes of their own |
//! | paths that an inner middleware rewrites | what D of the written path and of the real one admit together, and 4 | rewrite outside the limiter |
//! | two different limiters, one inside the other | the outer one sees no gate: all is undecorated to it | give the outer one application limits alone |
//! | more than 128 of a client that wait | denied | as above |
//! | one limiter in two apps of one process, with one pattern, decorated in one only | as the first row | a limiter for each, on one storage |
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
