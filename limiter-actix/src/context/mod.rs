//! What one request and one worker know, between the middleware, the scopes and the gate.
//!
//! It imports the rooms from `identify` to `charge`, but `config`. It must not decide anything: it
//! remembers for those in `enforce`.

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
