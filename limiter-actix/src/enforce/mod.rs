//! Who charges a request, and when. The code is the table of the crate documentation:
//!
//! | rules | where |
//! | --- | --- |
//! | 1 to 3, the way in | `enter`; who may stand further inside, `insiders` |
//! | 4, the exchange | `decide`; finished whoever waits, `unstoppable` |
//! | 5 to 8, the way out | `finish`, `leave` |
//! | who is under way, who is unpaid, who waits | `credits`, `waiting` |
//!
//! What is known of endpoints is in [`endpoint`](crate::endpoint). Nothing here asks what an earlier
//! request was charged.

mod credits;
mod decide;
mod enter;
mod finish;
mod insiders;
mod leave;
mod unstoppable;
mod waiting;

pub(crate) use self::{
    credits::{Account, Credits, NoCredit},
    decide::{decide, decide_now},
    enter::{Layer, Step},
    finish::{Answer, Finish, admitted},
    insiders::{Gates, Insiders, add_scope, forget_started_scopes, started_scopes},
    unstoppable::Leftovers,
};
