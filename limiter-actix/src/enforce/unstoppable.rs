//! Decisions that end whether or not anybody waits for them.
//!
//! A client may hang up while a storage decides. Then the future that waits is dropped, and with it
//! everything inside, at whatever point it is. What was handed to a storage must be finished all
//! the same: or who hangs up at the right moment is never charged.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Poll, Waker},
};

use actix_web::rt;
use futures_core::future::LocalBoxFuture;
use tokio::{runtime::Handle, sync::mpsc};

use crate::context::{Context, Worker};

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

/// A future that goes on when it is dropped.
pub(super) struct Unstoppable<T: 'static> {
    /// Taken when it is ready.
    future: Option<LocalBoxFuture<'static, T>>,
    worker: Rc<Worker>,
}

impl<T> Unstoppable<T> {
    pub(super) fn new(context: &Context, future: impl Future<Output = T> + 'static) -> Self {
        Self { future: Some(Box::pin(future)), worker: Rc::clone(&context.worker) }
    }
}

impl<T> Future for Unstoppable<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<T> {
        // A future is not polled again once it is ready.
        let future = self.future.as_mut().expect("polled after completion");
        let ready = future.as_mut().poll(cx);
        if ready.is_ready() {
            self.future = None;
        }
        ready
    }
}

impl<T> Drop for Unstoppable<T> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            self.worker.leftovers.finish(Box::pin(async move {
                future.await;
            }));
        }
    }
}
