//! Where counters are kept: opened from a URI, read and charged.
//!
//! It imports `error` alone. It must not know requests, limits of an app or the limiter: a URI and a
//! few defaults go in, a storage comes out. What needs a remote storage is in `remote`; `absent` takes
//! its place where none is built in.

#[cfg(not(feature = "redis"))]
mod absent;
mod ask;
mod defaults;
mod open;
#[cfg(feature = "redis")]
mod remote;

#[cfg(not(feature = "redis"))]
pub(crate) use self::absent::RemoteOptions;
#[cfg(feature = "redis")]
pub(crate) use self::remote::RemoteOptions;
pub(crate) use self::{
    ask::{apply, charge_up_to, decide_one},
    defaults::StorageDefaults,
    open::{StorageChoice, Store},
};
