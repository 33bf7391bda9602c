//! One call for the batches of many requests.
//!
//! The first request that asks starts a task, which runs when the others that are ready at that
//! moment have had their turn: what they asked meanwhile goes in the same call. Nobody waits for a
//! timer, so a request that is alone loses nothing.

use std::{
    future::Future,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use tokio::{runtime, sync::oneshot, task};

use super::{
    answer::{Answer, strange},
    batch::Batch,
};
use crate::error::StorageError;

/// The batches of one runtime that wait for the next call.
#[derive(Default)]
pub(super) struct Gathering {
    /// The task that will send them owns them: if it ends, they end with it, and none is sent.
    next: Mutex<Weak<Waiting>>,
}

type Waiting = Mutex<Vec<Asked>>;

struct Asked {
    batch: Batch,
    answer: oneshot::Sender<Result<Option<Answer>, StorageError>>,
}

/// For how many there is room at once.
const USUAL_BATCHES: usize = 16;

/// The most batches and charges of a call: a server does nothing else while it decides them, about a
/// millisecond if all counters are different.
const MOST_BATCHES: usize = 64;
const MOST_CHARGES: usize = 96;

impl Gathering {
    /// Asks about a batch in one `call` with those of other requests. That answers for each batch,
    /// or `None` where the server refuses to decide them together, and did nothing.
    ///
    /// A request that goes away before the call is sent is not part of it.
    pub(super) async fn ask<F>(
        self: &Arc<Self>,
        batch: Batch,
        call: impl Fn(Vec<Batch>) -> F + Send + Sync + 'static,
    ) -> Result<Option<Answer>, StorageError>
    where
        F: Future<Output = Result<Option<Vec<Answer>>, StorageError>> + Send,
    {
        let (sender, answer) = oneshot::channel();
        if let Some(waiting) = self.join(Asked { batch, answer: sender }) {
            let gathering = Arc::clone(self);
            task::spawn(async move {
                if has_several_threads() {
                    // There, a new task runs at once.
                    task::yield_now().await;
                }
                let calls = calls(gathering.close(&waiting));
                futures_util::future::join_all(calls.into_iter().map(|asked| send(asked, &call)))
                    .await;
            });
        }
        answer.await.unwrap_or_else(|error| {
            Err(StorageError::new("the call was given up").with_source(error))
        })
    }

    /// Adds to those that wait; if there are none, these have to be sent.
    fn join(&self, asked: Asked) -> Option<Arc<Waiting>> {
        let mut next = self.next.lock();
        if let Some(waiting) = next.upgrade() {
            waiting.lock().push(asked);
            return None;
        }
        let mut first = Vec::with_capacity(USUAL_BATCHES);
        first.push(asked);
        let waiting = Arc::new(Mutex::new(first));
        *next = Arc::downgrade(&waiting);
        Some(waiting)
    }

    /// Those who waited and still do. Who comes now waits for the next call.
    fn close(&self, waiting: &Waiting) -> Vec<Asked> {
        let mut next = self.next.lock();
        *next = Weak::new();
        let mut waiting = std::mem::take(&mut *waiting.lock());
        waiting.retain(|asked| !asked.answer.is_closed());
        waiting
    }
}

fn has_several_threads() -> bool {
    runtime::Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() != runtime::RuntimeFlavor::CurrentThread)
}

/// What goes in one call, in the order in which it was asked.
fn calls(waiting: Vec<Asked>) -> Vec<Vec<Asked>> {
    let (mut calls, mut charges) = (Vec::<Vec<Asked>>::new(), 0);
    for asked in waiting {
        charges += asked.batch.questions.len();
        match calls.last_mut() {
            Some(call) if call.len() < MOST_BATCHES && charges <= MOST_CHARGES => call.push(asked),
            _ => {
                charges = asked.batch.questions.len();
                calls.push(vec![asked]);
            }
        }
    }
    calls
}

async fn send<F>(asked: Vec<Asked>, call: &impl Fn(Vec<Batch>) -> F)
where
    F: Future<Output = Result<Option<Vec<Answer>>, StorageError>>,
{
    let (batches, senders): (Vec<_>, Vec<_>) =
        asked.into_iter().map(|asked| (asked.batch, asked.answer)).unzip();
    let mut answers = call(batches).await.map(|answers| answers.map(Vec::into_iter));
    for sender in senders {
        let answer = match &mut answers {
            Ok(Some(answers)) => answers.next().map(Some).ok_or_else(strange),
            Ok(None) => Ok(None),
            Err(error) => Err(error.clone()),
        };
        // It may have gone.
        let _ = sender.send(answer);
    }
}
