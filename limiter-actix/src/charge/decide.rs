//! Has the storage decide a batch.

use limiter_core::{Outcome, Verb};

use super::{batch::Batch, collect::Refusal};
use crate::limiter::Limiter;

impl Batch {
    /// Charges the batch without waiting; `None` if the storage cannot answer at once.
    #[inline]
    pub(crate) fn hit_now(&mut self, limiter: &Limiter) -> Option<Result<(), Refusal>> {
        let outcome = if self.entries.is_empty() {
            Outcome::Admit
        } else {
            self.apply_now(limiter.storage(), Verb::Hit)?
        };
        Some(self.decided(limiter, outcome))
    }

    /// Charges the batch, whatever has to be waited for.
    pub(crate) async fn hit(&mut self, limiter: &Limiter) -> Result<(), Refusal> {
        match self.apply(limiter.storage(), Verb::Hit).await {
            Ok(outcome) => self.decided(limiter, outcome),
            Err(error) => Err(Refusal::Storage(error)),
        }
    }

    #[inline]
    fn decided(&mut self, limiter: &Limiter, outcome: Outcome) -> Result<(), Refusal> {
        self.outcome = Some(outcome);
        if limiter.settings().answers.headers.is_enabled() {
            self.decided_at = Some(limiter.settings().clock.coarse());
        }
        if self.rule.as_ref().is_some_and(|rule| rule.has_shadows()) {
            self.report_shadows();
        }
        match outcome {
            Outcome::Admit => Ok(()),
            Outcome::Deny => Err(Refusal::Breach),
        }
    }

    fn report_shadows(&self) {
        for (_, limit, decision) in self.decisions() {
            if limit.policy.is_shadow() && !decision.admitted() {
                tracing::info!(
                    policy = limit.policy.name(),
                    quota = %limit.policy.quota(),
                    "a shadow limit would have denied the request"
                );
            }
        }
    }
}
