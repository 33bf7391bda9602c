//! Whose forwarding headers are trusted: those of our own proxies, and no others.
//!
//! A forwarding header is a chain that grows to the right: each proxy appends the address that it
//! was called from. Everything left of the first address that is not one of ours was written by an
//! unknown party. So the chain is walked strictly from right to left, beginning with the peer of
//! the connection:
//!
//! | the chain, right to left | the client |
//! | --- | --- |
//! | the peer is not a trusted proxy | the peer; the header is not read |
//! | trusted proxies, then another address | that address |
//! | trusted proxies only | the left-most of them |
//! | trusted proxies, then `unknown`, `_hidden` or something malformed | unknown |
//! | no peer address (a Unix socket), no hops configured | none |
//!
//! In the last two rows there is *no identity*, and the limiter's policy for a missing identity
//! applies. If the proxy's own address were used, all clients behind it would share one counter; if
//! the next entry to the left were used, a client could choose its address.
//!
//! Repeated header lines form one chain, in their order (RFC 9110, section 5.3). Empty entries add
//! no hop (RFC 9110, section 5.6.1.2: an empty list element is no element): a proxy that does not
//! know its client has to write `unknown`. IPv4-mapped IPv6 addresses count as IPv4 addresses, for
//! trust as well as for identity; other IPv6 addresses do not (nor does NAT64).
//!
//! Only the right-most [`MAX_BYTES`] bytes of a chain are examined, so the cost of a request does
//! not grow with what a client sends.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

use super::{
    chain::{Chain, ForwardingHeader},
    networks::{TrustedProxiesError, networks},
};

/// The proxies whose forwarding headers are trusted.
///
/// By default none is trusted: the client is the peer of the connection, and no header changes
/// that. Behind a reverse proxy, configure it: by its address or network if those are known,
/// otherwise by the number of hops.
///
/// ```
/// use limiter_actix::{ForwardingHeader, TrustedProxies};
///
/// // nginx on this machine, and load balancers in a private network.
/// let proxies = TrustedProxies::cidrs(["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"])?;
///
/// // A platform whose proxies have changing addresses, but there is always exactly one.
/// let platform = TrustedProxies::hops(1);
///
/// // A proxy that writes the header of RFC 7239.
/// let standard = TrustedProxies::hops(1).header(ForwardingHeader::Forwarded);
///
/// let error = TrustedProxies::cidrs(["10.0.0.0/33"]).unwrap_err();
/// assert!(error.to_string().contains("\"10.0.0.0/33\""));
/// # Ok::<(), limiter_actix::TrustedProxiesError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    trust: Trust,
    header: ForwardingHeader,
    /// Whether the mistake "two headers that disagree" was logged: once is enough, and clients can
    /// provoke it.
    reported: Arc<AtomicBool>,
}

impl TrustedProxies {
    /// None: the peer of the connection is the client, whatever the headers contain. The default.
    pub fn none() -> Self {
        Self::default()
    }

