//! The grammar of the command line.

use actix_web::http::Method;
use clap::{Arg, ArgAction, ArgMatches, Command};
use limiter_core::Key;

use super::failure::Failure;
use crate::limiter::Limiter;

pub(super) fn command(name: String) -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let filters = [
        option("endpoint", "HANDLER", "Only this handler: its name, or its whole path"),
        option("path", "PATH", "Only the endpoint of this path; GET unless a method is given"),
        option("method", "METHOD", "Only requests of this method").value_parser(method_of),
    ];
    let key =
        option("key", "KEY", "The client: an address, a text, number:7, secret:.., everyone:")
            .action(ArgAction::Append);
    Command::new("limiter")
        .bin_name(name)
        .about("Shows what is limited, and who is being limited")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("config").about("Shows how the limiter is configured"))
        .subcommand(
            Command::new("limits")
                .about("Shows the limits of each handler, and whether a client may pass")
                .args(&filters)
                .arg(key.clone()),
        )
        .subcommand(
            Command::new("clear")
                .about("Clears the counters of a client")
                .args(&filters)
                .arg(key.required(true))
                .arg(
                    Arg::new("yes")
                        .short('y')
                        .long("yes")
                        .action(ArgAction::SetTrue)
                        .help("Skip the confirmation"),
                ),
        )
}

fn method_of(text: &str) -> Result<Method, String> {
    text.to_ascii_uppercase().parse().map_err(|_| "expected a method such as GET".to_owned())
}

/// The key that the arguments stand for; `None` without any.
pub(super) fn key_of(limiter: &Limiter, matches: &ArgMatches) -> Result<Option<Key>, Failure> {
    let identity = &limiter.settings().identity.addresses;
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
