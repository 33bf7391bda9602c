//! Identifies clients: keys, addresses behind trusted proxies, allow and deny lists.
//!
//! It imports no other room: only the keys of `limiter-core`, and the requests of Actix. It must
//! not know limits, limiters or their settings: a limiter passes its configuration in.

mod access;
mod address;
mod header;
mod identity;
mod key_by;
mod proxy;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    access::{Access, Verdict},
    address::Addresses,
    identity::{Identity, LimiterKey},
    proxy::networks,
};
pub use self::{
    address::{Network, client_ip, client_network, peer_ip, peer_network},
    header::{Header, SecretHeader, header, secret_header},
    identity::MissingIdentity,
    key_by::{KeyBy, everyone},
    proxy::{ForwardingHeader, TrustedProxies, TrustedProxiesError},
};
