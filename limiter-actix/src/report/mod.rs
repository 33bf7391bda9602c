//! What is limited, and who is being limited, as data.
//!
//! It imports `identify`, `limit`, `answer`, `declare`, `limiter`, `resolve` and `charge`. It must not
//! know the command line: what it returns can be printed or serialized.

#[cfg(feature = "cli")]
mod limits;
#[cfg(feature = "cli")]
mod routing;
#[cfg(feature = "cli")]
mod settings;
#[cfg(feature = "cli")]
mod subject;
mod summary;

pub use self::summary::LimitSummary;
#[cfg(feature = "cli")]
pub(crate) use self::{
    limits::{Line, Section, State, Survey},
    routing::Configure,
    settings::options,
    subject::Selection,
};
