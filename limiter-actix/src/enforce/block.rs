//! A limit around a block of code.

use std::{error::Error, fmt, rc::Rc};

use actix_web::{HttpRequest, HttpResponse, ResponseError, http::StatusCode};
use limiter_core::{Key, NotationError, StorageError, Strategy, notation};

use super::deny;
use crate::{
    answer::{self, Form, Headers},
    charge::{Batch, KnownClient, Refusal},
    context::Context,
    declare::{Cost, Function, IntoCost, IntoLimits, LimitText, check_enforceable, key_function},
    identify::KeyBy,
    limit::{CurrentLimit, longest_wait},
    limiter::{Limiter, namespace},
    resolve::{Block, Rule},
};

/// A limit around a block of code, inside a handler or in any function that has the request: for
/// cases in which only some requests reach the expensive part, or the cost becomes known late.
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
/// Each endpoint has separate counters, divided further by [`scope`](Self::scope), unless they are
/// [`shared`](Self::shared). Every `enter` is charged; default and application limits do not count
/// it. If the limiter is disabled, or if an allow list or a filter exempts the request, `enter`
/// succeeds without a charge.
#[must_use = "nothing is limited until `enter` is called"]
pub struct BlockLimit {
    limiter: Limiter,
    limits: LimitText<Vec<String>>,
    scope: Option<String>,
    shared: Option<String>,
    key: Option<Function<Option<Key>>>,
    cost: Cost,
    strategy: Option<Strategy>,
}

impl BlockLimit {
    pub(crate) fn new(limiter: Limiter, limits: LimitText<Vec<String>>) -> Self {
        Self {
            limiter,
            limits,
            scope: None,
            shared: None,
            key: None,
            cost: Cost::Fixed(1),
            strategy: None,
        }
    }

    /// Divides the counters of the endpoint: by the name of the block, or by a value that it works
    /// on. Default: the blocks of an endpoint share counters.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Shares counters with all blocks of this name, whatever the endpoint.
    pub fn shared(mut self, scope: impl Into<String>) -> Self {
        self.shared = Some(scope.into());
        self
    }

    /// The key of a client. Default: the limiter's key.
    pub fn key(mut self, key: impl KeyBy + Send + Sync + 'static) -> Self {
        self.key = Some(key_function(key));
        self
    }

    /// What the block costs: a number or a function of the request. Default: 1.
    pub fn cost<F>(mut self, cost: impl IntoCost<F>) -> Self {
        self.cost = cost.into_cost().0;
        self
    }

    /// The strategy. Default: the limiter's.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = Some(strategy);
        self
    }

    /// Charges the request, or returns the reason for which it may not enter.
    ///
    /// # Errors
    /// A limit is breached, the client has no identity, the limit is malformed, or the storage did
    /// not answer. As a response the error is a 429, 403, 500 or 503, with a problem body.
    pub async fn enter(&self, request: &HttpRequest) -> Result<(), BlockError> {
        // Exemptions of another limiter, and its being disabled, do not apply to this one.
        let context = Context::of(request)
            .filter(|context| context.worker().limiter().is_same_limiter(&self.limiter));
        let let_through = context.is_some_and(|context| context.is_let_through());
        if let_through || !self.limiter.is_enabled() {
            return Ok(());
        }
        let Some(rule) = self.rule(request).await? else { return Ok(()) };
        let mut batch = Batch::default();
        batch
            .collect(&self.limiter, request, Rc::new(rule), KnownClient::default())
            .await
            .map_err(|refusal| self.error(&batch, request, refusal))?;
        let decided = match batch.hit_now(&self.limiter) {
            Some(decided) => decided,
            None => batch.hit(&self.limiter).await,
        };
        decided.map_err(|refusal| self.error(&batch, request, refusal))
    }

    fn error(&self, batch: &Batch, request: &HttpRequest, refusal: Refusal) -> BlockError {
        BlockError(match refusal {
            Refusal::Breach => Kind::Breach {
                breached: batch.breached_limits(self.limiter.shared_storage()),
                form: Form::preferred(request),
                headers: self.limiter.settings().answers.headers.clone(),
            },
            Refusal::NoIdentity(_) => Kind::NoIdentity,
            Refusal::InvalidLimit => Kind::Unsupported("it is malformed".to_owned()),
            Refusal::Storage(error) => Kind::Storage(error),
        })
    }

    /// The limits of the block for a request; `None` if it has none.
    async fn rule(&self, request: &HttpRequest) -> Result<Option<Rule>, BlockError> {
        let texts = match &self.limits {
            // Only a function may return no limit.
            LimitText::Fixed(texts) if texts.is_empty() => {
                let problem = "expected at least one limit, found an empty list";
                return Err(BlockError(Kind::Unsupported(problem.to_owned())));
            }
            LimitText::Fixed(texts) => texts.clone(),
            LimitText::Dynamic(function) => match function.call(request).await {
                none if none.is_empty() => return Ok(None),
                text => vec![text.into_owned()],
            },
        };
        let settings = self.limiter.settings();
        let strategy = self.strategy.unwrap_or(settings.limits.strategy);
        let mut quotas = Vec::new();
        for text in &texts {
            quotas.extend(
                notation::parse_many(text).map_err(|error| BlockError(Kind::Notation(error)))?,
            );
        }
        for quota in &quotas {
            check_enforceable(quota, strategy, self.limiter.storage())
                .map_err(|problem| BlockError(Kind::Unsupported(problem)))?;
        }
        let scope = match &self.shared {
            Some(shared) => settings.namespace.shared_block(shared),
            None => settings.namespace.block(&endpoint(request), self.scope.as_deref()),
        };
        let label = self.shared.as_deref().or(self.scope.as_deref()).unwrap_or("block");
        let cost = match &self.cost {
            Cost::Fixed(cost) => *cost,
            // Called once, however many limits there are.
            Cost::Function(cost) => cost.call(request).await,
        };
        let key = self.key.clone();
        Ok(Some(Block { quotas, strategy, scope, label, key, cost }.rule()))
    }
}

/// The endpoint of the block.
fn endpoint(request: &HttpRequest) -> String {
    match Context::of(request) {
        Some(context) => context.location(request).name.to_string(),
        None => request.match_pattern().unwrap_or_else(|| namespace::UNMATCHED.to_owned()),
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
    Breach { breached: Vec<CurrentLimit>, form: Form, headers: Headers },
    NoIdentity,
    Notation(NotationError),
    Unsupported(String),
    Storage(StorageError),
}

impl BlockError {
    /// The breached limits, shortest window first; empty if the error has another cause.
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
            Kind::Breach { breached, form, headers } => block_exceeded(breached, *form, headers),
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

impl Limiter {
    /// A limit around a block of code: see [`BlockLimit`].
    pub fn limit<F>(&self, limits: impl IntoLimits<F>) -> BlockLimit {
        BlockLimit::new(self.clone(), limits.into_limits().0)
    }
}

/// The response of a block of code that the request may not enter.
fn block_exceeded(breached: &[CurrentLimit], form: Form, headers: &Headers) -> HttpResponse {
    let detail = breached.first().map_or_else(String::new, |limit| limit.quota().to_string());
    let response = answer::exceeded(form, detail, breached);
    let wait = longest_wait(breached.iter().map(CurrentLimit::retry_after));
    deny::with_denial(response, wait, headers, breached.to_vec())
}
