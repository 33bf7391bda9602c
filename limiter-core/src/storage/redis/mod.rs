//! Counters in Redis or Valkey, for services with more than one process.
//!
//! # How a batch is decided
//!
//! One script decides a whole batch where the state is: **one round trip**, whatever the number of
//! limits, atomic by Redis' own rules, and timed by the server's clock, so that machines whose
//! clocks differ count alike. The script admits and charges by the strategies of
//! [`crate::strategy`], exactly; what remains and how long to wait the strategies themselves tell,
//! here, from the counters that the script found. The tests compare both to the microsecond, and
//! where they differ over who is admitted, the answer is an error. It lies in the folder `lua`, a file
//! for each strategy, and only those of a call are sent to run.
//!
//! Requests that ask at the same moment share one call: their batches are decided one after the
//! other, each all or nothing by itself. A request that is alone goes at once, for no timer is waited
//! for, and a call has at most 64 batches or 96 charges of several, so that the server is never held
//! up. Calls are pipelined on one connection per runtime, which is made at the first request and made
//! anew when it breaks. A request that is dropped half-way leaves it usable; if it was not sent yet,
//! it is not counted.
//!
//! # What is stored
//!
//! One key per limit and client: `<prefix>{<client>}<digest of the limit>`. The braces make all
//! counters of a client live in one slot of a cluster. The client is in the form of
//! [`Key::to_bytes`](crate::Key::to_bytes), where secrets are digests. Every key expires when it
//! means nothing any more, and every hit says anew when that is.
//!
//! | strategy | value |
//! | --- | --- |
//! | fixed window | `ends_at`, `used` |
//! | sliding window counter | `started_at`, `previous`, `current` |
//! | token bucket | `full_at`, `fraction` |
//! | moving window | a list: the sum of all costs, then one entry a hit |
//!
//! Moments are microseconds since the UNIX epoch. The numbers of the first three are packed doubles
//! of 8 bytes each, little-endian (`struct.unpack('<dd', value)` in Lua), which is what the script
//! reads and writes fastest; a list holds texts. The amount of a limit is not stored: a new plan
//! goes on from what was used.
//!
//! Something else under the name of a counter is an error of the storage for those who ask for it,
//! and is deleted: the next request finds nothing there.
//!
//! # What differs on a cluster
//!
//! A batch over several clients, as with a shared limit that counts everyone as one, spans slots,
//! and no script does. The slots are asked side by side; if one denies, what the others took is
//! given back. For a moment it counts for others too, which may deny a request that would just have
//! fitted, and never admits one too many.
//!
//! Requests do not share calls there: a call is for one slot, and most clients are in different ones.
//! The same holds where a single address turns out to refuse what spans slots (`CROSSSLOT`), as a
//! node of a cluster or a proxy before one does.
//!
//! The cluster client repeats a call whose connection broke, and cannot know whether it had been
//! counted: during a failover a hit may count twice, which denies too early and never admits one too
//! many.
//!
//! # Limits of this storage
//!
//! Windows, and the time in which an empty bucket refills, are at most about 71 years
//! (2⁵¹ microseconds): numbers in Lua are exact no further. [`RedisStorage`] refuses the rest when
//! a limiter is built.
//!
//! # Memory of the server
//!
//! Every counter expires, and so any `maxmemory-policy` but `noeviction` lets a server that is full
//! remove counters which are in use: whoever had one begins anew. Whether it would is asked once,
//! beside the first request, of every primary, and warned of in the log. With `noeviction` a full
//! server says so, and the failure policy decides. A server that does not tell its configuration is
//! taken as it is.
//!
//! # TLS
//!
//! With `rediss` or `valkeys` every connection is encrypted: to a server, to all nodes of a cluster,
//! to the sentinels and to the servers that they name. Certificates must be of an authority that the
//! system trusts; where TLS is that of `rustls`, the variable `SSL_CERT_FILE` of the environment
//! names a file of other authorities. Certificates of your own, for one server, take a
//! [client](RedisStorage::from_client).
//!
//! # Rights
//!
//! An ACL user needs `~<prefix>*` and `+eval +evalsha +time +mget +exists +set +del +lindex +llen
//! +lrange +lset +ltrim +lrem +rpush +pexpire`; for clearing `+scan +unlink` besides, for a cluster
//! `+cluster|slots`, and for [`RedisStorage::ping`] `+ping`. With `+config|get` it can be warned of
//! counters that the server would remove.
//!
//! # What this folder may know
//!
//! Only these files speak to a server, and only `lua` writes its keys. They import everything below
//! storages and the [contract](super::Storage) that they fulfil. They must not know the storages
//! that may stand around this one: what happens when no server answers is decided there.

mod answer;
mod batch;
mod builder;
mod call;
mod clear;
mod connection;
mod connections;
mod decide;
mod eviction;
mod gather;
mod key_name;
mod nodes;
mod refusal;
mod replay;
mod script;
mod servers;
mod source;
mod storage;
mod unpack;
mod uri;

pub use self::{builder::RedisStorageBuilder, storage::RedisStorage};
