//! Limits and exemptions of a whole `web::scope` or `web::resource`: what a blueprint is to the
//! reference.

use std::{
    borrow::Cow,
    fmt,
    future::{Ready, ready},
    rc::Rc,
    sync::Arc,
};

use actix_web::{
    Error, HttpRequest,
    body::{EitherBody, MessageBody},
    dev::{ResponseHead, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use ahash::HashMap;
use limiter_core::{OnStoreError, Strategy, notation};

use crate::{
    answer,
    breach::{Breach, IntoBreachResponse},
    charge::Refusal,
    context::Context,
    endpoint::{Exempt, Location},
    enforce::{self, Layer, Step},
    function::{Cost, Function, IntoCost, IntoLimits, LimitTexts},
    key_by::KeyBy,
    meta::MetaLimit,
    middleware::RateLimitFuture,
    record::Exemption,
    rule::{LimitTerms, Message, Text},
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
/// Each endpoint inside has counters of its own, unless the limits are [shared](Self::shared). The
/// rules are those of the reference for blueprints:
///
/// * A handler's own limits replace those of the scopes, unless they say
///   `override_defaults = false`.
/// * A scope's limits replace the default limits, unless it says
///   [`override_defaults(false)`](Self::override_defaults).
/// * Scopes nest. An inner scope with limits that override has only those; any other has its own
///   and those of all scopes around it. [`without_ancestors`](Self::without_ancestors) and
///   [`exempt_descendants`](Self::exempt_descendants) say otherwise.
/// * An exemption is of the scope it is said of; only `exempt_descendants` hands it down.
///
/// The limiter's middleware has to stand around the scope, or every request is answered with 500.
/// A limit that cannot be parsed stops the app from starting, and the log says why.
#[must_use = "wrap a scope or a resource with it"]
#[derive(Clone)]
pub struct ScopeLimits {
    declaration: ScopeDeclaration,
    mistake: Option<Arc<str>>,
}

/// What was said about a scope.
#[derive(Clone)]
pub(crate) struct ScopeDeclaration {
    pub(crate) name: Box<str>,
    pub(crate) texts: Vec<Text>,
    pub(crate) terms: LimitTerms,
    pub(crate) shared: bool,
    pub(crate) exempt: Exemption,
    /// Whether limits of the scopes around it are left out.
    pub(crate) ignores_ancestors: bool,
    /// Whether its exemption reaches the scopes inside, and its limits do not.
    pub(crate) reaches_descendants: bool,
}

impl ScopeLimits {
    /// Nothing yet, for a scope of this name. The name is part of the counters: two scopes of one
    /// name count together wherever they stand around the same endpoint.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            declaration: ScopeDeclaration {
                name: name.into().into_boxed_str(),
                texts: Vec::new(),
                terms: LimitTerms::default(),
                shared: false,
                exempt: Exemption::NONE,
                ignores_ancestors: false,
                reaches_descendants: false,
            },
            mistake: None,
        }
    }

    /// The limits: a list of texts, or a function of the request. Wrap a scope twice where two
    /// limits need different options.
    pub fn limits<F>(mut self, limits: impl IntoLimits<F>) -> Self {
        match limits.into_limits() {
            LimitTexts::Asked(asked) => self.declaration.texts.push(Text::Asked(asked.0)),
            LimitTexts::Listed(texts) => {
                for text in texts {
                    match notation::parse_many(&text) {
                        Ok(quotas) => self.declaration.texts.push(Text::Known(quotas)),
                        Err(error) => self.mistake = Some(error.to_string().into()),
                    }
                }
            }
        }
        self
    }

    /// Whether the limits replace the default limits and those of the scopes around. Default: yes.
    pub fn override_defaults(mut self, overrides: bool) -> Self {
        self.declaration.terms.overrides_defaults = overrides;
        self
    }

    /// Whether all endpoints inside have one counter together. Default: no.
    pub fn shared(mut self, shared: bool) -> Self {
        self.declaration.shared = shared;
        self
    }

    /// Whether each method has counters of its own. Default: no; those of undecorated endpoints
    /// always do.
    pub fn per_method(mut self, per_method: bool) -> Self {
        self.declaration.terms.per_method = per_method;
        self
    }

    /// The methods that are limited. Default: all.
    pub fn methods(mut self, methods: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.declaration.terms.methods = methods
            .into_iter()
            .map(|method| Cow::Owned(method.as_ref().to_ascii_uppercase()))
            .collect();
        self
    }

    /// Who is counted. Default: the limiter's key.
    pub fn key(mut self, key: impl KeyBy + Send + Sync + 'static) -> Self {
        let function = move |request: &HttpRequest| key.key(request);
        self.declaration.terms.key = Some(Function::Given(Arc::new(function)));
        self
    }

    /// What a request costs: a number or a function of the request. Default: 1.
    pub fn cost<F>(mut self, cost: impl IntoCost<F>) -> Self {
        self.declaration.terms.cost = cost.into_cost().0;
        self
    }

    /// Which requests are not limited. Default: none.
    pub fn exempt_when(
        mut self,
        exempt: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.declaration.terms.exempt_when = Some(Function::Given(Arc::new(exempt)));
        self
    }

    /// Which responses are charged: see the argument of `#[limit]`. Default: all.
    pub fn deduct_when(
        mut self,
        deduct: impl Fn(&ResponseHead) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.declaration.terms.deduct_when = Some(Arc::new(deduct));
        self
    }

    /// Called when the limits deny a request; a response it returns is sent in place of ours.
    pub fn on_breach<R: IntoBreachResponse>(
        mut self,
        callback: impl Fn(&Breach<'_>) -> R + Send + Sync + 'static,
    ) -> Self {
        let callback = move |breach: &Breach<'_>| callback(breach).into_breach_response();
        self.declaration.terms.on_breach = Some(Arc::new(callback));
        self
    }

    /// The message in the body of a denial. Default: the quota.
    pub fn error_message(mut self, message: impl Into<String>) -> Self {
        self.declaration.terms.error_message = Some(Message::Text(Cow::Owned(message.into())));
        self
    }

    /// Meta limits for breaches of these limits. Default: none.
    pub fn meta(mut self, meta: impl IntoIterator<Item = impl Into<MetaLimit>>) -> Self {
        self.declaration.terms.meta = meta.into_iter().map(Into::into).collect();
        self
    }

    /// The strategy. Default: the limiter's.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.declaration.terms.strategy = Some(strategy);
        self
    }

    /// What happens while a remote storage does not answer. Default: the limiter's policy.
    pub fn on_store_error(mut self, policy: OnStoreError) -> Self {
        self.declaration.terms.on_store_error = Some(policy);
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

    /// Hands the exemption down to the scopes inside, and keeps the limits from them.
    pub fn exempt_descendants(mut self) -> Self {
        self.declaration.reaches_descendants = true;
        self
    }

    /// What is wrong, if something is.
    fn check(&self) -> Result<(), String> {
        if let Some(mistake) = &self.mistake {
            return Err(mistake.to_string());
        }
        let ScopeDeclaration { terms, texts, .. } = &self.declaration;
        for meta in &terms.meta {
            meta.parse().map_err(|error| error.to_string())?;
        }
        let quotas = texts.iter().filter_map(|text| match text {
            Text::Known(quotas) => Some(quotas),
            Text::Asked(_) => None,
        });
        for quota in quotas.flatten() {
            if let Some(strategy) = terms.strategy {
                strategy.check(quota).map_err(|unsupported| unsupported.to_string())?;
            }
            if let Cost::Fixed(cost) = terms.cost
                && quota.amount() > 0
                && cost > quota.capacity()
            {
                return Err(format!(
                    "expected a cost of at most {}, found {cost}: under `{quota}` no request would \
                     ever be admitted",
                    quota.capacity()
                ));
            }
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

impl<S, B> Transform<S, ServiceRequest> for ScopeLimits
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type InitError = ();
    type Transform = ScopeLimitsService<S>;
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        if let Err(mistake) = self.check() {
            tracing::error!("the limits of the scope `{}`: {mistake}", self.declaration.name);
            return ready(Err(()));
        }
        let declaration = Rc::new(self.declaration.clone());
        enforce::add_scope(&declaration);
        #[cfg(feature = "cli")]
        COLLECTED.with_borrow_mut(|scopes| {
            if let Some(scopes) = scopes {
                scopes.push(self.declaration.clone());
            }
        });
        ready(Ok(ScopeLimitsService { inner: Rc::new(service), declaration }))
    }
}

#[cfg(feature = "cli")]
thread_local! {
    /// The scopes of an app that is being started to be looked at.
    static COLLECTED: std::cell::RefCell<Option<Vec<ScopeDeclaration>>> =
        const { std::cell::RefCell::new(None) };
}

/// What a future yields that starts an app, and the scopes of that app, the innermost first.
#[cfg(feature = "cli")]
pub(crate) async fn collected<T>(start: impl Future<Output = T>) -> (T, Vec<ScopeDeclaration>) {
    COLLECTED.set(Some(Vec::new()));
    let app = start.await;
    (app, COLLECTED.take().unwrap_or_default())
}

/// The service that [`ScopeLimits`] puts around a scope, once per worker.
pub struct ScopeLimitsService<S> {
    inner: Rc<S>,
    declaration: Rc<ScopeDeclaration>,
}

impl<S> fmt::Debug for ScopeLimitsService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeLimitsService").field("name", &self.declaration.name).finish()
    }
}

