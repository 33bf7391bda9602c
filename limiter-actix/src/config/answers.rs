//! Options: how requests are answered.

use super::builder::LimiterBuilder;
use crate::{
    answer::Headers,
    declare::on_breach,
    limit::{Breach, IntoBreachResponse},
};

impl LimiterBuilder {
    /// Called for every limit that denies a request, before the limit's own `on_breach`. If several
    /// callbacks return a response, the last one is sent. Default: none.
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
        self.answers.on_breach = Some(on_breach(callback));
        self
    }

    /// Called for a meta limit that denies a request, unless the meta limit has its own callback.
    /// Default: none.
    pub fn on_meta_breach<R: IntoBreachResponse>(
        mut self,
        callback: impl Fn(&Breach<'_>) -> R + Send + Sync + 'static,
    ) -> Self {
        self.answers.on_meta_breach = Some(on_breach(callback));
        self
    }

    /// Which response headers report the limits. Default: [`Headers::off`]; a denial has
    /// `Retry-After` in any case.
    pub fn headers(mut self, headers: Headers) -> Self {
        self.answers.headers = headers;
        self
    }

    /// Whether a denial names only the first breached limit (the one with the shortest window) or
    /// all of them. `Retry-After` respects all of them either way. Default: yes.
    pub fn fail_on_first_breach(mut self, first: bool) -> Self {
        self.answers.fail_on_first_breach = first;
        self
    }
}
