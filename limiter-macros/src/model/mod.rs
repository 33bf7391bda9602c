//! What attributes mean: what one declares, and what all attributes of a handler declare together.
//!
//! Arguments are turned into checked values here, and every mistake in their names, their values
//! and their combination is reported on the way. May import arguments, routes, the path of the
//! runtime crate and errors. Must not know the annotated function, nor which code is generated.
//!
//! The files, lowest first: kind, function, value, exemption, methods, argument, options, source,
//! limit, declaration, handler.

mod argument;
mod declaration;
mod exemption;
mod function;
mod handler;
mod kind;
mod limit;
mod methods;
mod options;
mod source;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    declaration::Declaration,
    exemption::Exemption,
    function::Function,
    handler::Handler,
    kind::Kind,
    limit::Limit,
    source::{Limits, Source},
    value::{Cost, Message, Meta, ScopeName},
};
