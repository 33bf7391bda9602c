//! Who is never limited, and who is never let in: filters and lists, before anything is counted.

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use actix_web::HttpRequest;
use ipnet::IpNet;
use limiter_core::Key;

use crate::{charge::limiter_key, limiter::Inner};

/// Filters and lists of a limiter.
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

/// Paths that the limiter's own limits leave alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExemptPaths {
    written: Vec<String>,
    exact: HashSet<String>,
    /// With a slash at the end.
    prefixes: Vec<String>,
}

impl ExemptPaths {
    pub(crate) fn add(&mut self, path: String) {
        if let Some(prefix) = path.strip_suffix('*') {
            self.prefixes.push(prefix.to_owned());
        } else {
            self.exact.insert(path.clone());
        }
        self.written.push(path);
    }

    /// What is wrong, if something is.
    pub(crate) fn check(&self) -> Result<(), String> {
        for path in &self.written {
            if !path.starts_with('/') {
                return Err(format!("expected a path that starts with `/`, found `{path}`"));
            }
            if path.strip_suffix("/*").unwrap_or(path).contains('*') {
                return Err(format!(
                    "expected `*` after the last `/` alone, as in `/static/*`, found `{path}`"
                ));
            }
        }
        Ok(())
    }

    /// Whether a path, percent-decoded, is one of them.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.exact.contains(path) || self.prefixes.iter().any(|prefix| path.starts_with(prefix))
    }

    /// As they were written.
    #[cfg(feature = "cli")]
    pub(crate) fn written(&self) -> &[String] {
        &self.written
    }
}

/// What filters and lists say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// To be limited, like most.
    Limit,
    /// Never limited.
    LetThrough,
    /// Never let in.
    Deny,
}

impl Access {
    /// A denial is stronger than an allowance, and both are stronger than a filter.
    #[inline]
    pub(crate) fn verdict(&self, limiter: &Inner, request: &HttpRequest) -> Verdict {
        if self.filters.is_empty() && self.allowed.is_empty() && self.denied.is_empty() {
            return Verdict::Limit;
        }
        self.look_up(limiter, request)
    }

    fn look_up(&self, limiter: &Inner, request: &HttpRequest) -> Verdict {
        let lists = [&self.denied, &self.allowed];
        let has_networks = lists.iter().any(|list| !list.networks.is_empty());
        let has_keys = lists.iter().any(|list| !list.keys.is_empty());
        let address =
            has_networks.then(|| limiter.settings.identity.client_address(request)).flatten();
        let key = has_keys.then(|| limiter_key(limiter, request)).flatten();
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
    /// Each option, and what it is.
    pub(crate) fn described(&self) -> [(&'static str, String); 5] {
        let networks = |list: &List| {
            let networks: Vec<String> = list.networks.iter().map(IpNet::to_string).collect();
            if networks.is_empty() { "none".to_owned() } else { networks.join(", ") }
        };
        // Keys are clients, and not to be read in a terminal.
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
