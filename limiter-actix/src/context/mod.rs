//! What is known about one request and in one worker, shared by the middleware, the scopes and the
//! gate.
//!
//! It imports `identify`, `limit`, `declare`, `limiter`, `resolve` and `charge`. It must not decide
//! anything: it keeps state for `enforce`.

mod endpoint;
mod extract;
mod leftovers;
mod pool;
mod request;
mod stack;
mod worker;

pub(crate) use self::{
    endpoint::{Endpoint, Exempt, Location, is_routed},
    pool::Pool,
    request::{Charged, Client, Context},
    worker::Worker,
};
