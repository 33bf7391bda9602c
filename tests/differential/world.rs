//! A world: the same declarations three times, for this library, the reference and the model.

use limiter_actix::{Limiter, LimiterBuilder};
use limiter_core::{Quota, Strategy, notation};
use limiter_tests::RunningServer;

use crate::model::Difference;

/// What is compared together: an app and a limiter, as this library and the model see them. The
/// reference's are the function of the same name in `reference.py`.
pub(crate) struct World {
    pub(crate) name: &'static str,
    /// The options of this library's limiter.
    pub(crate) limiter: fn(LimiterBuilder) -> LimiterBuilder,
    /// The app of this library.
    pub(crate) serve: fn(Limiter) -> RunningServer,
    pub(crate) strategy: Strategy,
    pub(crate) fail_on_first_breach: bool,
    pub(crate) defaults: Class,
    pub(crate) application: Class,
    /// How many breaches are tolerated.
    pub(crate) meta: Vec<Quota>,
    pub(crate) routes: Vec<Route>,
    /// Requests that no route serves.
    pub(crate) strays: &'static [(&'static str, &'static str)],
    /// What clients send as `X-Api-Key`, if any limit asks for it.
    pub(crate) api_keys: &'static [Option<&'static str>],
    /// The `X-Api-Key` of requests that a filter lets pass.
    pub(crate) filtered_key: Option<&'static str>,
    /// What this library does otherwise than the reference and shows here, beside
    /// [`Difference::OneBreach`], which shows everywhere.
    pub(crate) differences: &'static [Difference],
}

/// Limits of the limiter.
#[derive(Default)]
pub(crate) struct Class {
    pub(crate) quotas: Vec<Quota>,
    pub(crate) per_method: bool,
    pub(crate) cost: Option<u64>,
}

/// A handler with its declarations.
pub(crate) struct Route {
    pub(crate) methods: &'static str,
    /// The paths that are asked for, all of them the same to the limiter.
    pub(crate) paths: &'static [&'static str],
    pub(crate) limits: Vec<Declared>,
    pub(crate) exempt: Exempt,
    /// The scopes around it, the innermost first.
    pub(crate) scopes: Vec<Around>,
}

/// The limits and exemptions of a scope.
#[derive(Clone, Default)]
pub(crate) struct Around {
    pub(crate) limits: Vec<Declared>,
    pub(crate) exempt: Exempt,
    /// Whether limits of the scopes around it are left out.
    pub(crate) without_ancestors: bool,
    /// Whether its exemption reaches the scopes inside, and its limits do not.
    pub(crate) exempts_descendants: bool,
}

/// What a handler is exempt from.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Exempt {
    pub(crate) defaults: bool,
    pub(crate) application: bool,
    pub(crate) meta: bool,
}

/// A limit of a handler or a scope.
#[derive(Clone, PartialEq)]
pub(crate) struct Declared {
    pub(crate) quotas: DeclaredQuotas,
    pub(crate) key: DeclaredKey,
    pub(crate) cost: Cost,
    pub(crate) override_defaults: bool,
    pub(crate) methods: &'static str,
    pub(crate) per_method: bool,
    pub(crate) scope: DeclaredScope,
    /// The `X-Api-Key` for which the limit is left out.
    pub(crate) exempt_key: Option<&'static str>,
    /// Whether only failures are charged: answers of 400 and more.
    pub(crate) deduct_failures: bool,
    /// How many breaches of this limit are tolerated.
    pub(crate) meta: Vec<Quota>,
}

