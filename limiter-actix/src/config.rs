//! The options of a limiter, and what is checked before the first request.

use std::{error::Error, fmt, sync::Arc};

use actix_web::{HttpRequest, dev::ResponseHead};
use limiter_core::{Clock, Key, Scope, Storage, Strategy, clock::MonotonicClock};

use crate::{
    access::{Access, ExemptPaths},
    breach::{Breach, IntoBreachResponse},
    function::{Cost, Function, IntoCost, IntoLimits, LimitTexts},
    headers::Headers,
    key_by::{IdentityConfig, KeyBy},
    limiter::Limiter,
    meta::MetaLimit,
    proxy::{self, TrustedProxies, TrustedProxiesError},
    record::{HandlerRecord, handlers},
    rule::{LimitTerms, OnBreach, Text, check_quota},
    store::{Owner, RemoteOptions, StorageChoice},
};

/// Who is counted where a limit has no key of its own.
#[derive(Clone)]
pub(crate) enum LimiterKey {
    /// The peer: told by the connection alone, so the gate may use what the middleware was told.
    Peer,
    /// Whoever the user's function says.
    Custom(Arc<CustomKey>),
}

type CustomKey = dyn Fn(&HttpRequest) -> Option<Key> + Send + Sync;

/// What happens to a request of which no key can be told.
///
/// There is no default of "unlimited": a request without identity is denied unless you choose
/// otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingIdentity {
    /// Answer 403. The default.
    #[default]
    Deny,
    /// Count all of them as one client with this key.
    Fallback(Key),
    /// Leave out the limits whose key is missing, as the reference does. Only where a request
    /// without identity is stopped by somebody else.
    Skip,
}

/// What happens to a request for which a function returns a limit that cannot be parsed or
/// enforced. Either way it is logged, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidLimit {
    /// As if the function had returned nothing: the other limits of the handler apply, and the
    /// default limits. The default.
    #[default]
    Defaults,
    /// The request is answered with 500. Choose it where there are no default limits to fall back
    /// to.
    Deny,
}

/// Everything that was configured.
pub(crate) struct Settings {
    pub(crate) enabled: bool,
    pub(crate) strategy: Strategy,
    pub(crate) key_prefix: String,
    pub(crate) defaults: LimitClass,
    pub(crate) application: LimitClass,
    pub(crate) headers: Headers,
    pub(crate) fail_on_first_breach: bool,
    pub(crate) identity: IdentityConfig,
    pub(crate) key: LimiterKey,
    /// Whether the key is a function of the user's own, which may ask what inner middleware wrote
    /// down.
    pub(crate) key_is_custom: bool,
    /// What the compiler calls the type of the key function.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only people ask for it"))]
    pub(crate) key_name: &'static str,
    pub(crate) missing_identity: MissingIdentity,
    pub(crate) exempt_paths: ExemptPaths,
    pub(crate) limit_unmatched: bool,
    pub(crate) meta_limits: Vec<MetaLimit>,
    pub(crate) on_breach: Option<OnBreach>,
    pub(crate) on_meta_breach: Option<OnBreach>,
    pub(crate) invalid_dynamic_limit: InvalidLimit,
    pub(crate) access: Access,
    pub(crate) clock: Arc<dyn Clock>,
    /// Handlers that share their path with another one, such as methods of one name on two types:
    /// the path alone would make them share their counters.
    pub(crate) namesakes: Vec<&'static HandlerRecord>,
}

/// Limits that belong to the limiter: the defaults, or the application's.
pub(crate) struct LimitClass {
    pub(crate) texts: Vec<Text>,
    pub(crate) terms: LimitTerms,
}

impl Settings {
    /// The first parts of every scope of this limiter.
    pub(crate) fn scope(&self, kind: &str) -> Scope {
        Scope::new(&self.key_prefix).part(kind)
    }

