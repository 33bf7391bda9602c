//! What a full storage does with newcomers.

/// What happens to a client that is new while every counter is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Newcomers share one counter per limit and shard, so together they get what one client gets.
    /// The default: a flood of new addresses is held down, and a known client notices nothing.
    #[default]
    Share,
    /// Newcomers are denied, and told to try again in a second.
    Deny,
}