impl<S> ScopeLimitsService<S> {
    /// The scope as a layer around this request; `None` where nothing is limited.
    fn layer(&self, request: &ServiceRequest, context: &Context) -> Option<(Layer, Rc<Location>)> {
        let (outer, stack) = context.scopes.get();
        let place = outer.further_inside();
        let stack = context.worker.enter_scope(stack, &self.declaration);
        context.scopes.set((place, stack));
        if context.let_through.get() {
            return None;
        }
        let location = context.location(request.request());
        location.knowledge.reached(place);
        context.has_explored();
        let exempt = location.exempt == Exempt::Path;
        let method = request.method();
        let plan = context.worker.plan_of_endpoint(&location, method, exempt, stack, None);
        Some((Layer { place, plan }, location))
    }
}

impl<S, B> Service<ServiceRequest> for ScopeLimitsService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = RateLimitFuture<S, B>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Some(context) = Context::shared(request.request()) else {
            tracing::error!(
                scope = &*self.declaration.name,
                "the scope has limits, but no limiter is wrapped around it; add \
                 `.wrap(limiter.middleware())` to the `App`; to switch it off, build it with \
                 `enabled(false)` instead of leaving it out"
            );
            let response = answer::internal_error().map_into_right_body();
            return RateLimitFuture::denied(request.into_response(response));
        };
        let Some((layer, location)) = self.layer(&request, &context) else {
            return RateLimitFuture::inner(self.inner.call(request), None);
        };
        match layer.enter(&context, request.request(), &location) {
            Step::GoOn => RateLimitFuture::inner(self.inner.call(request), None),
            Step::Refuse(refusal) => RateLimitFuture::denied(deny(request, &context, &refusal)),
            step @ (Step::Decide | Step::AwaitNews(_) | Step::Queue(_)) => {
                let inner = Rc::clone(&self.inner);
                RateLimitFuture::waiting(wait(inner, request, context, layer, step))
            }
        }
    }
}

