//! The future of a limited request, without a box if nothing has to be awaited.

use std::{
    future::Future,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
};
use futures_core::future::LocalBoxFuture;
use pin_project_lite::pin_project;

use super::finish::{Answer, Finish, admitted};

pin_project! {
    /// The response of a limited service.
    pub struct RateLimitFuture<S: Service<ServiceRequest>, B> {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S: Service<ServiceRequest>, B> {
        Denied { response: Option<ServiceResponse<EitherBody<B>>> },
        Inner { #[pin] future: S::Future, finish: Option<Finish> },
        Waiting { future: LocalBoxFuture<'static, Answer<B>> },
    }
}

impl<S, B> RateLimitFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    /// The request continues inwards; `finish` holds the last steps for when it leaves.
    #[inline]
    pub(crate) fn inner(future: S::Future, finish: Option<Finish>) -> Self {
        Self { state: State::Inner { future, finish } }
    }

    pub(crate) fn denied(response: ServiceResponse<EitherBody<B>>) -> Self {
        Self { state: State::Denied { response: Some(response) } }
    }

    pub(crate) fn waiting(future: impl Future<Output = Answer<B>> + 'static) -> Self {
        Self { state: State::Waiting { future: Box::pin(future) } }
    }
}

impl<S, B> Future for RateLimitFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Output = Answer<B>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        match self.as_mut().project().state.project() {
            StateProjection::Inner { future, finish } => {
                let mut answer = ready!(future.poll(cx));
                let Some(finish) = finish.take() else { return Poll::Ready(answer.map(admitted)) };
                if finish.is_done(&mut answer) {
                    return Poll::Ready(answer.map(admitted));
                }
                let future = Box::pin(finish.settle(answer));
                self.as_mut().project().state.set(State::Waiting { future });
                self.poll(cx)
            }
            StateProjection::Waiting { future } => future.as_mut().poll(cx),
            StateProjection::Denied { response } => {
                // A future is not polled again after completion.
                let response = response.take().expect("polled after completion");
                Poll::Ready(Ok(response))
            }
        }
    }
}
