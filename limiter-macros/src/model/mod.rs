//! What is meant: what one attribute declares, and what all attributes of a handler come to.
//!
//! Whatever can be wrong beyond the form of an argument is found here, on the way from what was
//! written.

mod declaration;
mod exemption;
mod function;
mod handler;
mod limit;

pub(crate) use self::{
    declaration::{Declaration, Kind},
    exemption::Exemption,
    function::Function,
    handler::Handler,
    limit::{Cost, Limit, Limits, Message, Meta, ScopeName, Source},
};
