//! Where counters are kept: storages are opened from a URI, and called.
//!
//! It imports `error` alone. It must not know requests, limits of an app or the limiter: it gets a
//! URI and a few defaults, and returns a storage. Code that needs a remote storage is in `remote`;
//! `absent` replaces it if none is built in.

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
