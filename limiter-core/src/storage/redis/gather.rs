//! One call for the batches of many requests.
//!
//! The first request starts a task, which runs after the other requests that are ready at that
//! moment. Their batches go in the same call. No request waits for a timer, so a single one loses
//! no time.

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
    /// Owned by the task that will send them: if the task ends early, none of them is sent.
    next: Mutex<Weak<Waiting>>,
}

type Waiting = Mutex<Vec<Entry>>;

struct Entry {
    batch: Batch,
    answer: oneshot::Sender<Result<Option<Answer>, StorageError>>,
}

/// How many batches the list has room for at first.
const USUAL_BATCHES: usize = 16;

/// The most batches and charges of a call. A server does nothing else while it decides them: about
/// a millisecond if all counters are different.
const MOST_BATCHES: usize = 64;
const MOST_CHARGES: usize = 96;

impl Gathering {
    /// Sends a batch in one `call` together with those of other requests. `call` returns an answer
    /// for each batch, or `None` where the server refuses to decide them together and did nothing.
    ///
    /// A request that is dropped before the call is sent is not part of it.
    pub(super) async fn send<F>(
        self: &Arc<Self>,
        batch: Batch,
        call: impl Fn(Vec<Batch>) -> F + Send + Sync + 'static,
    ) -> Result<Option<Answer>, StorageError>
    where
        F: Future<Output = Result<Option<Vec<Answer>>, StorageError>> + Send,
    {
        let (sender, answer) = oneshot::channel();
        if let Some(waiting) = self.join(Entry { batch, answer: sender }) {
            let gathering = Arc::clone(self);
            task::spawn(async move {
                if has_several_threads() {
                    // There, a new task runs at once.
                    task::yield_now().await;
                }
                let calls = calls(gathering.close(&waiting));
                futures_util::future::join_all(
                    calls.into_iter().map(|entries| send(entries, &call)),
                )
                .await;
            });
        }
        answer.await.unwrap_or_else(|error| {
            Err(StorageError::new("the call was cancelled").with_source(error))
        })
    }

    /// Adds a batch to those that wait. If it is the first, returns the list, which has to be sent.
    fn join(&self, entry: Entry) -> Option<Arc<Waiting>> {
        let mut next = self.next.lock();
        if let Some(waiting) = next.upgrade() {
            waiting.lock().push(entry);
            return None;
        }
        let mut first = Vec::with_capacity(USUAL_BATCHES);
        first.push(entry);
        let waiting = Arc::new(Mutex::new(first));
        *next = Arc::downgrade(&waiting);
        Some(waiting)
    }

    /// The batches whose requests still wait. Later ones wait for the next call.
    fn close(&self, waiting: &Waiting) -> Vec<Entry> {
        let mut next = self.next.lock();
        *next = Weak::new();
        let mut waiting = std::mem::take(&mut *waiting.lock());
        waiting.retain(|entry| !entry.answer.is_closed());
        waiting
    }
}

fn has_several_threads() -> bool {
    runtime::Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() != runtime::RuntimeFlavor::CurrentThread)
}

/// Splits the batches into calls, in their order.
fn calls(waiting: Vec<Entry>) -> Vec<Vec<Entry>> {
    let (mut calls, mut charges) = (Vec::<Vec<Entry>>::new(), 0);
    for entry in waiting {
        charges += entry.batch.questions.len();
        match calls.last_mut() {
            Some(call) if call.len() < MOST_BATCHES && charges <= MOST_CHARGES => call.push(entry),
            _ => {
                charges = entry.batch.questions.len();
                calls.push(vec![entry]);
            }
        }
    }
    calls
}

async fn send<F>(entries: Vec<Entry>, call: &impl Fn(Vec<Batch>) -> F)
where
    F: Future<Output = Result<Option<Vec<Answer>>, StorageError>>,
{
    let (batches, senders): (Vec<_>, Vec<_>) =
        entries.into_iter().map(|entry| (entry.batch, entry.answer)).unzip();
    let mut answers = call(batches).await.map(|answers| answers.map(Vec::into_iter));
    for sender in senders {
        let answer = match &mut answers {
            Ok(Some(answers)) => answers.next().map(Some).ok_or_else(strange),
            Ok(None) => Ok(None),
            Err(error) => Err(error.clone()),
        };
        // The request may have been dropped.
        let _ = sender.send(answer);
    }
}