    /// The scope of a handler's own limits.
    pub(crate) fn handler_scope(&self, record: &'static HandlerRecord) -> Scope {
        self.scope_of_handler("handler", record)
    }

    /// The scope of one kind of limits of a handler.
    pub(crate) fn scope_of_handler(&self, kind: &str, record: &'static HandlerRecord) -> Scope {
        let scope = self.scope(kind).part(record.handler());
        match self.namesakes.iter().position(|namesake| std::ptr::eq(*namesake, record)) {
            Some(index) => scope.part(&index.to_string()),
            None => scope,
        }
    }
}

/// Collects the options of a [`Limiter`]. Every option states its default.
#[must_use = "a builder does nothing until it is built"]
pub struct LimiterBuilder {
    defaults: Written,
    application: Written,
    enabled: bool,
    strategy: Strategy,
    key_prefix: String,
    headers: Headers,
    fail_on_first_breach: bool,
    identity: IdentityConfig,
    key: Option<LimiterKey>,
    key_name: &'static str,
    missing_identity: MissingIdentity,
    exempt_paths: ExemptPaths,
    limit_unmatched: bool,
    meta_limits: Vec<MetaLimit>,
    on_breach: Option<OnBreach>,
    on_meta_breach: Option<OnBreach>,
    invalid_dynamic_limit: InvalidLimit,
    access: Access,
    /// The first list of networks that cannot be read.
    bad_networks: Option<(&'static str, TrustedProxiesError)>,
    clock: Option<Arc<dyn Clock>>,
    storage: StorageChoice,
    pub(crate) remote: RemoteOptions,
}

/// A class of limits as written.
#[derive(Default)]
struct Written {
    texts: Vec<LimitTexts>,
    terms: LimitTerms,
}

impl LimiterBuilder {
    pub(crate) fn new() -> Self {
        Self {
            defaults: Written::default(),
            application: Written::default(),
            enabled: true,
            strategy: Strategy::FixedWindow,
            key_prefix: String::new(),
            headers: Headers::off(),
            fail_on_first_breach: true,
            identity: IdentityConfig::default(),
            key: None,
            key_name: "",
            missing_identity: MissingIdentity::Deny,
            exempt_paths: ExemptPaths::default(),
            limit_unmatched: true,
            meta_limits: Vec::new(),
            on_breach: None,
            on_meta_breach: None,
            invalid_dynamic_limit: InvalidLimit::Defaults,
            access: Access::default(),
            bad_networks: None,
            clock: None,
            storage: StorageChoice::Uri("memory://".to_owned()),
            remote: RemoteOptions::default(),
        }
    }

    /// Limits of every endpoint that declares none of its own, each endpoint with counters of its
    /// own: a list of texts, each of which may hold several limits, or a [function of the
    /// request](IntoLimits). A decorated handler keeps them if all its limits say
    /// `override_defaults = false`. Default: none.
    ///
    /// Functions here and in the following options are asked before routing, so they should look
    /// at the connection and the headers only; and they may be asked twice per request.
    pub fn default_limits<F>(mut self, limits: impl IntoLimits<F>) -> Self {
        self.defaults.texts.push(limits.into_limits());
        self
    }

    /// Whether a decorated handler that serves several methods has default counters per method.
    /// Endpoints without attributes always do. Default: no.
    pub fn default_limits_per_method(mut self, per_method: bool) -> Self {
        self.defaults.terms.per_method = per_method;
        self
    }

    /// What a request costs under the default limits: a number or a function of the request.
    /// Default: 1.
    pub fn default_limits_cost<F>(mut self, cost: impl IntoCost<F>) -> Self {
        self.defaults.terms.cost = cost.into_cost().0;
        self
    }

    /// Which requests the default limits leave alone. Default: none.
    pub fn default_limits_exempt_when(
        mut self,
        exempt: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.defaults.terms.exempt_when = Some(Function::Given(Arc::new(exempt)));
        self
    }

