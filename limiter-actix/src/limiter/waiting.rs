//! Requests that wait until another one of the same client leaves.

use std::{
    collections::{HashMap, VecDeque},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use actix_web::rt::time;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::account::{Account, NoCredit};

/// The most requests of one client that wait at one endpoint: each is a connection or stream that
/// has sent its head.
const MOST_WAITING: usize = 128;

/// Waiting requests, served in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    queues: Mutex<HashMap<Account, VecDeque<oneshot::Sender<bool>>>>,
    /// The number of queues, including those about to be created.
    needed: AtomicUsize,
}

/// A place in a queue, or a credit that is available at once.
pub(super) enum Turn {
    Now,
    Later(oneshot::Receiver<bool>),
}

impl Waiting {
    /// Whether any request waits. Read after a credit was given back; incremented before one is
    /// requested.
    #[inline]
    pub(super) fn is_needed(&self) -> bool {
        self.needed.load(Ordering::SeqCst) > 0
    }

    /// Joins the queue, unless a last `borrow` succeeds. `None` if too many wait, or if a request
    /// has left unpaid in the meantime.
    pub(super) fn join(
        &self,
        account: Account,
        borrow: impl FnOnce() -> Result<(), NoCredit>,
    ) -> Option<Turn> {
        let mut queues = self.queues.lock();
        if !queues.contains_key(&account) {
            self.needed.fetch_add(1, Ordering::SeqCst);
            let borrowed = borrow();
            if borrowed != Err(NoCredit::Busy) {
                self.needed.fetch_sub(1, Ordering::SeqCst);
                return borrowed.is_ok().then_some(Turn::Now);
            }
        }
        let queue = queues.entry(account).or_default();
        if queue.len() >= MOST_WAITING {
            queue.retain(|waiting| !waiting.is_closed());
        }
        if queue.len() >= MOST_WAITING {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        queue.push_back(sender);
        Some(Turn::Later(receiver))
    }

    /// Hands a credit to the first in the queue, if one is available.
    pub(super) fn hand_over(
        &self,
        account: Account,
        borrow: impl Fn() -> bool,
        give_back: impl Fn(),
    ) {
        let mut queues = self.queues.lock();
        let Some(queue) = queues.get_mut(&account) else { return };
        while !queue.is_empty() && borrow() {
            let took = queue.pop_front().is_some_and(|first| first.send(true).is_ok());
            if took {
                break;
            }
            give_back();
        }
        if queue.is_empty() {
            queues.remove(&account);
            self.needed.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// No request in the queue gets a credit.
    pub(super) fn turn_away(&self, account: Account) {
        if !self.is_needed() {
            return;
        }
        if let Some(queue) = self.queues.lock().remove(&account) {
            self.needed.fetch_sub(1, Ordering::SeqCst);
            for waiting in queue {
                // A request that is gone need not be notified.
                let _ = waiting.send(false);
            }
        }
    }
}

impl Turn {
    /// Whether a credit was handed over in time. One that arrives when the request no longer waits
    /// goes to `give_back`.
    pub(super) async fn within(self, most: Duration, give_back: impl Fn()) -> bool {
        let receiver = match self {
            Self::Now => return true,
            Self::Later(receiver) => receiver,
        };
        let mut waits = Waits { receiver, give_back };
        let handed = time::timeout(most, &mut waits.receiver).await;
        matches!(handed, Ok(Ok(true)))
    }
}

/// Gives back a credit that was handed to a request that is gone or has timed out.
struct Waits<F: Fn()> {
    receiver: oneshot::Receiver<bool>,
    give_back: F,
}

impl<F: Fn()> Drop for Waits<F> {
    fn drop(&mut self) {
        self.receiver.close();
        if matches!(self.receiver.try_recv(), Ok(true)) {
            (self.give_back)();
        }
    }
}
