//! What must hold in every world, whatever the history.

use crate::{
    judge::Violation,
    knobs,
    traffic::Step,
    trial::{Tally, Trial},
    world::World,
};

/// A law.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Law {
    /// Every answer and every counter is that of the route that Actix takes.
    TheRouteAlone,
    /// A client gets what it gets where no other client has been.
    NoStrangers,
}

/// The client whose answers are compared.
pub(crate) const OWN: u8 = 1;

impl Law {
    /// The first step that breaks the law.
    pub(crate) async fn broken(
        self,
        world: &World,
        history: &[Step],
        tally: &mut Tally,
    ) -> Option<(usize, Violation)> {
        match self {
            Self::TheRouteAlone => the_route_alone(world, history, tally).await,
            Self::NoStrangers => no_strangers(world, history, tally).await,
        }
    }
}

async fn the_route_alone(
    world: &World,
    history: &[Step],
    tally: &mut Tally,
) -> Option<(usize, Violation)> {
    let mut trial = Trial::new(world).await;
    let mut broken = None;
    for (place, step) in history.iter().enumerate() {
        let played = trial.play(step).await;
        if knobs::is_verbose() {
            println!("  {step}\n    {played:?}");
        }
        if let Err(violation) = played {
            broken = Some((place, violation));
            break;
        }
    }
    tally.merge(trial.tally());
    broken
}

/// Plays the steps of one client in a world of their own as well, up to the first where the model
/// leaves a choice: from there on the counters may differ.
async fn no_strangers(
    world: &World,
    history: &[Step],
    tally: &mut Tally,
) -> Option<(usize, Violation)> {
    let (mut used, mut fresh) = (Trial::new(world).await, Trial::new(world).await);
    for (place, step) in history.iter().enumerate() {
        let among_strangers = used.play(step).await;
        if step.client().is_some_and(|client| client != OWN) {
            // What the model finds wrong with the others is for the other law.
            among_strangers.ok()?;
            continue;
        }
        let (among_strangers, alone) = match (among_strangers, fresh.play(step).await) {
            (Ok(among_strangers), Ok(alone)) => (among_strangers, alone),
            (Err(_), Err(_)) => return None,
            (Err(violation), Ok(_)) => {
                return Some((place, Violation { kind: "wrong among strangers", ..violation }));
            }
            (Ok(_), Err(violation)) => {
                return Some((place, Violation { kind: "wrong without strangers", ..violation }));
            }
        };
        if !(among_strangers.is_expected && alone.is_expected) {
            return None;
        }
        tally.add("steps compared", 1);
        let (alone, among_strangers) = (alone.sorted(), among_strangers.sorted());
        if alone != among_strangers {
            let text = format!("alone {alone:?}, among strangers {among_strangers:?}");
            return Some((place, Violation { kind: "strangers change an answer", text }));
        }
    }
    None
}
