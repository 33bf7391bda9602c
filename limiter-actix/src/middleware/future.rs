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

use crate::{charge, context::Context, endpoint::Seen, settle::Settlement};

type Answer<B> = Result<ServiceResponse<EitherBody<B>>, Error>;
type InnerAnswer<B> = Result<ServiceResponse<B>, Error>;

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
        Settling { settling: LocalBoxFuture<'static, ()>, answer: Option<InnerAnswer<B>>, finish: Finish },
        Waiting { future: LocalBoxFuture<'static, Answer<B>> },
    }
}

impl<S, B> RateLimitFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    /// The request goes on; `finish` is what is left to do with the response.
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
    B: MessageBody,
{
    type Output = Answer<B>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        match self.as_mut().project().state.project() {
            StateProjection::Inner { future, finish } => {
                let mut answer = ready!(future.poll(cx));
                let Some(finish) = finish else {
                    return Poll::Ready(answer.map(ServiceResponse::map_into_left_body));
                };
                match finish.settlement(&answer) {
                    None => {
                        finish.finish(&mut answer);
                        Poll::Ready(answer.map(ServiceResponse::map_into_left_body))
                    }
                    Some(settlement) => {
                        let settling = Box::pin(settlement.settle());
                        let (finish, answer) = (finish.clone(), Some(answer));
                        let settling = State::Settling { settling, answer, finish };
                        self.as_mut().project().state.set(settling);
                        self.poll(cx)
                    }
                }
            }
            StateProjection::Settling { settling, answer, finish } => {
                ready!(settling.as_mut().poll(cx));
                // A future is not polled again once it is ready.
                let mut answer = answer.take().expect("polled after completion");
                finish.finish(&mut answer);
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
#[derive(Clone)]
pub(crate) struct Finish {
    context: Rc<Context>,
    /// What was known about the endpoint when the request came in.
    seen: Seen,
}

impl Finish {
    #[inline]
    pub(super) fn new(context: Rc<Context>, seen: Seen) -> Self {
        Self { context, seen }
    }

    /// What the response changes about the charges.
    #[inline]
    fn settlement<B>(&self, answer: &InnerAnswer<B>) -> Option<Settlement> {
        let settles = self.context.batch.borrow().rule().is_some_and(|rule| rule.settles());
        if !settles {
            return None;
        }
        match answer {
            Ok(response) => Settlement::of(&self.context, response.response().head()),
            Err(error) => Settlement::of(&self.context, error.error_response().head()),
        }
    }

    /// The last steps. The answer stays where it is: it is large, and moving it is not free.
    #[inline]
    fn finish<B>(&self, answer: &mut InnerAnswer<B>) {
        self.learn(answer);
        if self.context.worker.limiter().settings.headers.are_on() {
            self.headers(answer);
        }
    }

    /// **Learn**: remembers who charged the request, and charges what nobody did. Nothing is learnt
    /// from exempt paths.
    #[inline]
    fn learn<B>(&self, answer: &InnerAnswer<B>) {
        let endpoint = self.context.endpoint.borrow();
        let Some(endpoint) = endpoint.as_ref() else { return };
        if endpoint.exempt {
            if let Ok(response) = answer {
                endpoint.check_unmatched(response.request(), self.context.worker.limiter());
            }
            return;
        }
        let enforcer = self.context.enforcer();
        if let Seen::By(expected) = self.seen
            && expected > enforcer
        {
            let request = answer.as_ref().ok().map(ServiceResponse::request);
            charge::charge_afterwards(&self.context, request, &endpoint.plan);
        }
        endpoint.knowledge.learn(enforcer);
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
