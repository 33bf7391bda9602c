//! The command line of a limiter: what is limited, and who is being limited?
//!
//! An app has no command runner of its own, so the command line runs in the app's `main`: after one
//! line there, `my-app limiter …` answers a question and exits, and every other command line starts
//! the app as before.
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
//! | `my-app limiter limits` | which limits apply to each handler? |
//! | `… limits --key 192.0.2.1` | may this client pass? |
//! | `… limits --path /search --method GET` | which limits apply to this path? (`--endpoint search`: to this handler) |
//! | `my-app limiter clear --key 192.0.2.1` | clears the counters of the client after a confirmation; `-y` skips it |
//!
//! # Keys
//!
//! The value of `--key` is used for every limit, whatever its key function. An address stands for
//! the client's network as the limiter counts it, and anything else is a text, unless it has a
//! prefix: `number:7`, `secret:s3cr3t` (an API key behind `secret_header`), `text:192.0.2.1`,
//! `everyone:`. The parts of a tuple are given one after the other: `--key 192.0.2.1 --key alice`.
//!
//! # What it cannot know
//!
//! * Counters in memory belong to the serving process; another process has none. So `--key` and
//!   `clear` are for limiters with a storage outside of the process, such as Redis. There, `clear`
//!   without a filter clears everything that was counted for the client. A server may remember a
//!   denial for ten seconds more.
//! * No function is called, because there is no request: limits, scopes and conditions that
//!   functions return are named but not evaluated, and a cost counts as 1.
//! * Which handler serves a path is known for handlers with a route attribute, by the name that the
//!   attribute gives to the resource. Use `--endpoint` to find others, and those that share a name.
//! * Undecorated endpoints are not listed one by one; `--path` shows each.
//! * Which endpoints are inside a scope is known only when a request passes it. So the limits of
//!   scopes are listed in sections of their own, and without their state.
//!
//! # Exit status
//!
//! * 0: answered.
//! * 1: not answered: an unknown endpoint or path, a storage that does not answer, filters that
//!   contradict each other, or a missing confirmation.
//! * 2: the command line is malformed.

// It imports `identify`, `answer`, `limiter` and `report`. It must not know how an answer is found: it
// reads words, and prints what `report` returns.

mod command;
mod config;
mod confirm;
mod failure;
mod limits;
mod run;

pub use self::run::Cli;
