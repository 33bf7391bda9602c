//! Which enforcer charges a request, when, and what happens to the request. The code follows the
//! table of the crate documentation:
//!
//! | rules | where |
//! | --- | --- |
//! | 1 to 3, the way in | `enter`; which inner enforcers may admit a request, `pardon` |
//! | 4, the exchange | `decide`; decisions that complete even if the client hangs up, `unstoppable` |
//! | 5 to 8, the way out | `finish`, `leave` |
//! | a refusal becomes a response | `deny` |
//! | one turn of the middleware or of a scope | `turn` |
//! | the enforcers | `middleware`, `scope`, `gate`, `block` |
//!
//! It imports `identify`, `limit`, `answer`, `declare`, `limiter`, `resolve`, `charge` and `context`.
//! It must not know how a storage is opened or what it is made of, and no decision here depends on
//! what an earlier request was charged.

mod block;
mod decide;
mod deny;
mod enter;
mod finish;
mod future;
mod gate;
mod leave;
mod middleware;
mod pardon;
mod scope;
mod turn;
mod unstoppable;

pub use self::{
    block::{BlockError, BlockLimit},
    gate::Gate,
    middleware::RateLimit,
};
