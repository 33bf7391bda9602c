//! Counters in Redis or Valkey, for services with more than one process.
//!
//! # How a batch is decided
//!
//! One script decides a whole batch where the state is: **one round trip**, whatever the number of
//! limits, atomic by Redis' own rules, and timed by the server's clock, so that machines whose
//! clocks differ count alike. The script admits and charges exactly as the strategies of
//! [`crate::strategy`] do. What remains and how long to wait is computed by these strategies, in
//! this process, from the counters that the script found. The tests compare both to the
//! microsecond; if they ever disagree about an admission, the result is an error. The script is in
//! the folder `lua`, one file for each strategy, and only those that a call needs are sent.
//!
//! Requests of the same moment share one call: their batches are decided one after the other, each
//! all or nothing by itself. A single request is sent at once, because no timer is waited for. A
//! call has at most 64 batches or 96 charges of several, so it never blocks the server for long.
//! Calls are pipelined on one connection per runtime, which is made at the first request and
//! replaced when it breaks. A request that is dropped half-way leaves it usable; if it was not sent
//! yet, it is not counted.
//!
//! # What is stored
//!
//! One key per limit and client: `<prefix>{<client>}<digest of the limit>`. The braces make all
//! counters of a client live in one slot of a cluster. The client is in the form of
//! [`Key::to_bytes`](crate::Key::to_bytes), where secrets are digests. Every key expires when its
//! counter is over, and every hit sets that time again.
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
//! reads and writes fastest; a list holds texts. The amount of a limit is not stored: after a
//! change of plan the used cost stays used.
//!
//! If another value has the name of a counter, the requests that meet it get an error of the
//! storage, and the value is deleted: the next request starts a new counter.
//!
//! # What differs on a cluster
//!
//! A batch over several clients, as with a shared limit that counts everyone as one, spans slots,
//! and a script cannot. The slots are called side by side; if one denies, what the others took is
//! given back. Until then it counts, which may deny another request that would just have fitted. It
//! never admits one too many.
//!
//! Requests do not share calls there: a call is for one slot, and most clients are in different
//! ones. The same holds where a single address turns out to refuse what spans slots (`CROSSSLOT`),
//! as a node of a cluster or a proxy before one does.
//!
//! The cluster client repeats a call whose connection broke, and cannot know whether it had been
//! counted: during a failover a hit may count twice, which denies too early and never admits one
//! too many.
//!
//! # Limits of this storage
//!
//! Windows, and the time in which an empty bucket refills, are at most about 71 years
//! (2⁵¹ microseconds): numbers in Lua are exact no further. [`RedisStorage`] refuses the rest when
//! a limiter is built.
//!
//! # Memory of the server
//!
//! Every counter expires, so with any `maxmemory-policy` but `noeviction` a full server removes
//! counters in use, and their clients get a new quota. Beside the first request the storage reads
//! the policy of every primary, once, and logs a warning. With `noeviction` a full server returns
//! an error, and the failure policy decides. A server that does not show its configuration is
//! skipped.
//!
//! # TLS
//!
//! With `rediss` or `valkeys` every connection is encrypted: to a server, to all nodes of a
//! cluster, to the sentinels and to the servers that they name. Certificates must be signed by an
//! authority that the system trusts; where TLS is that of `rustls`, the variable `SSL_CERT_FILE` of
//! the environment names a file of other authorities. Certificates of your own, for one server,
//! take a [client](RedisStorage::from_client).
//!
//! # Rights
//!
//! An ACL user needs `~<prefix>*` and `+eval +evalsha +time +mget +exists +set +del +lindex +llen
//! +lrange +lset +ltrim +lrem +rpush +pexpire`; for clearing also `+scan +unlink`, for a cluster
//! `+cluster|slots`, and for [`RedisStorage::ping`] `+ping`. With `+config|get` the storage can
//! warn of a server that would remove counters in use.
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
