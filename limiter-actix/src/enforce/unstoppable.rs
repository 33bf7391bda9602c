//! Decisions that complete even if nothing awaits them.
//!
//! A client may hang up while a storage decides. Then the waiting future is dropped, with
//! everything inside it, at whatever point it is. A decision that was sent to a storage must be
//! completed nevertheless: otherwise a client that hangs up at the right moment would never be
//! charged.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Poll},
};

use futures_core::future::LocalBoxFuture;

use crate::context::{Context, Worker};

/// A future that continues when it is dropped.
pub(super) struct Unstoppable<T: 'static> {
    /// Taken when it is ready.
    future: Option<LocalBoxFuture<'static, T>>,
    worker: Rc<Worker>,
}

impl<T> Unstoppable<T> {
    pub(super) fn new(context: &Context, future: impl Future<Output = T> + 'static) -> Self {
        Self { future: Some(Box::pin(future)), worker: Rc::clone(context.worker()) }
    }
}

impl<T> Future for Unstoppable<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<T> {
        // A future is not polled again after completion.
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
            self.worker.leftovers().finish(Box::pin(async move {
                future.await;
            }));
        }
    }
}
