//! "Could not decide": the storage did not answer.

use std::{error::Error, fmt, sync::Arc};

/// The storage could not decide. A denial is not an error; this is neither admit nor deny, and
/// the caller's failure policy must choose.
#[derive(Clone, Debug)]
pub struct StorageError {
    message: Box<str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl StorageError {
    /// An error with a message: lower case, what was expected and what was found.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into().into_boxed_str(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(self, source: impl Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
