//! Behaviours 28 to 61: which limits apply.

mod blocks;
mod defaults;
mod dynamic;
mod exemptions;
mod limiters;
mod scopes;
mod shared;
