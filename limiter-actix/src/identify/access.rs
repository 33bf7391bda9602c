//! Allow lists, deny lists and request filters: read before anything is counted.

use std::{net::IpAddr, sync::Arc};

use actix_web::HttpRequest;
use ipnet::IpNet;
use limiter_core::Key;

use super::identity::Identity;

/// The filters and lists of a limiter.
#[derive(Default)]
pub(crate) struct Access {
    pub(crate) filters: Vec<Arc<Filter>>,
    pub(crate) allowed: List,
    pub(crate) denied: List,
}

pub(crate) type Filter = dyn Fn(&HttpRequest) -> bool + Send + Sync;

/// Networks and keys.
#[derive(Default)]
pub(crate) struct List {
    pub(crate) networks: Vec<IpNet>,
    pub(crate) keys: Vec<Key>,
}

/// The result of filters and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Limited as usual.
    Limit,
    /// Exempt: allow list or filter.
    LetThrough,
    /// Denied: deny list.
    Deny,
}

impl Access {
    /// Deny lists take precedence over allow lists, and both over filters.
    #[inline]
    pub(crate) fn verdict(&self, identity: &Identity, request: &HttpRequest) -> Verdict {
        if self.filters.is_empty() && self.allowed.is_empty() && self.denied.is_empty() {
            return Verdict::Limit;
        }
        self.look_up(identity, request)
    }

    fn look_up(&self, identity: &Identity, request: &HttpRequest) -> Verdict {
        let lists = [&self.denied, &self.allowed];
        let has_networks = lists.iter().any(|list| !list.networks.is_empty());
        let has_keys = lists.iter().any(|list| !list.keys.is_empty());
        let address = has_networks.then(|| identity.addresses.client_address(request)).flatten();
        let key = has_keys.then(|| identity.key(request)).flatten();
        if self.denied.has(address, key.as_ref()) {
            Verdict::Deny
        } else if self.allowed.has(address, key.as_ref())
            || self.filters.iter().any(|filter| filter(request))
        {
            Verdict::LetThrough
        } else {
            Verdict::Limit
        }
    }
}

#[cfg(feature = "cli")]
impl Access {
    /// Each option and its value.
    pub(crate) fn described(&self) -> [(&'static str, String); 5] {
        let networks = |list: &List| {
            let networks: Vec<String> = list.networks.iter().map(IpNet::to_string).collect();
            if networks.is_empty() { "none".to_owned() } else { networks.join(", ") }
        };
        // Keys identify clients, and should not be shown in a terminal.
        [
            ("request_filter", self.filters.len().to_string()),
            ("allow_networks", networks(&self.allowed)),
            ("allow_keys", self.allowed.keys.len().to_string()),
            ("deny_networks", networks(&self.denied)),
            ("deny_keys", self.denied.keys.len().to_string()),
        ]
    }
}

impl List {
    fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.keys.is_empty()
    }

    pub(crate) fn has(&self, address: Option<IpAddr>, key: Option<&Key>) -> bool {
        address.is_some_and(|address| self.networks.iter().any(|net| net.contains(&address)))
            || key.is_some_and(|key| self.keys.contains(key))
    }
}
