//! The way of a request through the middleware, without a box where nothing is waited for.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Poll, ready},
};

use actix_web::{
    Error, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
};
use futures_core::future::LocalBoxFuture;
use pin_project_lite::pin_project;

use crate::{
    charge,
    context::Context,
    endpoint::{Endpoint, Seen},
};

type Answer<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

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
    /// The request goes on; `finish` is what is left to do with the response.
    #[inline]
    pub(super) fn inner(future: S::Future, finish: Option<Finish>) -> Self {
        Self { state: State::Inner { future, finish } }
    }

    pub(super) fn denied(response: ServiceResponse<EitherBody<B>>) -> Self {
        Self { state: State::Denied { response: Some(response) } }
    }

    pub(super) fn waiting(future: impl Future<Output = Answer<B>> + 'static) -> Self {
        Self { state: State::Waiting { future: Box::pin(future) } }
    }
}

impl<S, B> Future for RateLimitFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Output = Answer<B>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Inner { future, finish } => {
                let mut answer = ready!(future.poll(cx));
                if let Some(finish) = finish {
                    finish.finish(&mut answer);
                }
                Poll::Ready(answer.map(ServiceResponse::map_into_left_body))
            }
            StateProjection::Waiting { future } => future.as_mut().poll(cx),
            StateProjection::Denied { response } => {
                // A future is not polled again once it is ready.
                let response = response.take().expect("polled after completion");
                Poll::Ready(Ok(response))
            }
        }
    }
}

/// What is left to do when a request comes out again.
pub(super) struct Finish {
    context: Rc<Context>,
    /// Nothing is learnt about exempt paths.
    endpoint: Option<(Rc<Endpoint>, Seen)>,
}

impl Finish {
    #[inline]
    pub(super) fn new(context: Rc<Context>, endpoint: Option<(Rc<Endpoint>, Seen)>) -> Self {
        Self { context, endpoint }
    }

    /// The last steps. The answer stays where it is: it is large, and moving it is not free.
    #[inline]
    fn finish<B>(&self, answer: &mut Result<ServiceResponse<B>, Error>) {
        self.learn();
        if self.context.worker.limiter().settings.headers.are_on() {
            self.headers(answer);
        }
    }

    /// **Learn**: remembers whether a gate answered, and charges what no gate did.
    #[inline]
    fn learn(&self) {
        let Some((endpoint, seen)) = &self.endpoint else { return };
        let gated = self.context.gate().is_some();
        if *seen == Seen::Decorated && !gated {
            charge::charge_afterwards(&self.context, &endpoint.rule);
        }
        endpoint.knowledge.learn(gated);
    }

    fn headers<B>(&self, answer: &mut Result<ServiceResponse<B>, Error>) {
        let batch = &mut *self.context.batch.borrow_mut();
        let limiter = self.context.worker.limiter();
        batch.refresh(limiter);
        let headers = &limiter.settings.headers;
        match answer {
            Ok(response) => headers.write(batch, response.headers_mut()),
            Err(error) => {
                // The error becomes a response further out; this is told to it then.
                let fields = headers.fields(batch);
                error.add_response_mapper(move |mut response: HttpResponse| {
                    fields.clone().write(response.headers_mut());
                    response
                });
            }
        }
    }
}
