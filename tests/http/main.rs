//! Decorated and undecorated handlers behind the middleware: in process, and in a server over
//! sockets.

#[macro_use]
mod macros;

mod behaviours;
mod endpoints;
mod headers;
mod sockets;
mod storages;
mod wiring;
