//! Middleware inside the limiter: it passes on at once or after some polls, answers `x-auth: bad`
//! itself, and writes down what it does.

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    error,
};
use futures_util::future::LocalBoxFuture;

use crate::{
    trail::{self, Event, Side},
    world::NodeId,
};

/// What a layer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kind {
    /// How often it is pending before it does anything.
    pub(crate) polls: u8,
    /// What it does with `x-auth: bad`.
    pub(crate) bad: Bad,
}

/// What a layer does with `x-auth: bad`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bad {
    #[default]
    PassOn,
    /// Answers with a response of 401.
    Answer,
    /// Answers with an error of 401.
    Fail,
}

impl Kind {
    pub(crate) const NONE: Self = Self { polls: 0, bad: Bad::PassOn };
}

/// A layer at one side of a node's limits.
pub(crate) struct Layer {
    pub(crate) node: NodeId,
    pub(crate) side: Side,
    pub(crate) kind: Kind,
}

impl<S, B> Transform<S, ServiceRequest> for Layer
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type InitError = ();
    type Transform = LayerService<S>;
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let Self { node, side, kind } = *self;
        ready(Ok(LayerService { inner: Rc::new(service), node, side, kind }))
    }
}

pub(crate) struct LayerService<S> {
    inner: Rc<S>,
    node: NodeId,
    side: Side,
    kind: Kind,
}

impl<S, B> Service<ServiceRequest> for LayerService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Self { node, side, kind, .. } = *self;
        let number = trail::number(request.headers());
        trail::push(number, Event::Called(node, side));
        if request.match_info().unprocessed().is_empty() {
            trail::push(number, Event::PathUsedUp);
        }
        let is_bad = request.headers().get("x-auth").is_some_and(|value| value == "bad");
        if is_bad && kind.bad != Bad::PassOn {
            return Box::pin(async move {
                pending(kind.polls).await;
                trail::push(number, Event::Answered(node, side));
                answer(kind.bad, request)
            });
        }
        if kind.polls == 0 {
            // As most layers do: the call goes on within the call.
            trail::push(number, Event::Passed(node, side));
            let answer = self.inner.call(request);
            return Box::pin(async { Ok(answer.await?.map_into_boxed_body()) });
        }
        let inner = Rc::clone(&self.inner);
        Box::pin(async move {
            pending(kind.polls).await;
            trail::push(number, Event::Passed(node, side));
            Ok(inner.call(request).await?.map_into_boxed_body())
        })
    }
}

fn answer(bad: Bad, request: ServiceRequest) -> Result<ServiceResponse<BoxBody>, Error> {
    match bad {
        Bad::Fail => Err(error::ErrorUnauthorized("who are you?")),
        Bad::Answer | Bad::PassOn => {
            Ok(request.into_response(HttpResponse::Unauthorized().finish()))
        }
    }
}

/// A future that is ready after so many polls.
pub(crate) fn pending(polls: u8) -> Pending {
    Pending(polls)
}

pub(crate) struct Pending(u8);

impl Future for Pending {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
