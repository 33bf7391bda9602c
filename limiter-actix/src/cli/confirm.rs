//! Asks for confirmation at a terminal.

use std::io::IsTerminal;
use std::io::{self, Write};

use super::failure::Failure;

/// Whether the user confirms at a terminal.
pub(super) fn is_confirmed(question: &str, out: &mut impl Write) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Refused(
            "expected a terminal to confirm at, found none: use `-y` to skip the confirmation"
                .to_owned(),
        ));
    }
    write!(out, "{question} [y/N]: ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
