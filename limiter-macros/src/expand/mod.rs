//! What is generated for a handler: its record, and the gate around its arguments.
//!
//! Imports the model, the annotated function and the path of the runtime crate. Whatever arrives
//! here has been checked, so nothing here reports a mistake or knows how an argument was written.

mod function;
mod gate;
mod record;

#[cfg(test)]
mod tests;

pub(crate) use self::gate::gated;
