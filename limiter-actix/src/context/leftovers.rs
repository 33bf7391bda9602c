//! What requests left behind, finished by the worker.

use std::{
    cell::Cell,
    task::{Context as TaskContext, Waker},
};

use actix_web::rt;
use futures_core::future::LocalBoxFuture;
use tokio::{runtime::Handle, sync::mpsc};

/// What was left behind in one worker.
pub(crate) struct Leftovers {
    sender: mpsc::UnboundedSender<Leftover>,
    /// Until the task was started that finishes them.
    receiver: Cell<Option<mpsc::UnboundedReceiver<Leftover>>>,
    is_started: Cell<bool>,
}

type Leftover = LocalBoxFuture<'static, ()>;

impl Leftovers {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver: Cell::new(Some(receiver)), is_started: Cell::new(false) }
    }

    /// Starts the task, which ends with the worker. Not to be called where something is dropped:
    /// there may be no runtime any more.
    #[inline]
    pub(crate) fn start(&self) {
        if !self.is_started.get() {
            self.start_now();
        }
    }

    /// An Actix system that runs has a place for tasks; elsewhere there may be none, and there
    /// nothing is waited for either.
    #[cold]
    fn start_now(&self) {
        if rt::System::try_current().is_none() || Handle::try_current().is_err() {
            return;
        }
        self.is_started.set(true);
        if let Some(mut receiver) = self.receiver.take() {
            rt::spawn(async move {
                while let Some(leftover) = receiver.recv().await {
                    rt::spawn(leftover);
                }
            });
        }
    }

    /// Does at once what can be done at once; the rest is finished by the task.
    pub(crate) fn finish(&self, mut leftover: Leftover) {
        let mut nobody = TaskContext::from_waker(Waker::noop());
        if leftover.as_mut().poll(&mut nobody).is_pending() {
            // At the end of the worker nobody is left to finish it.
            let _ = self.sender.send(leftover);
        }
    }
}
