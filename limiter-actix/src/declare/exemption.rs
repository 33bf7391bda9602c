//! Exemptions of handlers, scopes and paths.

use std::collections::HashSet;

/// The limits that a handler is exempt from. Its own limits always apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// Not limited by the limiter's default limits.
    pub defaults: bool,
    /// Not limited by the limiter's application limits.
    pub application: bool,
    /// Not limited by meta limits.
    pub meta: bool,
}

impl Exemption {
    /// Exempt from no limit.
    pub const NONE: Self = Self { defaults: false, application: false, meta: false };

    /// Exempt from everything, as by a bare `#[exempt]`.
    pub const ALL: Self = Self { defaults: true, application: true, meta: true };

    /// Exempt from everything that either is exempt from.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            defaults: self.defaults || other.defaults,
            application: self.application || other.application,
            meta: self.meta || other.meta,
        }
    }
}

/// Paths that are exempt from the limiter's own limits.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExemptPaths {
    written: Vec<String>,
    exact: HashSet<String>,
    /// With a slash at the end.
    prefixes: Vec<String>,
}

impl ExemptPaths {
    pub(crate) fn add(&mut self, path: String) {
        if let Some(prefix) = path.strip_suffix('*') {
            self.prefixes.push(prefix.to_owned());
        } else {
            self.exact.insert(path.clone());
        }
        self.written.push(path);
    }

    /// The first invalid path, as an error text.
    pub(crate) fn check(&self) -> Result<(), String> {
        for path in &self.written {
            if !path.starts_with('/') {
                return Err(format!("expected a path that starts with `/`, found `{path}`"));
            }
            if path.strip_suffix("/*").unwrap_or(path).contains('*') {
                return Err(format!(
                    "expected `*` after the last `/` alone, as in `/static/*`, found `{path}`"
                ));
            }
        }
        Ok(())
    }

    /// Whether a percent-decoded path is exempt.
    pub(crate) fn contains(&self, path: &str) -> bool {
        // A path that leads out again may be served from anywhere by what normalizes it.
        let is_below = |prefix: &String| path.starts_with(prefix) && !path.contains("..");
        self.exact.contains(path) || self.prefixes.iter().any(is_below)
    }

    /// The paths as they were written.
    #[cfg(feature = "cli")]
    pub(crate) fn written(&self) -> &[String] {
        &self.written
    }
}
