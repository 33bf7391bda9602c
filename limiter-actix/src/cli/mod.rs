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
//! * No function is asked, because there is no request: limits, scopes and conditions of functions
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

mod config;
mod endpoint;
mod limits;
mod routing;

use std::{
    env,
    ffi::OsString,
    fmt,
    io::{self, IsTerminal, Write},
    process,
};

use actix_web::{http::Method, web::ServiceConfig};
use clap::{Arg, ArgAction, ArgMatches, Command};
use limiter_core::Key;

use self::limits::Question;
use crate::limiter::Limiter;

/// Answers `my-app limiter …`: see the [module](self).
#[must_use = "it does nothing until it runs"]
pub struct Cli {
    limiter: Limiter,
    routes: Option<Configure>,
}

type Configure = Box<dyn FnOnce(&mut ServiceConfig)>;

/// Why a question was not answered.
enum Failure {
    /// What was expected and what was found.
    Refused(String),
    /// The answer could not be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Cli {
    /// For this limiter. Without [`routes`](Self::routes) no paths are known.
    pub fn new(limiter: &Limiter) -> Self {
        Self { limiter: limiter.clone(), routes: None }
    }

    /// The routes of the app, as for `App::configure`. No handler is ever called.
    pub fn routes(mut self, configure: impl FnOnce(&mut ServiceConfig) + 'static) -> Self {
        self.routes = Some(Box::new(configure));
        self
    }

    /// Answers the command line of this process and exits, if its first argument is `limiter`;
    /// returns at once if it is not.
    pub async fn run(self) {
        let mut arguments = env::args_os();
        let program = arguments.next().unwrap_or_default();
        if arguments.next().is_some_and(|first| first == "limiter") {
            let name = format!("{} limiter", program.to_string_lossy());
            let arguments = [OsString::from(name)].into_iter().chain(arguments);
            let (out, problems) = (&mut io::stdout(), &mut io::stderr());
            process::exit(self.answer(arguments, out, problems).await.into());
        }
    }

    /// Answers a command line, of which the first word is what the program is called: the answer
    /// goes to `out`, what is wrong to `problems`. Returns the exit status.
    pub async fn answer(
        self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        out: &mut impl Write,
        problems: &mut impl Write,
    ) -> u8 {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let name = arguments.first().map(|name| name.to_string_lossy().into_owned());
        let matches = match command(name.unwrap_or_default()).try_get_matches_from(arguments) {
            Ok(matches) => matches,
            Err(usage) => {
                // Help is an answer; a mistake is not.
                return match usage.use_stderr() {
                    true => complain(problems, &usage, 2),
                    false => u8::from(write!(out, "{usage}").is_err()),
                };
            }
        };
        let done = self.dispatch(&matches, out).await;
        match done.and_then(|()| out.flush().map_err(Failure::Output)) {
            // Whoever reads has seen enough.
            Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Ok(()) => 0,
            Err(Failure::Refused(problem)) => complain(problems, &format!("error: {problem}\n"), 1),
            Err(Failure::Output(error)) => {
                complain(problems, &format!("error: the answer was not written: {error}\n"), 1)
            }
        }
    }

    async fn dispatch(self, matches: &ArgMatches, out: &mut impl Write) -> Result<(), Failure> {
        let Self { limiter, routes } = self;
        match matches.subcommand() {
            Some(("config", _)) => config::print(&limiter, out).await,
            Some(("clear", matches)) => {
                let question = Question::new(&limiter, routes, matches).await?;
                question.clear(matches.get_flag("yes"), out).await
            }
            Some((_, matches)) => {
                let question = Question::new(&limiter, routes, matches).await?;
                question.print(out).await
            }
            // Clap requires one of them.
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cli").field("limiter", &self.limiter).finish_non_exhaustive()
    }
}

fn complain(problems: &mut impl Write, problem: &impl fmt::Display, status: u8) -> u8 {
    // Where nobody can be told the status has to be enough.
    let _ = write!(problems, "{problem}");
    status
}

fn command(name: String) -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let filters = [
        option("endpoint", "HANDLER", "Only this handler: its name, or its whole path"),
        option("path", "PATH", "Only what serves this path, by GET where no method is given"),
        option("method", "METHOD", "Only requests of this method").value_parser(method_of),
    ];
    let key =
        option("key", "KEY", "The client: an address, a text, number:7, secret:.., everyone:")
            .action(ArgAction::Append);
    Command::new("limiter")
        .bin_name(name)
        .about("What is limited, and who is being limited?")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("config").about("Shows how the limiter is configured"))
        .subcommand(
            Command::new("limits")
                .about("Shows which limits each handler meets, and whether a client may pass")
                .args(&filters)
                .arg(key.clone()),
        )
        .subcommand(
            Command::new("clear")
                .about("Forgets what a client has used")
                .args(&filters)
                .arg(key.required(true))
                .arg(
                    Arg::new("yes")
                        .short('y')
                        .long("yes")
                        .action(ArgAction::SetTrue)
                        .help("Do not ask"),
                ),
        )
}

fn method_of(text: &str) -> Result<Method, String> {
    text.to_ascii_uppercase().parse().map_err(|_| "expected a method such as GET".to_owned())
}

/// The key that the words stand for; `None` without any.
fn key_of(limiter: &Limiter, matches: &ArgMatches) -> Result<Option<Key>, Failure> {
    let identity = &limiter.inner().settings.identity;
    let part = |text: &String| match text.split_once(':') {
        Some(("text", text)) => Ok(Key::text(text)),
        Some(("secret", secret)) => Ok(Key::secret(secret.as_bytes())),
        Some(("everyone", "")) => Ok(Key::text("")),
        Some(("number", number)) => number.parse().map(Key::number).map_err(|_| {
            Failure::Refused(format!("--key: expected a whole number, found `{number}`"))
        }),
        _ => Ok(text.parse().map_or_else(|_| Key::text(text), |address| identity.key(address))),
    };
    let parts = matches.get_many("key").unwrap_or_default().map(part);
    let parts: Vec<Key> = parts.collect::<Result<_, _>>()?;
    Ok(parts.into_iter().reduce(|first, next| first.and(&next)))
}

/// Whether somebody at a terminal says yes.
fn is_confirmed(question: &str, out: &mut impl Write) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Refused(
            "expected somebody at a terminal who can be asked, found none: `-y` does not ask"
                .to_owned(),
        ));
    }
    write!(out, "{question} [y/N]: ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
