//! The handlers that apps are put together from: a fixed set of decorated ones, and undecorated ones
//! that do the same.

use std::{
    future::{Ready, ready},
    panic::resume_unwind,
};

use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Route, dev::Payload};
use limiter_actix::{HandlerRecord, Key, exempt, handlers, limit};

use crate::{
    layer::pending,
    trail::{self, Event},
};

/// A handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Handler {
    Decorated(Decorated),
    Undecorated(Behaviour),
}

/// What a handler does before it answers with 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Behaviour {
    AnswersAtOnce,
    /// Is pending so often.
    Waits(u8),
    Panics,
}

/// The decorated handlers, each a variant, a function of the same name, and what it does.
macro_rules! decorated {
    ($($(#[$attribute:meta])+ $variant:ident $function:ident $behaviour:expr;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Decorated {
            $($variant,)+
        }

        impl Decorated {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The function's name, which `#[get]` and its siblings give to the resource.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($function),)+
                }
            }

            fn behaviour(self) -> Behaviour {
                match self {
                    $(Self::$variant => $behaviour,)+
                }
            }

            /// The route to the function itself.
            fn mount(self, route: Route) -> Route {
                match self {
                    $(Self::$variant => route.to($function),)+
                }
            }
        }

        $(
            $(#[$attribute])+
            async fn $function(visit: Visit) -> HttpResponse {
                visit.answer(Handler::Decorated(Decorated::$variant)).await
            }
        )+
    };
}

decorated! {
    #[limit("3/minute")]
    Three three Behaviour::AnswersAtOnce;

    #[limit("2/minute", override_defaults = false)]
    TwoMore two_more Behaviour::AnswersAtOnce;

    #[exempt]
    Free free Behaviour::AnswersAtOnce;

    #[exempt(application)]
    FreeOfApplication free_of_application Behaviour::AnswersAtOnce;

    #[exempt(application)]
    #[limit("2/minute")]
    TwoAlone two_alone Behaviour::AnswersAtOnce;

    #[limit("2/minute", key = user)]
    ByUser by_user Behaviour::AnswersAtOnce;

    #[limit("4/minute")]
    Slow slow Behaviour::Waits(2);

    #[limit("3/minute")]
    Panicking panicking Behaviour::Panics;
}

/// Who [`Decorated::ByUser`] counts.
fn user(request: &HttpRequest) -> Option<Key> {
    request.headers().get("x-user").and_then(|value| value.to_str().ok()).map(Key::text)
}

impl Decorated {
    /// What the attributes have declared.
    pub(crate) fn record(self) -> &'static HandlerRecord {
        thread_local! {
            static RECORDS: Vec<&'static HandlerRecord> = handlers();
        }
        let own = |records: &Vec<&'static HandlerRecord>| {
            records.iter().copied().find(|record| record.name() == self.name())
        };
        RECORDS.with(own).expect("every decorated handler is listed")
    }

    /// Whether the default limits apply to it, with counters of its own.
    pub(crate) fn keeps_defaults(self) -> bool {
        let record = self.record();
        let overrides = record.limits().iter().any(|limit| limit.overrides_defaults());
        !record.exempt().defaults && !overrides
    }
}

impl Handler {
    /// The route to the handler as it is.
    pub(crate) fn mount(self, route: Route) -> Route {
        match self {
            Self::Decorated(decorated) => decorated.mount(route),
            Self::Undecorated(_) => self.stand_in(route),
        }
    }

    /// The route to an undecorated handler that does the same.
    pub(crate) fn stand_in(self, route: Route) -> Route {
        route.to(move |visit: Visit| visit.answer(self))
    }

    pub(crate) fn decorated(self) -> Option<Decorated> {
        match self {
            Self::Decorated(decorated) => Some(decorated),
            Self::Undecorated(_) => None,
        }
    }

    fn behaviour(self) -> Behaviour {
        match self {
            Self::Decorated(decorated) => decorated.behaviour(),
            Self::Undecorated(behaviour) => behaviour,
        }
    }
}

/// The argument of every handler.
pub(crate) struct Visit {
    request: u32,
}

impl FromRequest for Visit {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = trail::number(request.headers());
        trail::push(request, Event::Extracted);
        ready(Ok(Self { request }))
    }
}

impl Visit {
    async fn answer(self, handler: Handler) -> HttpResponse {
        trail::push(self.request, Event::Ran(handler));
        match handler.behaviour() {
            Behaviour::AnswersAtOnce => {}
            Behaviour::Waits(polls) => pending(polls).await,
            // Without the message of a panic, which is none of a test.
            Behaviour::Panics => resume_unwind(Box::new("as it should")),
        }
        HttpResponse::Ok().finish()
    }
}
