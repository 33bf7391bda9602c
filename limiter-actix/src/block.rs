//! A limit around a block of code.

use std::{error::Error, fmt, rc::Rc, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode};
use limiter_core::{
    Charge, Key, Limit, NotationError, Outcome, StorageError, Strategy, Verb, notation,
};

use crate::{
    answer::{self, Form},
    charge::{apply, limiter_key},
    config::MissingIdentity,
    context::Context,
    current::CurrentLimit,
    function::{Cost, Function, IntoCost, LimitTexts},
    key_by::KeyBy,
    limiter::Limiter,
    rule::{LimitKey, LimitTerms, Rule, RuleLimit},
};

/// A limit around a block of code, inside a handler or in any function that is given the request:
/// where only some requests come to the expensive part, or it is known late how expensive it is.
///
/// ```
/// use actix_web::{web, HttpRequest, Result};
/// use limiter_actix::Limiter;
///
/// async fn search(request: HttpRequest, limiter: Limiter, query: web::Query<Vec<String>>) -> Result<String> {
///     let mut answer = String::from("cheap");
///     if query.len() > 3 {
///         // A denial leaves the handler as a 429, like that of an attribute; or match on it.
///         limiter.limit("10/minute").scope("expensive").enter(&request).await?;
///         answer.push_str(" and expensive");
///     }
///     Ok(answer)
/// }
/// ```
///
/// Each endpoint has counters of its own, told apart by [`scope`](Self::scope), unless they are
/// [`shared`](Self::shared). Every `enter` is charged; default and application limits are not
/// touched by it. A limiter that is disabled, or a request that a filter or list lets through,
/// enters freely.
#[must_use = "nothing is limited before `enter`"]
pub struct BlockLimit {
    limiter: Limiter,
    texts: LimitTexts,
    scope: Option<String>,
    shared: Option<String>,
    terms: LimitTerms,
}

impl BlockLimit {
    pub(crate) fn new(limiter: Limiter, texts: LimitTexts) -> Self {
        Self { limiter, texts, scope: None, shared: None, terms: LimitTerms::default() }
    }

    /// Divides the counters of the endpoint: by the name of the block, or by a value it is about.
    /// Default: the blocks of an endpoint count together.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Counts together with all blocks that share this name, whatever the endpoint.
    pub fn shared(mut self, scope: impl Into<String>) -> Self {
        self.shared = Some(scope.into());
        self
    }

    /// Who is counted. Default: the limiter's key.
    pub fn key(mut self, key: impl KeyBy + Send + Sync + 'static) -> Self {
        let function = move |request: &HttpRequest| key.key(request);
        self.terms.key = Some(Function::Given(Arc::new(function)));
        self
    }

    /// What the block costs: a number or a function of the request. Default: 1.
    pub fn cost<F>(mut self, cost: impl IntoCost<F>) -> Self {
        self.terms.cost = cost.into_cost().0;
        self
    }