#[derive(Clone, PartialEq)]
pub(crate) enum DeclaredQuotas {
    Fixed(Vec<Quota>),
    /// Those of the tier that `X-Api-Key` has.
    OfTier,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum DeclaredKey {
    /// The limiter's: the client's address.
    Client,
    /// The header `X-Api-Key`.
    ApiKey,
    Everyone,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cost {
    Fixed(u64),
    /// The query parameter `cost`, or 1.
    Query,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum DeclaredScope {
    Endpoint,
    Part(&'static str),
    Shared(&'static str),
}

impl World {
    /// A world without limits and routes.
    pub(crate) fn new(name: &'static str, serve: fn(Limiter) -> RunningServer) -> Self {
        Self {
            name,
            limiter: |builder| builder,
            serve,
            strategy: Strategy::FixedWindow,
            fail_on_first_breach: true,
            defaults: Class::default(),
            application: Class::default(),
            meta: Vec::new(),
            routes: Vec::new(),
            strays: &[],
            api_keys: &[Some("a"), Some("b")],
            filtered_key: None,
            differences: &[],
        }
    }

    /// The methods and paths that are asked for.
    pub(crate) fn targets(&self) -> Vec<(&'static str, &'static str)> {
        let served = self.routes.iter().flat_map(|route| {
            let paths = |method| route.paths.iter().map(move |path| (method, *path));
            route.methods.split(' ').flat_map(paths)
        });
        served.chain(self.strays.iter().copied()).collect()
    }

    /// What is asked for as cost, and sent as key.
    pub(crate) fn costs(&self) -> &'static [Option<u64>] {
        match self.declared().any(|limit| limit.cost == Cost::Query) {
            true => &[None, Some(0), Some(1), Some(2), Some(3), Some(6), Some(7)],
            false => &[None],
        }
    }

    pub(crate) fn api_keys(&self) -> &'static [Option<&'static str>] {
        let asks = |limit: &Declared| {
            limit.key == DeclaredKey::ApiKey
                || limit.exempt_key.is_some()
                || limit.quotas == DeclaredQuotas::OfTier
        };
        match self.declared().any(asks) || self.filtered_key.is_some() {
            true => self.api_keys,
            false => &[None],
        }
    }

    /// The windows of all limits, in microseconds.
    pub(crate) fn windows(&self) -> Vec<u64> {
        self.declared()
            .flat_map(|limit| self.api_keys.iter().flat_map(|key| limit.quotas.of(*key)))
            .chain(self.defaults.quotas.iter().copied())
            .chain(self.application.quotas.iter().copied())
            .chain(self.meta.iter().copied())
            .map(|quota| quota.window_micros())
            .collect()
    }

    fn declared(&self) -> impl Iterator<Item = &Declared> {
        self.routes.iter().flat_map(|route| {
            route.limits.iter().chain(route.scopes.iter().flat_map(|scope| &scope.limits))
        })
    }
}

impl Class {
    pub(crate) fn new(text: &str) -> Self {
        Self { quotas: quotas(text), ..Self::default() }
    }
}

/// A route, declared as its decorators are: `route("GET", &["/slow"]).limit(limit("2/minute"))`.
pub(crate) fn route(methods: &'static str, paths: &'static [&'static str]) -> Route {
    Route { methods, paths, limits: Vec::new(), exempt: Exempt::default(), scopes: Vec::new() }
}

/// A scope, declared likewise: `route(..).within(scope().limit(..))`.
pub(crate) fn scope() -> Around {
    Around::default()
}

impl Route {
    /// The limits stand in the order of the attributes.
    pub(crate) fn limit(mut self, limit: Declared) -> Self {
        self.limits.push(limit);
        self
    }

    pub(crate) fn exempt(self, exempt: Exempt) -> Self {
        Self { exempt, ..self }
    }

    /// Around everything that was said before.
    pub(crate) fn within(mut self, scope: &Around) -> Self {
        self.scopes.push(scope.clone());
        self
    }
}

impl Around {
    pub(crate) fn limit(mut self, limit: Declared) -> Self {
        self.limits.push(limit);
        self
    }

    pub(crate) fn exempt(self, exempt: Exempt) -> Self {
        Self { exempt, ..self }
    }

    pub(crate) fn without_ancestors(self) -> Self {
        Self { without_ancestors: true, ..self }
    }

    pub(crate) fn exempt_descendants(self) -> Self {
        Self { exempts_descendants: true, ..self }
    }
}

impl Exempt {
    const NONE: Self = Self { defaults: false, application: false, meta: false };
    pub(crate) const ALL: Self = Self { defaults: true, application: true, meta: true };
    pub(crate) const DEFAULTS: Self = Self { defaults: true, ..Self::NONE };
    pub(crate) const APPLICATION: Self = Self { application: true, ..Self::NONE };

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            defaults: self.defaults || other.defaults,
            application: self.application || other.application,
            meta: self.meta || other.meta,
        }
    }
}

pub(crate) fn limit(text: &str) -> Declared {
    Declared {
        quotas: DeclaredQuotas::Fixed(quotas(text)),
        key: DeclaredKey::Client,
        cost: Cost::Fixed(1),
        override_defaults: true,
        methods: "",
        per_method: false,
        scope: DeclaredScope::Endpoint,
        exempt_key: None,
        deduct_failures: false,
        meta: Vec::new(),
    }
}

/// A limit that a function tells: [`tier`].
pub(crate) fn limit_of_tier() -> Declared {
    Declared { quotas: DeclaredQuotas::OfTier, ..limit("1/second") }
}

pub(crate) fn shared(text: &str, scope: &'static str) -> Declared {
    Declared { scope: DeclaredScope::Shared(scope), ..limit(text) }
}

impl Declared {
    pub(crate) fn key(self, key: DeclaredKey) -> Self {
        Self { key, ..self }
    }

    pub(crate) fn cost(self, cost: Cost) -> Self {
        Self { cost, ..self }
    }

    pub(crate) fn keep_defaults(self) -> Self {
        Self { override_defaults: false, ..self }
    }

    pub(crate) fn methods(self, methods: &'static str) -> Self {
        Self { methods, ..self }
    }

    pub(crate) fn per_method(self) -> Self {
        Self { per_method: true, ..self }
    }

    pub(crate) fn exempt_key(self, key: &'static str) -> Self {
        Self { exempt_key: Some(key), ..self }
    }

    pub(crate) fn deduct_failures(self) -> Self {
        Self { deduct_failures: true, ..self }
    }

    pub(crate) fn meta(self, text: &str) -> Self {
        Self { meta: quotas(text), ..self }
    }

    pub(crate) fn part(self, part: &'static str) -> Self {
        Self { scope: DeclaredScope::Part(part), ..self }
    }
}

impl DeclaredQuotas {
    /// The quotas for a request with this `X-Api-Key`.
    pub(crate) fn of(&self, api_key: Option<&str>) -> Vec<Quota> {
        match self {
            Self::Fixed(quotas) => quotas.clone(),
            Self::OfTier => match tier(api_key) {
                "" => Vec::new(),
                text => quotas(text),
            },
        }
    }
}

/// The limits of a key, for all three sides alike; empty where there are none.
pub(crate) fn tier(api_key: Option<&str>) -> &'static str {
    match api_key {
        Some("a") => "2/minute",
        Some("b") => "4/minute;3/second",
        _ => "",
    }
}

pub(crate) fn quotas(text: &str) -> Vec<Quota> {
    notation::parse_many(text).expect("the worlds declare legal limits")
}
