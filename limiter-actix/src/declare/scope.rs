//! Limits and exemptions of a whole `web::scope` or `web::resource`, like those of a blueprint in
//! the reference.

use std::{borrow::Cow, fmt, sync::Arc};

use actix_web::{HttpRequest, dev::ResponseHead};
use limiter_core::{OnStoreError, Strategy};

use super::{
    check::check_cost,
    cost::IntoCost,
    exemption::Exemption,
    meta::MetaLimit,
    options::{LimitOptions, Message},
    text::{IntoLimits, LimitText},
};
use crate::{
    identify::KeyBy,
    limit::{Breach, IntoBreachResponse},
};

/// Limits and exemptions of everything inside a `web::scope` or `web::resource`.
///
/// ```
/// use actix_web::{web, App};
/// use limiter_actix::{Exemption, Limiter, ScopeLimits};
///
/// # #[actix_web::main]
/// # async fn main() -> Result<(), limiter_actix::BuildError> {
/// let limiter = Limiter::builder().default_limits(["100/hour"]).build().await?;
/// let app = App::new()
///     .service(
///         web::scope("/api")
///             .wrap(ScopeLimits::new("api").limits(["10/minute"]))
///             .service(web::scope("/internal").wrap(ScopeLimits::new("internal").exempt(Exemption::ALL))),
///     )
///     .wrap(limiter.middleware());
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// Each endpoint inside has its own counters, unless the limits are [shared](Self::shared). The
/// rules are those of the reference for blueprints:
///
/// * A handler's own limits replace those of the scopes, unless they have `override_defaults =
///   false`.
/// * A scope's limits replace the default limits, unless the scope has
///   [`override_defaults(false)`](Self::override_defaults).
/// * Scopes nest. If the limits of an inner scope override, only they apply; otherwise they apply
///   together with those of all scopes around it. [`without_ancestors`](Self::without_ancestors)
///   and [`exempt_descendants`](Self::exempt_descendants) change this.
/// * An exemption applies to its own scope only, unless `exempt_descendants` passes it on.
///
/// The limiter's middleware has to be wrapped around the scope; otherwise every request gets 500. A
/// limit that cannot be parsed prevents the app from starting, and the reason is logged.
#[must_use = "wrap a scope or a resource with it"]
#[derive(Clone)]
pub struct ScopeLimits {
    pub(crate) declaration: ScopeDeclaration,
    mistake: Option<Arc<str>>,
}

/// The declaration of a scope.
#[derive(Clone)]
pub(crate) struct ScopeDeclaration {
    pub(crate) name: Box<str>,
    pub(crate) texts: Vec<LimitText>,
    pub(crate) options: LimitOptions,
    pub(crate) shared: bool,
    pub(crate) exempt: Exemption,
    /// Whether the limits of the scopes around it are left out.
    pub(crate) ignores_ancestors: bool,
    /// Whether its exemption applies to the scopes inside, and its limits do not.
    pub(crate) reaches_descendants: bool,
}

