//! Lists of networks: addresses and CIDRs.

use std::{error::Error, fmt, net::IpAddr};

use ipnet::{IpNet, Ipv4Net};

/// An entry of [`TrustedProxies::cidrs`](crate::TrustedProxies::cidrs) that is invalid; its text quotes the entry and names the
/// valid forms.
#[derive(Clone, Debug)]
pub struct TrustedProxiesError {
    entry: String,
    problem: Problem,
}

#[derive(Clone, Copy, Debug)]
enum Problem {
    Malformed,
    Everybody,
}

impl fmt::Display for TrustedProxiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            Problem::Malformed => write!(
                f,
                "expected trusted proxies as addresses or networks such as \"127.0.0.1\", \
                 \"10.0.0.0/8\" or \"2001:db8::/32\", found {:?}",
                self.entry
            ),
            Problem::Everybody => write!(
                f,
                "expected the networks of your own proxies, found {:?}, which contains \
                 every client: any client could choose its address; where the addresses of \
                 proxies change, use `TrustedProxies::hops`",
                self.entry
            ),
        }
    }
}

impl Error for TrustedProxiesError {}

/// Addresses and CIDRs, in the form that peers are compared in.
pub(crate) fn networks<I>(entries: I) -> Result<Vec<IpNet>, TrustedProxiesError>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    entries.into_iter().map(|entry| network(entry.as_ref())).collect()
}

pub(super) fn network(entry: &str) -> Result<IpNet, TrustedProxiesError> {
    let error = |problem| TrustedProxiesError { entry: entry.to_owned(), problem };
    let text = entry.trim();
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address.to_canonical()),
        Err(_) => text.parse().map_err(|_| error(Problem::Malformed))?,
    };
    let network = unmapped(network);
    if network.prefix_len() == 0 { Err(error(Problem::Everybody)) } else { Ok(network) }
}

/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`: peers are compared in that form.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    match (mapped.addr().to_ipv4_mapped(), mapped.prefix_len().checked_sub(96)) {
        (Some(address), Some(prefix)) => Ipv4Net::new(address, prefix).map_or(network, IpNet::V4),
        _ => network,
    }
}