    /// The strategy. Default: the limiter's.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.terms.strategy = Some(strategy);
        self
    }

    /// Charges the request, or says why it may not enter.
    ///
    /// # Errors
    /// A limit is breached, the client has no identity, the limit is malformed, or the storage did
    /// not answer. As a response the error is 429, 403, 500 or 503, with a problem body.
    pub async fn enter(&self, request: &HttpRequest) -> Result<(), BlockError> {
        // What another limiter lets through, or all that it does while it is disabled, is not ours.
        let context = Context::of(request)
            .filter(|context| context.worker.handle().is_the_same_as(&self.limiter));
        let let_through = context.is_some_and(|context| context.let_through.get());
        if let_through || !self.limiter.is_enabled() {
            return Ok(());
        }
        let rule = Rc::new(self.rule(request).await?);
        let Some(key) = self.key_of(request).await? else { return Ok(()) };
        let cost = match &self.terms.cost {
            Cost::Fixed(cost) => *cost,
            Cost::Function(cost) => cost.call(request).await,
        };
        let mut charges: Vec<Charge<'_>> =
            rule.limits().iter().map(|limit| Charge::new(&limit.limit, &key).cost(cost)).collect();
        let storage = self.limiter.inner().storage();
        let outcome = apply(storage, Verb::Hit, &mut charges)
            .await
            .map_err(|error| BlockError(Kind::Storage(error)))?;
        if outcome == Outcome::Admit {
            return Ok(());
        }
        let breached = charges
            .iter()
            .enumerate()
            .filter_map(|(place, charge)| Some((place, charge.decision()?)))
            .filter(|(_, decision)| !decision.admitted())
            .map(|(place, decision)| {
                let (limiter, rule) = (self.limiter.clone(), Rc::clone(&rule));
                CurrentLimit::new(limiter, rule, place, key.clone(), cost, *decision)
            })
            .collect();
        Err(BlockError(Kind::Breach { breached, form: Form::preferred(request) }))
    }

    /// The limits of the block for a request, shortest window first.
    async fn rule(&self, request: &HttpRequest) -> Result<Rule, BlockError> {
        let texts = match &self.texts {
            LimitTexts::Listed(texts) => texts.clone(),
            LimitTexts::Asked(asked) => match asked.0.call(request).await {
                // Only a function may say that there is no limit.
                none if none.is_empty() => Vec::new(),
                text => vec![text.into_owned()],
            },
        };
        let settings = &self.limiter.inner().settings;
        let strategy = self.terms.strategy.unwrap_or(settings.strategy);
        let scope = match (&self.shared, &self.scope) {
            (Some(shared), _) => settings.scope("shared-block").part(shared),
            (None, Some(scope)) => settings.scope("block").part(&endpoint(request)).part(scope),
            (None, None) => settings.scope("block").part(&endpoint(request)),
        };
        let mut limits = Vec::new();
        for text in &texts {
            let quotas =
                notation::parse_many(text).map_err(|error| BlockError(Kind::Notation(error)))?;
            for quota in quotas {
                strategy
                    .check(&quota)
                    .map_err(|error| BlockError(Kind::Unsupported(error.to_string())))?;
                // The place keeps apart two limits of one window.
                let limit = Limit::with_ordinal(quota, strategy, &scope, limits.len() as u32);
                let name = self.shared.as_deref().or(self.scope.as_deref()).unwrap_or("block");
                limits.push(RuleLimit::plain(name, limit, LimitKey::Limiter));
            }
        }
        limits.sort_by_key(|limit| limit.limit.quota().window_micros());
        Ok(Rule::new(limits, false))
    }

    /// Who is counted; `None` where nobody is to be.
    async fn key_of(&self, request: &HttpRequest) -> Result<Option<Key>, BlockError> {
        let limiter = self.limiter.inner();
        let key = match &self.terms.key {
            Some(function) => function.call(request).await,
            None => limiter_key(limiter, request),
        };
        match (key, &limiter.settings.missing_identity) {
            (Some(key), _) => Ok(Some(key)),
            (None, MissingIdentity::Fallback(key)) => Ok(Some(key.clone())),
            (None, MissingIdentity::Skip) => Ok(None),
            (None, MissingIdentity::Deny) => Err(BlockError(Kind::NoIdentity)),
        }
    }
}

/// The endpoint in which the block stands.
fn endpoint(request: &HttpRequest) -> String {
    match Context::of(request) {
        Some(context) => context.location(request).name.to_string(),
        None => request.match_pattern().unwrap_or_else(|| "unmatched".to_owned()),
    }
}

impl fmt::Debug for BlockLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockLimit")
            .field("scope", &self.scope)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

/// Why a request may not enter a [`BlockLimit`].
#[derive(Debug)]
pub struct BlockError(Kind);

#[derive(Debug)]
enum Kind {
    Breach { breached: Vec<CurrentLimit>, form: Form },
    NoIdentity,
    Notation(NotationError),
    Unsupported(String),
    Storage(StorageError),
}

impl BlockError {
    /// The breached limits, shortest window first; empty where something else is the matter.
    pub fn breached(&self) -> &[CurrentLimit] {
        match &self.0 {
            Kind::Breach { breached, .. } => breached,
            _ => &[],
        }
    }

    /// Whether a limit was breached, as opposed to a limit that could not be checked.
    pub fn is_breach(&self) -> bool {
        matches!(self.0, Kind::Breach { .. })
    }
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Breach { breached, .. } => match breached.first() {
                Some(limit) => write!(f, "the limit {} is exceeded", limit.quota()),
                None => f.write_str("a limit is exceeded"),
            },
            Kind::NoIdentity => f.write_str("the client cannot be identified"),
            Kind::Notation(error) => write!(f, "the limit of a block: {error}"),
            Kind::Unsupported(error) => write!(f, "the limit of a block: {error}"),
            Kind::Storage(_) => f.write_str("the storage could not decide"),
        }
    }
}

impl Error for BlockError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Notation(error) => Some(error),
            Kind::Storage(error) => Some(error),
            _ => None,
        }
    }
}

impl ResponseError for BlockError {
    fn status_code(&self) -> StatusCode {
        match self.0 {
            Kind::Breach { .. } => StatusCode::TOO_MANY_REQUESTS,
            Kind::NoIdentity => StatusCode::FORBIDDEN,
            Kind::Notation(_) | Kind::Unsupported(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Kind::Storage(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match &self.0 {
            Kind::Breach { breached, form } => answer::block_exceeded(breached, *form),
            Kind::NoIdentity => answer::forbidden("the client cannot be identified"),
            Kind::Notation(_) | Kind::Unsupported(_) => {
                tracing::error!("{self}");
                answer::internal_error()
            }
            Kind::Storage(error) => {
                tracing::error!(%error, "the storage could not decide; the block is denied");
                answer::unavailable()
            }
        }
    }
}