/// The way of a request whose storage or functions have to be waited for.
async fn wait<S, B>(
    inner: Rc<S>,
    request: ServiceRequest,
    context: Rc<Context>,
    mut layer: Layer,
    step: Step,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    match layer.wait(&context, request.request(), step).await {
        Ok(()) => Ok(inner.call(request).await?.map_into_left_body()),
        Err(refusal) => Ok(deny(request, &context, &refusal)),
    }
}

/// **Deny**: answers a refused request. What is due for it is decided.
fn deny<B>(
    request: ServiceRequest,
    context: &Context,
    refusal: &Refusal,
) -> ServiceResponse<EitherBody<B>> {
    let name = &context.location(request.request()).name;
    let response = answer::response(context, request.request(), refusal, name);
    request.into_response(response.map_into_right_body())
}

/// The scopes that stand around handlers, as one worker has met them: each stack is a scope inside
/// another stack.
#[derive(Default)]
pub(crate) struct ScopeStacks {
    stacks: Vec<(StackId, Rc<ScopeDeclaration>)>,
    /// By the address of the inner scope's declaration, which is kept above.
    known: HashMap<(StackId, usize), StackId>,
}

/// Names a stack of scopes; the default one is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct StackId(u32);

impl ScopeStacks {
    /// The stack with one more scope inside it.
    pub(crate) fn enter(&mut self, outer: StackId, scope: &Rc<ScopeDeclaration>) -> StackId {
        *self.known.entry((outer, Rc::as_ptr(scope) as usize)).or_insert_with(|| {
            self.stacks.push((outer, Rc::clone(scope)));
            // An app does not have four billion scopes.
            StackId(self.stacks.len() as u32)
        })
    }

    /// The scopes of a stack, outermost first.
    pub(crate) fn scopes(&self, stack: StackId) -> Vec<Rc<ScopeDeclaration>> {
        let mut scopes = Vec::new();
        let mut at = stack;
        while let Some((outer, scope)) =
            (at.0 as usize).checked_sub(1).and_then(|place| self.stacks.get(place))
        {
            scopes.push(Rc::clone(scope));
            at = *outer;
        }
        scopes.reverse();
        scopes
    }
}
