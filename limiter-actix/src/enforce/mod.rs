//! Who charges a request, and when: the state table.

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
    insiders::{Gates, Insiders, add_scope},
    unstoppable::Leftovers,
};
