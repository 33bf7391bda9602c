//! `limiter config`: how a limiter is configured, and whether its storage answers.

use std::io::Write;

use super::failure::Failure;
use crate::{limiter::Limiter, report::options};

pub(super) async fn print(limiter: &Limiter, out: &mut impl Write) -> Result<(), Failure> {
    for line in options(limiter) {
        writeln!(out, "{:<32} {}", line.option, line.value)?;
    }
    let answer = limiter.probe_storage().await;
    let status = if answer.is_ok() { "OK" } else { "Error" };
    writeln!(out, "{:<32} {status}", "storage status")?;
    answer.map_err(|error| Failure::Refused(error.to_string()))
}
