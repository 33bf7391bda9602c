//! Why a command failed.

use std::io;

/// Why a command failed.
pub(crate) enum Failure {
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
