//! The client's address as trusted proxies report it.
//!
//! It imports nothing of the crate. It must not know keys or limits: it gets what a client sent,
//! and returns an address, or the reason why there is none.

mod chain;
mod networks;
mod node;
#[cfg(test)]
mod tests;
mod trust;

pub use self::{chain::ForwardingHeader, networks::TrustedProxiesError, trust::TrustedProxies};
pub(crate) use self::{networks::networks, trust::ClientAddress};
