//! The fast path: a few charges of one client, on counters that exist.

use super::table::{Table, Words};
use crate::{
    charge::{Charge, Mode},
    clock::Timestamp,
    decision::Outcome,
};

/// Decides a few charges of one client on counters that exist, as most requests make. `None` where
/// one is missing; then nothing was taken.
///
/// Each charge is taken as soon as it is admitted, so that the next one on the same counter sees
/// it; and all are undone, under the same lock, if the batch is denied in the end.
#[inline]
pub(super) fn hit_known(
    table: &mut Table,
    charges: &mut [Charge<'_>],
    take: bool,
    now: Timestamp,
) -> Option<Outcome> {
    if let ([charge], true) = (&mut *charges, take) {
        // A single charge that is denied took nothing that would have to be undone.
        return hit_one(table, charge, now, &mut Default::default());
    }
    if charges.len() > FEW {
        return None;
    }
    let mut undo = [(0, Words::default()); FEW];
    let mut known = 0;
    let mut outcome = Some(Outcome::Admit);
    for (charge, undo) in charges.iter_mut().zip(&mut undo) {
        match hit_one(table, charge, now, undo) {
            Some(Outcome::Admit) => {}
            Some(Outcome::Deny) => outcome = Some(Outcome::Deny),
            None => {
                outcome = None;
                break;
            }
        }
        known += 1;
    }
    if !take || outcome != Some(Outcome::Admit) {
        for (charge, (place, before)) in charges.iter_mut().zip(undo).take(known).rev() {
            table.undo(place, before);
            charge.charged_at = None;
        }
    }
    outcome
}

/// Most requests make no more charges than this.
const FEW: usize = 6;

/// Decides one charge on a counter that exists, and takes it at once if it is admitted. `undo` gets
/// what the counter was. Returns whether the batch may be admitted; `None` without such a counter.
#[inline(always)]
fn hit_one(
    table: &mut Table,
    charge: &mut Charge<'_>,
    now: Timestamp,
    undo: &mut (u16, Words),
) -> Option<Outcome> {
    let place = table.find(charge.counter())?;
    undo.0 = place;
    match table.hit(place, charge, now, &mut undo.1)? {
        Outcome::Deny if charge.mode != Mode::Shadow => Some(Outcome::Deny),
        _ => Some(Outcome::Admit),
    }
}
