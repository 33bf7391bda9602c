//! Work that requests leave behind, finished by the worker.

use std::{
    cell::Cell,
    task::{Context as TaskContext, Waker},
};

use actix_web::rt;
use futures_core::future::LocalBoxFuture;
use tokio::{runtime::Handle, sync::mpsc};

/// The work that requests of one worker have left behind.
pub(crate) struct Leftovers {
    sender: mpsc::UnboundedSender<Leftover>,
    /// Until the task that finishes it is started.
    receiver: Cell<Option<mpsc::UnboundedReceiver<Leftover>>>,
    is_started: Cell<bool>,
}

type Leftover = LocalBoxFuture<'static, ()>;

impl Leftovers {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver: Cell::new(Some(receiver)), is_started: Cell::new(false) }
    }

    /// Starts the task, which ends with the worker. Must not be called from a `drop`: there may be
    /// no runtime any more.
    #[inline]
    pub(crate) fn start(&self) {
        if !self.is_started.get() {
            self.start_now();
        }
    }

    /// A running Actix system accepts tasks; elsewhere there may be none, and then nothing is
    /// awaited either.
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

    /// Finishes the work at once if possible; otherwise the task does.
    pub(crate) fn finish(&self, mut leftover: Leftover) {
        let mut noop = TaskContext::from_waker(Waker::noop());
        if leftover.as_mut().poll(&mut noop).is_pending() {
            // When the worker ends, there is no task to finish it.
            let _ = self.sender.send(leftover);
        }
    }
}