    /// Which responses the default limits charge: the cost is taken before the handler runs, and
    /// given back where the function says no. Default: all.
    pub fn default_limits_deduct_when(
        mut self,
        deduct: impl Fn(&ResponseHead) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.defaults.terms.deduct_when = Some(Arc::new(deduct));
        self
    }

    /// Limits with one counter for all endpoints together, per client: a list of texts, or a
    /// [function of the request](IntoLimits). Default: none.
    pub fn application_limits<F>(mut self, limits: impl IntoLimits<F>) -> Self {
        self.application.texts.push(limits.into_limits());
        self
    }

    /// Whether each method has application counters of its own. Default: no.
    pub fn application_limits_per_method(mut self, per_method: bool) -> Self {
        self.application.terms.per_method = per_method;
        self
    }

    /// What a request costs under the application limits: a number or a function of the request.
    /// Default: 1.
    pub fn application_limits_cost<F>(mut self, cost: impl IntoCost<F>) -> Self {
        self.application.terms.cost = cost.into_cost().0;
        self
    }

    /// Which requests the application limits leave alone. Default: none.
    pub fn application_limits_exempt_when(
        mut self,
        exempt: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.application.terms.exempt_when = Some(Function::Given(Arc::new(exempt)));
        self
    }

    /// Which responses the application limits charge, as
    /// [`default_limits_deduct_when`](Self::default_limits_deduct_when). Default: all.
    pub fn application_limits_deduct_when(
        mut self,
        deduct: impl Fn(&ResponseHead) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.application.terms.deduct_when = Some(Arc::new(deduct));
        self
    }

    /// Limits on the number of breaches, whichever limit was breached: see [`MetaLimit`].
    /// Default: none.
    pub fn meta_limits(mut self, limits: impl IntoIterator<Item = impl Into<MetaLimit>>) -> Self {
        self.meta_limits.extend(limits.into_iter().map(Into::into));
        self
    }

