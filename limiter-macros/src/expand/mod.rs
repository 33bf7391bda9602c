//! What is generated for a handler: its record, and the gate around its arguments.
//!
//! May import the annotated function, the model and the path of the runtime crate. Must not know
//! how arguments are written, nor report a mistake: what arrives here has been checked.
//!
//! The files, lowest first: function, record, gate.

mod function;
mod gate;
mod record;

#[cfg(test)]
mod tests;

pub(crate) use self::gate::gated;