    /// Proxies by address (`"127.0.0.1"`, `"2001:db8::1"`) or network (`"10.0.0.0/8"`).
    ///
    /// An empty list trusts no proxy.
    ///
    /// # Errors
    /// If an entry is neither an address nor a network, or is the network of all addresses (`/0`):
    /// that would trust the left-most entry, which the client writes itself.
    ///
    /// ```
    /// use limiter_actix::TrustedProxies;
    ///
    /// assert!(TrustedProxies::cidrs(["10.0.0.0/8", "::1"]).is_ok());
    /// assert_eq!(
    ///     TrustedProxies::cidrs(["proxy.internal"]).unwrap_err().to_string(),
    ///     "expected trusted proxies as addresses or networks such as \"127.0.0.1\", \
    ///      \"10.0.0.0/8\" or \"2001:db8::/32\", found \"proxy.internal\"",
    /// );
    /// ```
    pub fn cidrs<I>(entries: I) -> Result<Self, TrustedProxiesError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let networks = networks(entries)?.into_boxed_slice();
        Ok(Self { trust: Trust::Networks(networks), ..Self::default() })
    }

    /// The `hops` right-most addresses are our proxies, whatever they are. The peer of the
    /// connection is the first of them, even if it has no address, as on a Unix socket.
    ///
    /// With `hops(1)` the client is the right-most entry of the header, with `hops(2)` the one
    /// before it. This is only correct if *every* request passes exactly this number of proxies: a
    /// client that reaches the server, or an inner proxy, past one of them can choose its own
    /// address. Prefer [`cidrs`](Self::cidrs) if the addresses are known.
    ///
    /// `hops(0)` trusts no proxy.
    pub fn hops(hops: usize) -> Self {
        Self { trust: Trust::Hops(hops), ..Self::default() }
    }

    /// The header that the proxies write. The default is `X-Forwarded-For`, the most common one.
    ///
    /// Exactly one header is read: most proxies pass on a header that they do not write, so the
    /// other one comes from the client. If both are present and disagree, the configured one wins,
    /// and a warning is logged once.
    #[must_use]
    pub fn header(self, header: ForwardingHeader) -> Self {
        Self { header, ..self }
    }

    pub(crate) fn trusts_none(&self) -> bool {
        match &self.trust {
            Trust::Hops(hops) => *hops == 0,
            Trust::Networks(networks) => networks.is_empty(),
        }
    }

    /// The client of a request that came in from `peer`.
    pub(crate) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> ClientAddress {
        // A dual-stack listener reports IPv4 peers as IPv4-mapped IPv6 addresses.
        let peer = peer.map(|address| address.to_canonical());
        if !self.trusts(0, peer) {
            return ClientAddress::from_peer(peer);
        }
        let client = self.walk(peer, self.header, headers);
        self.report_disagreement(client, peer, headers);
        client
    }

    /// Follows the chain of one header from the right, up to the first address that is not ours.
    fn walk(
        &self,
        peer: Option<IpAddr>,
        header: ForwardingHeader,
        headers: &HeaderMap,
    ) -> ClientAddress {
        let mut client = ClientAddress::from_peer(peer);
        for (hop, address) in (1..).zip(Chain::new(header, headers)) {
            let Ok(address) = address else { return ClientAddress::Unknown };
            client = ClientAddress::Address(address);
            if !self.trusts(hop, Some(address)) {
                break;
            }
        }
        client
    }

    /// Whether an address is ours. Hop 0 is the peer of the connection, hop 1 the right-most
    /// entry of the header.
    fn trusts(&self, hop: usize, address: Option<IpAddr>) -> bool {
        match &self.trust {
            Trust::Hops(hops) => hop < *hops,
            Trust::Networks(networks) => address
                .is_some_and(|address| networks.iter().any(|network| network.contains(&address))),
        }
    }

    fn report_disagreement(
        &self,
        client: ClientAddress,
        peer: Option<IpAddr>,
        headers: &HeaderMap,
    ) {
        let other = self.header.other();
        if self.reported.load(Ordering::Relaxed) || !headers.contains_key(other.name()) {
            return;
        }
        if self.walk(peer, other, headers) != client && !self.reported.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "a trusted proxy sent `{other}`, which names another client than `{configured}` \
                 and is ignored; if your proxies write `{other}`, configure it with \
                 `TrustedProxies::header`; if they do not, have them remove it (logged once)",
                configured = self.header,
            );
        }
    }
}

/// The client of a request, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAddress {
    /// The address; never an IPv4-mapped one.
    Address(IpAddr),
    /// Our own proxies do not report it: the chain ends in `unknown`, in an obfuscated name or in
    /// something malformed.
    Unknown,
    /// The connection has no address, as on a Unix socket.
    NoPeer,
}

impl ClientAddress {
    fn from_peer(peer: Option<IpAddr>) -> Self {
        peer.map_or(Self::NoPeer, Self::Address)
    }
}

/// In a readable form: `10.0.0.0/8, 127.0.0.1/32 by X-Forwarded-For`.
impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.trust {
            Trust::Hops(0) => return f.write_str("none"),
            Trust::Hops(hops) => write!(f, "{hops} hops")?,
            Trust::Networks(networks) => {
                let networks: Vec<String> = networks.iter().map(IpNet::to_string).collect();
                f.write_str(&networks.join(", "))?;
            }
        }
        write!(f, " by {}", self.header)
    }
}

#[derive(Clone, Debug)]
enum Trust {
    Networks(Box<[IpNet]>),
    Hops(usize),
}

/// No proxy.
impl Default for Trust {
    fn default() -> Self {
        Self::Hops(0)
    }
}
