//! What is meant: what one attribute declares, and what all attributes of a handler come to.
//!
//! Whatever can be wrong beyond the form of an argument is found here, on the way from what was
//! written.

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
