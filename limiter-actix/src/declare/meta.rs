//! Limits on breaches.

use std::{borrow::Cow, fmt};

use actix_web::{HttpRequest, HttpResponse};
use limiter_core::{Key, Quota, notation};

use super::function::{Function, RequestFn};
use crate::{error::BuildError, limit::Breach};

/// A limit on the number of breaches: a client that keeps sending requests after a 429 is locked
/// out until the window of the meta limit ends, or for a given time.
///
/// Every request of a client is first tested against its meta limits, without a charge. Breaches
/// are charged: one for every limit that was breached. A denial by a meta limit is not a breach
/// itself, so the client is released when the window ends.
///
/// ```
/// use limiter_actix::{limit, Limiter, MetaLimit};
///
/// // Five breaches within a minute: locked out for ten minutes. Twenty within a day: for a day.
/// static SHORT: MetaLimit = MetaLimit::new("5/minute").block("10 minutes");
/// static LONG: MetaLimit = MetaLimit::new("20/day").block("1 day");
///
/// #[limit("10/minute", meta = [SHORT, LONG])]
/// async fn login() -> &'static str { "welcome" }
///
/// // For all limits of the app, in every handler that is not exempt.
/// let builder = Limiter::builder().meta_limits(["100/day"]);
/// # let _ = builder;
/// ```
#[derive(Clone)]
pub struct MetaLimit {
    text: Cow<'static, str>,
    block: Option<&'static str>,
    pub(crate) cost: u64,
    key: Option<RequestFn<Option<Key>>>,
    exempt_when: Option<RequestFn<bool>>,
    pub(crate) on_breach: Option<fn(&Breach<'_>) -> Option<HttpResponse>>,
}

impl MetaLimit {
    /// One or several limits in [limit notation](limiter_core::notation): how many breaches are
    /// tolerated.
    ///
    /// # Panics
    /// If the notation is malformed; in a `static` that is a compile error.
    #[track_caller]
    pub const fn new(limits: &'static str) -> Self {
        notation::assert_valid(limits);
        Self::unchecked(Cow::Borrowed(limits))
    }

    const fn unchecked(text: Cow<'static, str>) -> Self {
        Self { text, block: None, cost: 1, key: None, exempt_when: None, on_breach: None }
    }

    /// How long a client is locked out, counted from the breach that used up the limit: `"10
    /// minutes"`, whatever is left of the window. Default: until the window ends.
    ///
    /// # Panics
    /// If the text is not a duration; in a `static` that is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn block(mut self, duration: &'static str) -> Self {
        notation::assert_valid_window(duration);
        self.block = Some(duration);
        self
    }

    /// The cost of one breach. Default: 1.
    #[must_use]
    pub const fn cost(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    /// The key under which breaches are counted. Default: the key of the limit that declares the
    /// meta limit, or the limiter's.
    #[must_use]
    pub const fn key(mut self, key: fn(&HttpRequest) -> Option<Key>) -> Self {
        self.key = Some(RequestFn::Sync(key));
        self
    }

    /// Which requests are not tested. Default: none.
    #[must_use]
    pub const fn exempt_when(mut self, exempt: fn(&HttpRequest) -> bool) -> Self {
        self.exempt_when = Some(RequestFn::Sync(exempt));
        self
    }

    /// Called when this limit denies a request. A response that it returns replaces the default
    /// one. Default: the limiter's [`on_meta_breach`](crate::LimiterBuilder::on_meta_breach).
    #[must_use]
    pub const fn on_breach(mut self, callback: fn(&Breach<'_>) -> Option<HttpResponse>) -> Self {
        self.on_breach = Some(callback);
        self
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The lock-out duration, as written.
    #[cfg(feature = "cli")]
    pub(crate) fn blocks_for(&self) -> Option<&'static str> {
        self.block
    }

    pub(crate) fn own_key(&self) -> Option<Function<Option<Key>>> {
        self.key.map(Function::Declared)
    }

    pub(crate) fn exemption(&self) -> Option<Function<bool>> {
        self.exempt_when.map(Function::Declared)
    }

    /// The quotas, and the quota of the block.
    pub(crate) fn parse(&self) -> Result<(Vec<Quota>, Option<Quota>), BuildError> {
        let quotas = notation::parse_many(&self.text)
            .map_err(|error| BuildError::new(format!("meta limit: {error}")))?;
        let block = self.block.map(block_quota).transpose()?;
        Ok((quotas, block))
    }
}

/// One block per window.
fn block_quota(window: &str) -> Result<Quota, BuildError> {
    notation::parse_window(window)
        .map_err(|error| BuildError::new(format!("the block of a meta limit: {error}")))
}

impl From<&'static str> for MetaLimit {
    /// The text is checked when the limiter is built.
    fn from(text: &'static str) -> Self {
        Self::unchecked(Cow::Borrowed(text))
    }
}

impl From<String> for MetaLimit {
    /// The text is checked when the limiter is built.
    fn from(text: String) -> Self {
        Self::unchecked(Cow::Owned(text))
    }
}

impl fmt::Debug for MetaLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetaLimit")
            .field("text", &self.text)
            .field("block", &self.block)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}
