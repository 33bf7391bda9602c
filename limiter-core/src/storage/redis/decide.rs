//! How a batch is decided: in one call, or slot by slot, given back if one denies.

use std::sync::Arc;

use deadpool_redis::redis::RedisResult;

use super::{
    answer::{Answer, strange},
    batch::Batch,
    call::Call,
    connection::Connection,
    servers::{Servers, is_cross_slot},
};
use crate::{charge::Charge, decision::Outcome, error::StorageError, storage::interface::Verb};

/// The charges of one client in a batch.
type Group<'a, 'b> = Vec<&'a mut Charge<'b>>;

impl Servers {
    /// Decides a batch, or gives it back.
    pub(super) async fn decide(
        self: &Arc<Self>,
        verb: Verb,
        charges: &mut [Charge<'_>],
    ) -> Result<Outcome, StorageError> {
        if self.may_span_slots() {
            let batch = Batch::new(verb, self.prefix(), charges.iter());
            if batch.questions.is_empty() {
                return Ok(Outcome::Admit);
            }
            let servers = Arc::clone(self);
            let call = move |batches| Arc::clone(&servers).call(batches);
            if let Some(answer) = self.gathering()?.send(batch, call).await? {
                return answer.write(verb, charges);
            }
        }
        // Boxed: seldom needed, it would make every decision large.
        Box::pin(self.decide_groups(verb, &mut groups(charges))).await
    }

    /// Runs the script on the batches of several requests. `None` where the server takes one slot
    /// at a time only; then it did nothing.
    async fn call(
        self: Arc<Self>,
        batches: Vec<Batch>,
    ) -> Result<Option<Vec<Answer>>, StorageError> {
        let connection = self.connect().await?;
        match self.run(&connection, &batches).await {
            Ok(answers) => answers.map(Some).ok_or_else(strange),
            Err(error) if is_cross_slot(&error) => {
                self.keep_slots_apart();
                Ok(None)
            }
            Err(error) => Err(self.failed(&connection, error)),
        }
    }

    /// Decides several slots side by side. If one denies, what the others took is given back.
    async fn decide_groups(
        &self,
        verb: Verb,
        groups: &mut [Group<'_, '_>],
    ) -> Result<Outcome, StorageError> {
        let connection = &self.connect().await?;
        let calls = groups.iter_mut().map(|group| async move {
            let batch = Batch::new(verb, self.prefix(), group.iter().map(|charge| &**charge));
            if batch.questions.is_empty() {
                return Ok(Outcome::Admit);
            }
            let answer = self.decide_one(connection, batch).await?;
            answer.write(verb, group.iter_mut().map(|charge| &mut **charge))
        });
        let mut outcome = Ok(Outcome::Admit);
        for answer in futures_util::future::join_all(calls).await {
            match answer {
                Ok(Outcome::Admit) => {}
                Ok(Outcome::Deny) if outcome.is_ok() => outcome = Ok(Outcome::Deny),
                Ok(Outcome::Deny) => {}
                Err(error) => outcome = Err(error),
            }
        }
        if verb == Verb::Hit && groups.len() > 1 && !matches!(outcome, Ok(Outcome::Admit)) {
            self.give_back(connection, groups).await;
        }
        outcome
    }

    async fn give_back(&self, connection: &Connection, groups: &mut [Group<'_, '_>]) {
        for group in groups {
            let taken =
                Batch::new(Verb::Refund, self.prefix(), group.iter().map(|charge| &**charge));
            if taken.questions.is_empty() {
                continue;
            }
            // What cannot be given back may deny a client too early. It never admits one too many.
            let _ = self.decide_one(connection, taken).await;
            for charge in group {
                charge.charged_at = None;
            }
        }
    }

    /// Runs the script on one batch, whose counters are in one slot.
    async fn decide_one(
        &self,
        connection: &Connection,
        batch: Batch,
    ) -> Result<Answer, StorageError> {
        let answers = self.run(connection, &[batch]).await;
        let answers = answers.map_err(|error| self.failed(connection, error))?;
        answers.and_then(|mut answers| answers.pop()).ok_or_else(strange)
    }

    async fn run(
        &self,
        connection: &Connection,
        batches: &[Batch],
    ) -> RedisResult<Option<Vec<Answer>>> {
        Call::new(batches, self.now()).run(&mut connection.clone()).await
    }
}

/// The charges by client: on a cluster one call can decide those of one.
fn groups<'a, 'b>(charges: &'a mut [Charge<'b>]) -> Vec<Group<'a, 'b>> {
    let mut groups: Vec<Group<'_, '_>> = Vec::new();
    for charge in charges {
        match groups.iter().position(|group| group[0].key == charge.key) {
            Some(place) => groups[place].push(charge),
            None => groups.push(vec![charge]),
        }
    }
    groups
}
