//! Options: the names of counters.

use super::builder::LimiterBuilder;

impl LimiterBuilder {
    /// A prefix for the name of every counter: limiters with different prefixes never share a
    /// counter, even in one storage. Default: none.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.key_prefix = prefix.into();
        self
    }
}
