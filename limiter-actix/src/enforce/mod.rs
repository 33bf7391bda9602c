//! Who charges a request, when, and what becomes of it. The code is the table of the crate
//! documentation:
//!
//! | rules | where |
//! | --- | --- |
//! | 1 to 3, the way in | `enter`; who may stand further inside, `pardon` |
//! | 4, the exchange | `decide`; finished whoever waits, `unstoppable` |
//! | 5 to 8, the way out | `finish`, `leave` |
//! | a refusal becomes a response | `deny` |
//! | one turn of the middleware or a scope | `turn` |
//! | who stands where | `middleware`, `scope`, `gate`, `block` |
//!
//! It imports all rooms below it but `config`. It must not know storages, strategies or notation, and
//! nothing here asks what an earlier request was charged.

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
