//! What the attributes promise of every handler they can stand on: that it compiles, that it
//! answers, and that the list of handlers tells the truth about it.
//!
//! Clippy is asked for more than elsewhere: an expansion must not warn in anybody's crate.

#![deny(
    missing_docs,
    unused_qualifications,
    let_underscore_drop,
    clippy::pedantic,
    clippy::nursery
)]
// Handlers of Actix are not `Send`, with or without limits.
#![allow(clippy::future_not_send)]
// The opposite of `unreachable_pub`.
#![allow(clippy::redundant_pub_crate)]

mod folding;
mod functions;
mod hygiene;
mod options;
mod positions;
mod records;
mod shapes;
mod support;
