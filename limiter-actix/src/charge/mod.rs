//! Keys and costs for the limits of a rule, decided as one batch; given back; charged on top.
//!
//! It imports the rooms from `identify` to `resolve`, but `config`. It must not know where in the app
//! a request is, and makes no response: it returns what was decided.

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
