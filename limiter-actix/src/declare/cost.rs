//! What a request costs.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::{function::Function, text::form};

/// A cost option of a builder: a number, or a function of the request.
#[diagnostic::on_unimplemented(
    message = "expected a cost or a function of the request that returns one, found `{Self}`",
    label = "not a cost",
    note = "write a `u64`, or a closure that names the type of its argument and returns a `u64`: \
            `|request: &HttpRequest| 5`"
)]
pub trait IntoCost<Form> {
    /// The cost in the form that the builder keeps.
    #[doc(hidden)]
    fn into_cost(self) -> GivenCost;
}

/// Not public API.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub struct GivenCost(pub(crate) Cost);

/// What a request costs.
#[derive(Clone)]
pub(crate) enum Cost {
    Fixed(u64),
    Function(Function<u64>),
}

impl Cost {
    pub(crate) fn is_immediate(&self) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Function(function) => function.is_immediate(),
        }
    }
}

impl IntoCost<form::List> for u64 {
    fn into_cost(self) -> GivenCost {
        GivenCost(Cost::Fixed(self))
    }
}

impl<F> IntoCost<form::Sync<u64>> for F
where
    F: Fn(&HttpRequest) -> u64 + Send + Sync + 'static,
{
    fn into_cost(self) -> GivenCost {
        GivenCost(Cost::Function(Function::Given(Arc::new(self))))
    }
}
