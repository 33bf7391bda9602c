//! Asking somebody at a terminal.

use std::io::IsTerminal;
use std::io::{self, Write};

use super::failure::Failure;

/// Whether somebody at a terminal confirms.
pub(super) fn is_confirmed(question: &str, out: &mut impl Write) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Refused(
            "expected a terminal to confirm at, found none: `-y` does not ask".to_owned(),
        ));
    }
    write!(out, "{question} [y/N]: ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
