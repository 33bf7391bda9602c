//! What a full storage does with newcomers.

/// What happens to a new client while every counter is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Newcomers share one counter per limit and shard, so together they get what one client gets.
    /// The default: a flood of new addresses is limited, and known clients are not affected.
    #[default]
    Share,
    /// Newcomers are denied; they may try again in a second.
    Deny,
}
