//! What would happen without limits: Actix itself says which handler a request is routed to.

use std::collections::BTreeMap;

use crate::{
    app::{self, Site},
    handlers::Handler,
    poll::{Outcome, to_the_end},
    traffic::Call,
    trail::{self, Event, Seeming, Side},
    world::{APP, NodeId, World},
};

/// The app without limits. It has no memory.
pub(crate) struct Oracle {
    site: Site,
    /// The whole pattern of each resource.
    patterns: BTreeMap<NodeId, String>,
    /// The nodes that have limits.
    limited: Vec<NodeId>,
}

/// The way of a request through the app.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The answer, if nothing is limited.
    pub(crate) outcome: Outcome,
    /// What the path seemed to lead to.
    pub(crate) seeming: Seeming,
    pub(crate) met: Met,
}

/// What a request met on its way so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Met {
    /// Whether it came past the limiter around the app.
    pub(crate) is_inside: bool,
    /// The nodes with limits that it came to, outermost first.
    pub(crate) scopes: Vec<NodeId>,
    /// Whether the innermost of them has not let it pass yet.
    is_at_scope: bool,
    /// The pattern of the resource that it was routed to.
    pub(crate) pattern: Option<String>,
    /// Whether nothing was left of its path, as where it came to a resource.
    is_path_used_up: bool,
    /// Whether a layer answered it.
    pub(crate) is_answered: bool,
    /// Whether the handler's arguments were extracted.
    pub(crate) is_extracted: bool,
    pub(crate) handler: Option<Handler>,
}

impl Oracle {
    pub(crate) async fn new(world: &World) -> Self {
        let fences = world.fences();
        let limited = fences.values().filter(|fence| fence.limits.is_some());
        Self {
            site: app::unlimited(world).await,
            patterns: world.patterns(),
            limited: limited.map(|fence| fence.node).collect(),
        }
    }

    /// Sends a request through the app.
    pub(crate) fn route(&self, call: &Call, number: u32) -> Route {
        let outcome = to_the_end((self.site)(call.request(number)));
        let events = trail::of(number);
        let seeming = events.iter().find_map(|event| match event {
            Event::Seemed(seeming) => Some(seeming.clone()),
            _ => None,
        });
        let seeming = seeming.expect("every request is looked at before routing");
        Route { outcome, seeming, met: self.met(&events) }
    }

    /// What events say of a request's way.
    pub(crate) fn met(&self, events: &[Event]) -> Met {
        let mut met = Met::default();
        for event in events {
            match event {
                Event::Called(APP, Side::Inner) => met.is_inside = true,
                Event::Called(node, Side::Outer) => {
                    if let Some(pattern) = self.patterns.get(node) {
                        met.pattern = Some(pattern.clone());
                    }
                }
                Event::Passed(node, Side::Outer) if self.limited.contains(node) => {
                    met.scopes.push(*node);
                    met.is_at_scope = true;
                }
                Event::Called(node, Side::Inner) if self.limited.contains(node) => {
                    met.is_at_scope = false;
                }
                Event::PathUsedUp => met.is_path_used_up = true,
                Event::Answered(..) => met.is_answered = true,
                Event::Extracted => met.is_extracted = true,
                Event::Ran(handler) => met.handler = Some(*handler),
                Event::Seemed(_) | Event::Called(..) | Event::Passed(..) => {}
            }
        }
        met
    }
}

/// The kinds of ways that requests take.
pub(crate) const KINDS: [&str; 7] = [
    "way: to a gate",
    "way: to an undecorated handler",
    "way: to an answer of a layer",
    "way: to an error of a layer",
    "way: to a panic",
    "way: to a 404",
    "way: to a 405",
];

impl Route {
    /// Where it leads.
    pub(crate) fn kind(&self) -> &'static str {
        match self.outcome {
            _ if self.gate().is_some() => KINDS[0],
            Outcome::Failed(_) => KINDS[3],
            Outcome::Panicked => KINDS[4],
            Outcome::Answered(_) if self.met.is_answered => KINDS[2],
            Outcome::Answered(404) => KINDS[5],
            Outcome::Answered(405) => KINDS[6],
            Outcome::Answered(_) => KINDS[1],
        }
    }
}

impl Met {
    /// Whether it came past all scopes that it came to.
    pub(crate) fn is_past_scopes(&self) -> bool {
        !self.is_at_scope
    }

    /// Whether it came to no resource, no handler and no layer that answers.
    pub(crate) fn is_bare_404(&self) -> bool {
        self.pattern.is_none() && self.handler.is_none() && !self.is_answered
    }

    /// Whether everybody can see that: at the very prefix of a scope nobody can.
    pub(crate) fn is_plainly_bare_404(&self) -> bool {
        self.is_bare_404() && !self.is_path_used_up
    }
}
