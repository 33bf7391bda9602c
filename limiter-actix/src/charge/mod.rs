//! Collects keys and costs for the limits of a rule, has them decided as one batch, and gives back
//! or charges on top afterwards.
//!
//! It imports the rooms from `identify` to `resolve`, except `config`. It must not know where in
//! the app a request is, and it creates no response: it returns decisions.

mod batch;
mod collect;
mod decide;
mod outcome;
mod penalty;
mod settle;

pub(crate) use self::{
    batch::Batch,
    collect::{KnownClient, Refusal},
    penalty::Penalty,
    settle::Settlement,
};