    /// Called for every limit that denies a request, before the limit's own `on_breach`. Of the
    /// responses that callbacks return, the last one is sent. Default: none.
    ///
    /// ```
    /// use actix_web::HttpResponse;
    /// use limiter_actix::{Breach, Limiter};
    ///
    /// let builder = Limiter::builder().on_breach(|breach: &Breach<'_>| {
    ///     HttpResponse::TooManyRequests().body(format!("{} is exceeded", breach.limit().name()))
    /// });
    /// # let _ = builder;
    /// ```
    pub fn on_breach<R: IntoBreachResponse>(
        mut self,
        callback: impl Fn(&Breach<'_>) -> R + Send + Sync + 'static,
    ) -> Self {
        let callback = move |breach: &Breach<'_>| callback(breach).into_breach_response();
        self.on_breach = Some(Arc::new(callback));
        self
    }

    /// Called for a meta limit that denies a request, unless it has a callback of its own.
    /// Default: none.
    pub fn on_meta_breach<R: IntoBreachResponse>(
        mut self,
        callback: impl Fn(&Breach<'_>) -> R + Send + Sync + 'static,
    ) -> Self {
        let callback = move |breach: &Breach<'_>| callback(breach).into_breach_response();
        self.on_meta_breach = Some(Arc::new(callback));
        self
    }

    /// What happens to a request for which a function returns a malformed limit. Default: it is
    /// logged once, and the limits that are left apply.
    pub fn invalid_dynamic_limit(mut self, policy: InvalidLimit) -> Self {
        self.invalid_dynamic_limit = policy;
        self
    }

    /// Requests for which the function says yes are never limited. Several filters: one yes is
    /// enough. Default: none.
    pub fn request_filter(
        mut self,
        filter: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.access.filters.push(Arc::new(filter));
        self
    }

    /// Networks whose clients are never limited: addresses or CIDRs. The address is that of the
    /// peer, or the one that [trusted proxies](Self::trusted_proxies) tell. Default: none.
    pub fn allow_networks(mut self, networks: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        match proxy::networks(networks) {
            Ok(networks) => self.access.allowed.networks.extend(networks),
            Err(error) => self.bad_networks = Some(("allow_networks", error)),
        }
        self
    }

    /// Networks whose clients are answered with 403, before anything is counted. Stronger than
    /// every allowance. Default: none.
    pub fn deny_networks(mut self, networks: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        match proxy::networks(networks) {
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

    /// Clients, by the limiter's [key](Self::key), that are answered with 403. Stronger than every
    /// allowance. Default: none.
    pub fn deny_keys(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.access.denied.keys.extend(keys);
        self
    }

    /// Who is counted, where a limit has no `key` of its own. Default: [`peer_ip`](crate::peer_ip);
    /// [`client_ip`](crate::client_ip) where [`trusted_proxies`](Self::trusted_proxies) are named,
    /// for the peer is a proxy then, and not a client.
    ///
    /// For endpoints without attributes the key is told before routing, so it should look at the
    /// connection and the headers only; and it may be asked more than once per request.
    pub fn key<K: KeyBy + Send + Sync + 'static>(mut self, key: K) -> Self {
        self.key_name = std::any::type_name::<K>();
        let key = move |request: &HttpRequest| key.key(request);
        self.key = Some(LimiterKey::Custom(Arc::new(key)));
        self
    }

    /// A prefix of every counter's name: limiters with different prefixes never share a counter,
    /// even in one storage. Default: none.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.key_prefix = prefix.into();
        self
    }

    /// The strategy of limits that name none. Default: [`Strategy::FixedWindow`], as in the
    /// reference.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Where counters are kept, as a URI. Default: `memory://`.
    ///
    /// With the feature `redis` also `redis://`, `rediss://`, `redis+unix://`, `redis+cluster://`,
    /// `rediss+cluster://` and `redis+sentinel://`, and the same with `valkey`.
    pub fn storage_uri(mut self, uri: impl Into<String>) -> Self {
        self.storage = StorageChoice::Uri(uri.into());
        self
    }

    /// Where counters are kept, ready made: a [`MemoryStorage`](limiter_core::MemoryStorage) with
    /// options of its own, or one that several limiters share. It is used as it is; one that has to
    /// be waited for belongs into `remote_storage` (feature `redis`), which guards it.
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.storage = StorageChoice::Ready(Arc::new(storage));
        self
    }

    /// Which headers tell a client its limits. Default: [`Headers::off`]; a denial has
    /// `Retry-After` in any case.
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Whether only the first breached limit (of the shortest window) is named in a denial, or all
    /// of them. `Retry-After` respects all of them either way. Default: yes.
    pub fn fail_on_first_breach(mut self, first: bool) -> Self {
        self.fail_on_first_breach = first;
        self
    }

    /// Whether anything is limited. A disabled limiter checks no option, and handlers run freely.
    /// Default: yes.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Who may tell us the client's address: see [`client_ip`](crate::client_ip), which is then the
    /// limiter's [key](Self::key) if no other is named. Default: nobody.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.identity.proxies = proxies;
        self
    }

    /// How many leading bits of an IPv6 address make a client. Default: 64, the smallest network
    /// that anybody is given; a single subscriber with a /56 or /48 has many of them.
    pub fn ipv6_prefix(mut self, bits: u8) -> Self {
        self.identity.ipv6_prefix = bits;
        self
    }

    /// How many leading bits of an IPv4 address make a client. Default: 32.
    pub fn ipv4_prefix(mut self, bits: u8) -> Self {
        self.identity.ipv4_prefix = bits;
        self
    }

    /// What happens to a request of which no key can be told. Default: it is answered with 403.
    pub fn missing_identity(mut self, policy: MissingIdentity) -> Self {
        self.missing_identity = policy;
        self
    }