impl ScopeLimits {
    /// A scope with this name, without limits. The name is part of the counters: two scopes with
    /// the same name share counters if they are around the same endpoint.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            declaration: ScopeDeclaration {
                name: name.into().into_boxed_str(),
                texts: Vec::new(),
                options: LimitOptions::default(),
                shared: false,
                exempt: Exemption::NONE,
                ignores_ancestors: false,
                reaches_descendants: false,
            },
            mistake: None,
        }
    }

    /// The limits: a list of texts, or a function of the request. If two limits need different
    /// options, wrap the scope twice.
    pub fn limits<F>(mut self, limits: impl IntoLimits<F>) -> Self {
        match limits.into_limits().0.parse() {
            Ok(texts) => self.declaration.texts.extend(texts),
            Err(error) => self.mistake = Some(error.to_string().into()),
        }
        self
    }

    /// Whether the limits replace the default limits and those of the scopes around it. Default:
    /// yes.
    pub fn override_defaults(mut self, overrides: bool) -> Self {
        self.declaration.options.overrides_defaults = overrides;
        self
    }

    /// Whether all endpoints inside share one counter. Default: no.
    pub fn shared(mut self, shared: bool) -> Self {
        self.declaration.shared = shared;
        self
    }

    /// Whether each method has separate counters. Default: no; those of undecorated endpoints
    /// always are separate.
    pub fn per_method(mut self, per_method: bool) -> Self {
        self.declaration.options.per_method = per_method;
        self
    }

    /// The methods that are limited. Default: all.
    pub fn methods(mut self, methods: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.declaration.options.methods = methods
            .into_iter()
            .map(|method| Cow::Owned(method.as_ref().to_ascii_uppercase()))
            .collect();
        self
    }

    /// The key of a client. Default: the limiter's key.
    pub fn key(mut self, key: impl KeyBy + Send + Sync + 'static) -> Self {
        self.declaration.options.set_key(key);
        self
    }

    /// What a request costs: a number or a function of the request. Default: 1.
    pub fn cost<F>(mut self, cost: impl IntoCost<F>) -> Self {
        self.declaration.options.set_cost(cost);
        self
    }

    /// Which requests are exempt. Default: none.
    pub fn exempt_when(
        mut self,
        exempt: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.declaration.options.set_exempt_when(exempt);
        self
    }

    /// Which responses are charged: see the argument of `#[limit]`. Default: all.
    pub fn deduct_when(
        mut self,
        deduct: impl Fn(&ResponseHead) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.declaration.options.set_deduct_when(deduct);
        self
    }

    /// Called when the limits deny a request. A response that it returns replaces the default one.
    pub fn on_breach<R: IntoBreachResponse>(
        mut self,
        callback: impl Fn(&Breach<'_>) -> R + Send + Sync + 'static,
    ) -> Self {
        self.declaration.options.set_on_breach(callback);
        self
    }

    /// The message in the body of a denial. Default: the quota.
    pub fn error_message(mut self, message: impl Into<String>) -> Self {
        self.declaration.options.error_message = Some(Message::Text(Cow::Owned(message.into())));
        self
    }

    /// Meta limits for breaches of these limits. Default: none.
    pub fn meta(mut self, meta: impl IntoIterator<Item = impl Into<MetaLimit>>) -> Self {
        self.declaration.options.meta = meta.into_iter().map(Into::into).collect();
        self
    }

    /// The strategy. Default: the limiter's.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.declaration.options.strategy = Some(strategy);
        self
    }

    /// What happens while a remote storage does not answer. Default: the limiter's policy.
    pub fn on_store_error(mut self, policy: OnStoreError) -> Self {
        self.declaration.options.on_store_error = Some(policy);
        self
    }

    /// What the handlers directly inside are exempt from. Their own limits always apply.
    pub fn exempt(mut self, exempt: Exemption) -> Self {
        self.declaration.exempt = exempt;
        self
    }

    /// Leaves out the limits of the scopes around this one.
    pub fn without_ancestors(mut self) -> Self {
        self.declaration.ignores_ancestors = true;
        self
    }

    /// Passes the exemption on to the scopes inside, but not the limits.
    pub fn exempt_descendants(mut self) -> Self {
        self.declaration.reaches_descendants = true;
        self
    }

    /// The first invalid option, as an error text.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(mistake) = &self.mistake {
            return Err(mistake.to_string());
        }
        let ScopeDeclaration { options, texts, .. } = &self.declaration;
        for meta in &options.meta {
            meta.parse().map_err(|error| error.to_string())?;
        }
        let quotas = texts.iter().filter_map(|text| match text {
            LimitText::Fixed(quotas) => Some(quotas),
            LimitText::Dynamic(_) => None,
        });
        for quota in quotas.flatten() {
            if let Some(strategy) = options.strategy {
                strategy.check(quota).map_err(|unsupported| unsupported.to_string())?;
            }
            check_cost(quota, &options.cost)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ScopeLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeLimits")
            .field("name", &self.declaration.name)
            .field("exempt", &self.declaration.exempt)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "cli")]
thread_local! {
    /// The scopes of an app that is started for inspection only.
    static COLLECTED: std::cell::RefCell<Option<Vec<ScopeDeclaration>>> =
        const { std::cell::RefCell::new(None) };
}

/// Runs a future that starts an app; returns its output and the scopes of that app, innermost
/// first.
#[cfg(feature = "cli")]
pub(crate) async fn collected<T>(start: impl Future<Output = T>) -> (T, Vec<ScopeDeclaration>) {
    COLLECTED.set(Some(Vec::new()));
    let app = start.await;
    (app, COLLECTED.take().unwrap_or_default())
}

impl ScopeDeclaration {
    /// Adds it to the scopes that are being [collected](collected()).
    #[cfg(feature = "cli")]
    pub(crate) fn collect(&self) {
        COLLECTED.with_borrow_mut(|scopes| {
            if let Some(scopes) = scopes {
                scopes.push(self.clone());
            }
        });
    }
}
