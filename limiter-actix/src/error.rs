//! The limiter was not built, and why.

use std::{error::Error, fmt};

/// The limiter was not built: an option is wrong. The text names the option, what was found, and
/// the remedy.
#[derive(Clone, Debug)]
pub struct BuildError(Box<str>);

impl BuildError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into().into_boxed_str())
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BuildError {}
