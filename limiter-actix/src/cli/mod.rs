//! The command line of a limiter: what is limited, and who is being limited?
//!
//! An app has no command runner of its own, so it lends its `main`: behind one line there,
//! `my-app limiter …` answers a question and exits, and everything else goes on as before.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, get, web};
//! use limiter_actix::{Limiter, cli::Cli, limit};
//!
//! #[get("/search")]
//! #[limit("10/minute")]
//! async fn search() -> &'static str { "found" }
//!
//! fn routes(config: &mut web::ServiceConfig) {
//!     config.service(search);
//! }
//!
//! #[actix_web::main]
//! async fn main() -> std::io::Result<()> {
//!     let limiter = Limiter::builder()
//!         .default_limits(["100/hour"])
//!         .storage_uri("memory://")
//!         .build()
//!         .await
//!         .map_err(std::io::Error::other)?;
//!     Cli::new(&limiter).routes(routes).run().await;
//!     HttpServer::new(move || App::new().wrap(limiter.middleware()).configure(routes))
//!         .bind(("127.0.0.1", 8080))?
//!         .run()
//!         .await
//! }
//! ```
//!
//! | command | answers |
//! | --- | --- |
//! | `my-app limiter config` | how is the limiter configured, and does its storage answer? |
//! | `my-app limiter limits` | which limits does each handler meet? |
//! | `… limits --key 192.0.2.1` | and may this client pass? |
//! | `… limits --path /search --method GET` | which does this path meet? (`--endpoint search`: this handler) |
//! | `my-app limiter clear --key 192.0.2.1` | asks, and forgets what the client has used; `-y` does not ask |
//!
//! # Keys
//!
//! `--key` stands for the key of every limit, whatever its key function. An address is the client's
//! network as the limiter counts it, anything else a text: `number:7`, `secret:s3cr3t` (an API key
//! behind `secret_header`), `text:192.0.2.1` and `everyone:` say otherwise. The parts of a tuple are
//! given one after the other: `--key 192.0.2.1 --key alice`.
//!
//! # What it cannot know
//!
//! * Counters in memory are those of the process that serves; another one has none. So `--key` and
//!   `clear` are for limiters with a storage of their own, such as Redis. There `clear` without a
//!   filter forgets everything of the client, whatever was counted for it. A server may remember a
//!   denial for ten seconds more.
//! * No function is called, because there is no request: limits, scopes and conditions of functions
//!   are named and left open, and a cost counts as 1.
//! * Which handler serves a path is known of handlers with a route attribute, by the name that it
//!   gives to its resource. Others, and those that share a name, are found by `--endpoint`.
//! * Undecorated endpoints are not listed one by one; `--path` shows each.
//! * Which endpoints a scope stands around is known when a request goes through it. So the limits of
//!   scopes are listed by themselves, and without their state.
//!
//! # Exit status
//!
//! 0: answered. 1: could not be answered: an unknown endpoint or path, a storage that does not
//! answer, filters that contradict each other, a question that nobody confirmed. 2: the command is
//! malformed.

mod command;
mod config;
mod confirm;
mod failure;
mod limits;
mod run;

pub use self::run::Cli;