    /// A path, exactly as routed, that default and application limits leave alone: a health check.
    /// (`#[exempt]` says the same on the handler; this one needs no handler.) With `/*` at its end
    /// it is everything below: `/static/*`, for the sixty files of a page.
    pub fn exempt_path(mut self, path: impl Into<String>) -> Self {
        self.exempt_paths.add(path.into());
        self
    }

    /// Whether requests that match no resource are counted, all together as one endpoint, so that
    /// probing for URLs is limited too. Default: yes.
    ///
    /// Switched off, a 404 without a resource costs nothing, and neither does a 405 or a 404 for
    /// want of the method. What turns out to be served is charged all the same: resources behind
    /// others of the same path, and paths that a middleware inside the limiter changes.
    pub fn limit_unmatched(mut self, limit: bool) -> Self {
        self.limit_unmatched = limit;
        self
    }

    /// The clock of the memory storage that [`storage_uri`](Self::storage_uri) makes: a
    /// [`FakeClock`](crate::FakeClock) lets tests of your limits run without waiting. Default: the
    /// operating system's monotonic clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Checks everything and builds the limiter. Build it once, *outside* `HttpServer::new`: its
    /// factory runs once per worker, and every limiter counts by itself.
    ///
    /// # Errors
    /// An option is wrong, or a decorated handler's limit cannot be enforced by its strategy or
    /// storage. The error names the option, what was found and the remedy.
    pub async fn build(self) -> Result<Limiter, BuildError> {
        let Self { enabled, .. } = self;
        let owner = Owner {
            key_prefix: &self.key_prefix,
            strategy: self.strategy,
            clock: self.clock.as_ref(),
        };
        let store = self.storage.open(&owner, self.remote, enabled).await?;
        let storage = Arc::clone(&store.storage);
        let records = handlers();
        // Our own key functions ask nothing that inner middleware could write down.
        let key_is_custom = self.key.is_some() && !self.key_name.starts_with("limiter_actix::");
        let (key, key_name) = match self.key {
            Some(key) => (key, self.key_name),
            None if self.identity.proxies.is_nobody() => {
                (LimiterKey::Peer, "limiter_actix::peer_ip")
            }
            None => {
                let identity = self.identity.clone();
                let client = move |request: &HttpRequest| identity.client(request);
                (LimiterKey::Custom(Arc::new(client)), "limiter_actix::client_ip")
            }
        };
        let settings = Settings {
            enabled,
            strategy: self.strategy,
            key_prefix: self.key_prefix,
            defaults: self.defaults.checked("default_limits", self.strategy, &*storage, enabled)?,
            application: self.application.checked(
                "application_limits",
                self.strategy,
                &*storage,
                enabled,
            )?,
            headers: self.headers,
            fail_on_first_breach: self.fail_on_first_breach,
            identity: self.identity,
            key,
            key_is_custom,
            key_name,
            missing_identity: self.missing_identity,
            exempt_paths: self.exempt_paths,
            limit_unmatched: self.limit_unmatched,
            meta_limits: self.meta_limits,
            on_breach: self.on_breach,
            on_meta_breach: self.on_meta_breach,
            invalid_dynamic_limit: self.invalid_dynamic_limit,
            access: self.access,
            clock: self.clock.unwrap_or_else(|| Arc::new(MonotonicClock)),
            namesakes: namesakes(&records),
        };
        if enabled {
            if let Some((option, error)) = self.bad_networks {
                return Err(BuildError::new(format!("{option}: {error}")));
            }
            check_paths(&settings)?;
            check_prefixes(&settings.identity)?;
            settings.headers.check()?;
            for meta in &settings.meta_limits {
                check_meta(meta, settings.strategy, &*storage)
                    .map_err(|problem| BuildError::new(format!("meta_limits: {problem}")))?;
            }
            for record in &records {
                check_record(record, &settings, &*storage)?;
            }
        }
        Ok(Limiter::assemble(settings, store, &records))
    }
}

impl fmt::Debug for LimiterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimiterBuilder")
            .field("strategy", &self.strategy)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

impl Written {
    fn checked(
        self,
        option: &str,
        strategy: Strategy,
        storage: &dyn Storage,
        enabled: bool,
    ) -> Result<LimitClass, BuildError> {
        let Self { texts: written, terms } = self;
        let mut texts = Vec::new();
        for limits in written.into_iter().filter(|_| enabled) {
            let listed = match limits {
                LimitTexts::Listed(listed) => listed,
                LimitTexts::Asked(asked) => {
                    texts.push(Text::Asked(asked.0));
                    continue;
                }
            };
            for text in listed {
                let quotas = limiter_core::notation::parse_many(&text)
                    .map_err(|error| BuildError::new(format!("{option}: {error}")))?;
                for quota in &quotas {
                    check_quota(quota, strategy, storage, &terms.cost)
                        .map_err(|problem| BuildError::new(format!("{option}: {problem}")))?;
                }
                texts.push(Text::Known(quotas));
            }
        }
        Ok(LimitClass { texts, terms })
    }
}

fn check_paths(settings: &Settings) -> Result<(), BuildError> {
    settings
        .exempt_paths
        .check()
        .map_err(|problem| BuildError::new(format!("exempt_path: {problem}")))
}

fn check_prefixes(identity: &IdentityConfig) -> Result<(), BuildError> {
    let checks =
        [("ipv4_prefix", identity.ipv4_prefix, 32), ("ipv6_prefix", identity.ipv6_prefix, 128)];
    match checks.into_iter().find(|(_, bits, most)| *bits == 0 || bits > most) {
        Some((option, bits, most)) => Err(BuildError::new(format!(
            "{option}: expected 1 to {most} bits, found {bits}; the key `everyone` counts all \
             clients as one"
        ))),
        None => Ok(()),
    }
}

fn check_record(
    record: &'static HandlerRecord,
    settings: &Settings,
    storage: &dyn Storage,
) -> Result<(), BuildError> {
    for limit in record.limits() {
        let of_record = |problem: String| {
            BuildError::new(format!(
                "the limit `{}` of `{}` ({}:{}): {problem}",
                limit.text().unwrap_or("of a function"),
                record.handler(),
                record.file(),
                record.line()
            ))
        };
        let strategy = limit.strategy.unwrap_or(settings.strategy);
        let terms = LimitTerms::from(limit);
        for quota in limit.quotas().iter().chain(&terms.candidate) {
            check_quota(quota, strategy, storage, &terms.cost).map_err(of_record)?;
        }
        for meta in &terms.meta {
            check_meta(meta, settings.strategy, storage).map_err(of_record)?;
        }
    }
    Ok(())
}

fn check_meta(meta: &MetaLimit, strategy: Strategy, storage: &dyn Storage) -> Result<(), String> {
    let (quotas, block) = meta.parse().map_err(|error| error.to_string())?;
    let cost = Cost::Fixed(meta.cost);
    for quota in &quotas {
        check_quota(quota, strategy, storage, &cost)?;
    }
    match block {
        Some(block) => check_quota(&block, Strategy::FixedWindow, storage, &Cost::Fixed(1)),
        None => Ok(()),
    }
}

/// Handlers whose path another handler has too, in the order of file and line.
fn namesakes(records: &[&'static HandlerRecord]) -> Vec<&'static HandlerRecord> {
    records
        .iter()
        .filter(|record| {
            records.iter().filter(|other| other.handler() == record.handler()).count() > 1
        })
        .copied()
        .collect()
}

/// The limiter was not built: an option is wrong. The text names the option, what was found, and
/// the remedy.
#[derive(Clone, Debug)]
pub struct BuildError(Box<str>);

impl BuildError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into().into_boxed_str())
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BuildError {}
