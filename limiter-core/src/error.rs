//! "Could not decide": the storage did not answer, and what happens then.

use std::{error::Error, fmt, str::FromStr, sync::Arc};

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

/// What happens to a charge that its storage cannot decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnStoreError {
    /// This process decides it on its own counters. The default: when its store fails, a service
    /// neither stops nor runs without limits.
    #[default]
    Local,
    /// The whole batch fails with the storage's error: for what must never be admitted unchecked,
    /// such as a login.
    Deny,
    /// It is left out: admitted, and not counted.
    Allow,
}

impl OnStoreError {
    /// Every policy, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Local, Self::Deny, Self::Allow];

    /// The name in configuration and attributes: `local`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}

impl fmt::Display for OnStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OnStoreError {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.name() == name)
            .ok_or_else(|| UnknownPolicy(name.into()))
    }
}

/// A failure policy that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPolicy(Box<str>);

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = OnStoreError::ALL.map(OnStoreError::name).join("`, `");
        write!(f, "expected a policy for store errors (`{names}`), found `{}`", self.0)
    }
}

impl Error for UnknownPolicy {}
