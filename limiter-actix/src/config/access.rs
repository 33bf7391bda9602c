//! Options: which clients are exempt, and which are denied.

use std::sync::Arc;

use actix_web::HttpRequest;
use limiter_core::Key;

use super::builder::LimiterBuilder;
use crate::identify::networks;

impl LimiterBuilder {
    /// Requests for which the function returns `true` are never limited. With several filters, one
    /// match is enough. Default: none.
    pub fn request_filter(
        mut self,
        filter: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.access.filters.push(Arc::new(filter));
        self
    }

    /// Networks whose clients are never limited: addresses or CIDRs. The address is that of the
    /// peer, or the one that [trusted proxies](Self::trusted_proxies) report. Default: none.
    pub fn allow_networks(mut self, networks: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        match self::networks(networks) {
            Ok(networks) => self.access.allowed.networks.extend(networks),
            Err(error) => self.bad_networks = Some(("allow_networks", error)),
        }
        self
    }

    /// Networks whose clients get 403, before anything is counted. Deny lists take precedence over
    /// allow lists and filters. Default: none.
    pub fn deny_networks(mut self, networks: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        match self::networks(networks) {
            Ok(networks) => self.access.denied.networks.extend(networks),
            Err(error) => self.bad_networks = Some(("deny_networks", error)),
        }
        self
    }

    /// Clients, by the limiter's [key](Self::key), that are never limited. Default: none.
    pub fn allow_keys(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.access.allowed.keys.extend(keys);
        self
    }

    /// Clients, by the limiter's [key](Self::key), that get 403. Deny lists take precedence over
    /// allow lists and filters. Default: none.
    pub fn deny_keys(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.access.denied.keys.extend(keys);
        self
    }
}
