//! `Cli`: a command line in, an answer and an exit status out.

use std::{
    env,
    ffi::OsString,
    fmt,
    io::{self, Write},
    process,
};

use actix_web::web::ServiceConfig;
use clap::ArgMatches;

use super::config;
use super::{command::command, failure::Failure, limits::Question};
use crate::{limiter::Limiter, report::Configure};

/// Answers `my-app limiter …`: see the [module](crate::cli).
#[must_use = "it does nothing until it runs"]
pub struct Cli {
    limiter: Limiter,
    routes: Option<Configure>,
}

impl Cli {
    /// A command line for this limiter. Without [`routes`](Self::routes) no paths are known.
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

    /// Answers a command line, whose first word is the name of the program: the answer is written
    /// to `out`, errors to `problems`. Returns the exit status.
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
                // Help is an answer; a malformed command line is not.
                return match usage.use_stderr() {
                    true => report_problem(problems, &usage, 2),
                    false => u8::from(write!(out, "{usage}").is_err()),
                };
            }
        };
        let done = self.dispatch(&matches, out).await;
        match done.and_then(|()| out.flush().map_err(Failure::Output)) {
            // The reader has closed the pipe: no error.
            Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Ok(()) => 0,
            Err(Failure::Refused(problem)) => {
                report_problem(problems, &format!("error: {problem}\n"), 1)
            }
            Err(Failure::Output(error)) => report_problem(
                problems,
                &format!("error: the answer could not be written: {error}\n"),
                1,
            ),
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
            // Clap requires a subcommand.
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cli").field("limiter", &self.limiter).finish_non_exhaustive()
    }
}

fn report_problem(problems: &mut impl Write, problem: &impl fmt::Display, status: u8) -> u8 {
    // If even this cannot be written, the exit status has to be enough.
    let _ = write!(problems, "{problem}");
    status
}
