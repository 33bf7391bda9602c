//! Which of the three attributes it is.

use syn::Path;

/// The kind of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Limit,
    SharedLimit,
    Exempt,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Limit, Self::SharedLimit, Self::Exempt];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::SharedLimit => "shared_limit",
            Self::Exempt => "exempt",
        }
    }

    /// The kind whose name is the last segment of the path.
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        let last = path.segments.last()?;
        Self::ALL.into_iter().find(|kind| last.ident == kind.name())
    }
}
