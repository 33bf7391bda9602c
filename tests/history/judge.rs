//! Whether what was seen is what the model says, or an error that is allowed.

use std::collections::BTreeSet;

use limiter_actix::core::Timestamp;

use crate::{
    allowance::{Facts, may_be_admitted_inside},
    due::{Counters, Due, Place},
    handlers::{Decorated, Handler},
    knobs,
    ledger::Used,
    oracle::{Met, Route},
    poll::Outcome,
    traffic::Call,
    world::World,
};

/// Equal requests that were sent together, or one.
pub(crate) struct Case<'a> {
    pub(crate) world: &'a World,
    pub(crate) call: &'a Call,
    pub(crate) route: &'a Route,
    pub(crate) facts: &'a Facts,
    pub(crate) counters: &'a Counters,
    pub(crate) now: Timestamp,
    pub(crate) requests: usize,
    /// Whether the client has gone before there was an answer.
    pub(crate) has_gone: bool,
}

/// What was seen of a case.
pub(crate) struct Seen {
    /// How many were not denied. Of a request whose client went away while the limiter was deciding
    /// nobody can tell.
    pub(crate) admitted: Option<usize>,
    pub(crate) used: Used,
}

/// What a case may be charged.
struct Offer {
    due: Due,
    /// Whether a gate charges it, and so nobody goes on unpaid.
    is_of_gate: bool,
    /// Charges that may come on top, or stand in.
    more: Option<More>,
}

enum More {
    /// The limits of a handler that is behind the layer that answered: charged with the due, as one
    /// batch, by the limiter that has met the handler.
    Blind { due: Due, is_certain: bool },
    /// The due of the endpoint that the request seemed to be for, if its own cannot be charged.
    Guessed(Due),
}

/// Why things are as they are.
pub(crate) struct Explanation {
    /// Whether there was but one thing to expect, and it came.
    pub(crate) is_expected: bool,
    pub(crate) due: Due,
    pub(crate) charged: u64,
    pub(crate) more: Option<(Due, u64)>,
    /// How many went on, charged nothing.
    pub(crate) unpaid: usize,
    /// How many were perhaps not charged all that was tried.
    pub(crate) perhaps_unpaid: usize,
    /// How many were denied although there was room for them.
    denied_within: usize,
    is_of_gate: bool,
}

/// What broke the law.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
}

impl Case<'_> {
    /// Explains what was seen of requests that were answered.
    pub(crate) fn explain(&self, seen: &Seen) -> Result<Explanation, Violation> {
        self.explain_by(&self.offers(), seen)
    }

    /// Explains what was seen of a request whose client went away.
    pub(crate) fn explain_hang_up(&self, met: &Met, seen: &Seen) -> Result<Explanation, Violation> {
        self.explain_by(&self.offers_of_hang_up(met), seen)
    }

    /// Says what happened, and to which request.
    pub(crate) fn violation(&self, kind: &'static str, what: &str) -> Violation {
        let Self { call, route: Route { outcome, seeming, met }, requests, .. } = self;
        let text = format!(
            "{what}\n    of {requests} x {call}\n    unlimited: {outcome:?}, {met:?}\n    {seeming:?}"
        );
        Violation { kind, text }
    }

    /// Whether a request that no gate can tell the client of was denied before it came there: it is
    /// denied either way.
    pub(crate) fn is_hidden_from_gate(&self, outcomes: &[Option<Outcome>]) -> bool {
        self.lacks_identity() && outcomes.contains(&Some(Outcome::Answered(429)))
    }

    /// Whether an outcome is a denial: 403 where nobody can tell whom to charge.
    pub(crate) fn is_denial(&self, outcome: Option<Outcome>) -> bool {
        match outcome {
            Some(Outcome::Answered(429)) => true,
            Some(Outcome::Answered(403)) => self.lacks_identity(),
            _ => false,
        }
    }

    /// Whether the gate cannot tell whom to charge.
    fn lacks_identity(&self) -> bool {
        self.gate() == Some(Decorated::ByUser) && !self.call.has_user
    }

    /// The gate that the requests come to.
    pub(crate) fn gate(&self) -> Option<Decorated> {
        self.route.gate()
    }

    /// The explanation with the fewest errors, if those are allowed.
    fn explain_by(&self, offers: &[Offer], seen: &Seen) -> Result<Explanation, Violation> {
        let mut best: Option<Explanation> = None;
        for explanation in offers.iter().flat_map(|offer| self.explanations(offer, seen)) {
            if best.as_ref().is_none_or(|best| explanation.errors() < best.errors()) {
                best = Some(explanation);
            }
            if best.as_ref().is_some_and(Explanation::is_exact) {
                break;
            }
        }
        let Some(mut explanation) = best else { return Err(self.unexplained(offers, seen)) };
        self.check(&explanation)?;
        explanation.is_expected = matches!(offers, [Offer { more: None, .. }])
            && seen.admitted.is_some()
            && explanation.is_exact();
        Ok(explanation)
    }

    /// Whether the errors of an explanation are allowed.
    fn check(&self, explanation: &Explanation) -> Result<(), Violation> {
        let Self { world, facts, .. } = *self;
        let Explanation { charged, unpaid, denied_within, is_of_gate, .. } = *explanation;
        if unpaid > 0 {
            if is_of_gate {
                let what = format!("{unpaid} went on, charged nothing");
                return Err(self.violation("a gate admits too many", &what));
            }
            let allowed = facts.may_be_unpaid(world, self);
            let kind = self.kind_of_service();
            if unpaid > allowed && !knobs::is_tolerated(kind) {
                let what = format!("{unpaid} went on, charged nothing; allowed are {allowed}");
                return Err(self.violation(kind, &what));
            }
        }
        if denied_within > 0 && !self.may_be_denied() {
            let kind = self.kind_of_denial();
            if !knobs::is_tolerated(kind) {
                let what =
                    format!("{denied_within} denied although there was room; {charged} charged");
                return Err(self.violation(kind, &what));
            }
        }
        Ok(())
    }

    /// Whether the limiter may deny a client that is within its limits.
    fn may_be_denied(&self) -> bool {
        // What costs nothing in the end may stand in the way of others of a burst meanwhile.
        self.facts.may_be_denied(self) || self.requests > 1 && self.is_free_if_unmatched()
    }

    fn kind_of_service(&self) -> &'static str {
        if may_be_admitted_inside(self.world, self.route) {
            "served beyond the limits"
        } else {
            "served beyond the limits: at a resource with the name of an undecorated handler"
        }
    }

    fn kind_of_denial(&self) -> &'static str {
        let Self { route, requests, .. } = self;
        if route.met.pattern.is_some() && route.met.pattern != route.seeming.pattern {
            "denied within the limits: hidden"
        } else if *requests > 1 {
            "denied within the limits: burst"
        } else if self.gate().is_some() {
            "denied within the limits: gate"
        } else {
            "denied within the limits"
        }
    }

    fn unexplained(&self, offers: &[Offer], seen: &Seen) -> Violation {
        let room = self.counters.room(&offers[0].due, self.requests as u64);
        let before = self.counters.used();
        let mut what = match seen.admitted {
            Some(admitted) => format!("{admitted} admitted, room for {room}"),
            None => format!("gone, room for {room}"),
        };
        what.push_str(&format!("\n    due: {}", offers[0].due));
        for counter in before.keys().chain(seen.used.keys()).collect::<BTreeSet<_>>() {
            let of = |used: &Used| used.get(counter).copied().unwrap_or(0);
            if of(&before) != of(&seen.used) {
                what.push_str(&format!("\n    {counter}: {} -> {}", of(&before), of(&seen.used)));
            }
        }
        self.violation(kind_of_difference(&offers[0].due, &before, &seen.used), &what)
    }

    /// Every way in which an offer leads to the counters that were seen.
    fn explanations(&self, offer: &Offer, seen: &Seen) -> Vec<Explanation> {
        let requests = self.requests as u64;
        let room = self.counters.room(&offer.due, requests);
        // Whom both have room for.
        let all = match &offer.more {
            Some(More::Blind { due, .. }) => self.counters.room(due, room),
            _ => room,
        };
        let guesses = match seen.admitted {
            Some(admitted) => vec![admitted as u64],
            None => vec![room, requests],
        };
        let mut found = Vec::new();
        for admitted in guesses {
            for (charged, more) in self.charges(offer, room, admitted) {
                let mut used = self.counters.used();
                offer.due.add_to(&mut used, charged);
                if let Some((due, times)) = &more {
                    due.add_to(&mut used, *times);
                }
                if used != seen.used {
                    continue;
                }
                let (guessed, perhaps_unpaid) = match (&offer.more, &more) {
                    (Some(More::Guessed(_)), Some((_, times))) => (*times, *times),
                    (Some(More::Blind { .. }), Some((_, times))) => (0, charged - times),
                    // Perhaps it costs nothing only because it could not be charged.
                    _ if offer.due.is_nothing() && self.is_free_if_unmatched() => (0, admitted),
                    _ => (0, 0),
                };
                found.push(Explanation {
                    is_expected: false,
                    due: offer.due.clone(),
                    charged,
                    more,
                    unpaid: (admitted - charged - guessed) as usize,
                    perhaps_unpaid: perhaps_unpaid as usize,
                    denied_within: all.saturating_sub(admitted) as usize,
                    is_of_gate: offer.is_of_gate,
                });
            }
        }
        found
    }

    /// How often an offer may have been charged, with what may come on top.
    fn charges(&self, offer: &Offer, room: u64, admitted: u64) -> Vec<(u64, Option<(Due, u64)>)> {
        let charged = admitted.min(room);
        match &offer.more {
            None => vec![(charged, None)],
            Some(More::Guessed(due)) => {
                let most = self.counters.room(due, admitted - charged);
                (0..=most).map(|times| (charged, Some((due.clone(), times)))).collect()
            }
            Some(More::Blind { due, is_certain }) => {
                // All or nothing: who is refused by the handler's limits is not charged the others.
                let most = self.counters.room(due, self.requests as u64);
                let all = (0..=charged)
                    .flat_map(|times| (0..=times.min(most)).map(move |more| (times, more)));
                let possible = all.filter(|(times, more)| {
                    let is_complete = !is_certain || *more == (*times).min(most);
                    is_complete && (*times == charged || *more == most)
                });
                possible.map(|(times, more)| (times, Some((due.clone(), more)))).collect()
            }
        }
    }

    fn offers(&self) -> Vec<Offer> {
        if let Some(gate) = self.gate() {
            return vec![self.of_gate(gate, &self.route.met)];
        }
        let is_early = self.route.met.is_answered || self.loses_the_request();
        let mut offers =
            self.offers_without_gate(&self.route.met, self.loses_the_request(), is_early);
        if let Some(gate) = self.certain_blind_gate(&offers) {
            let due = Due::of_handler_alone(self.call, gate);
            let more = Some(More::Blind { due, is_certain: true });
            return vec![Offer { more, ..offers.swap_remove(0) }];
        }
        offers
    }

    fn offers_of_hang_up(&self, met: &Met) -> Vec<Offer> {
        let is_remote = self.world.limiter.remote;
        if let (true, Some(gate)) = (met.is_extracted, met.handler.and_then(Handler::decorated)) {
            return vec![self.of_gate(gate, met)];
        }
        let mut mets = vec![met.clone()];
        let mut offers = Vec::new();
        if !met.is_inside {
            // The storage was perhaps not asked yet.
            offers.push(Offer::plain(Due::default()));
        }
        if !met.is_past_scopes() && !met.scopes.is_empty() && is_remote {
            let mut outside = met.clone();
            outside.scopes.pop();
            mets.push(outside);
        }
        for met in &mets {
            offers.extend(self.offers_without_gate(met, true, true));
        }
        if let (true, Some(gate)) = (is_remote && met.is_inside, self.gate()) {
            offers.push(self.of_gate(gate, &self.route.met));
        }
        offers
    }

    /// What may be charged if no gate is met; `is_early`, if what is behind a layer may be, too.
    fn offers_without_gate(
        &self,
        met: &Met,
        loses_the_request: bool,
        is_early: bool,
    ) -> Vec<Offer> {
        let mut offers = Vec::new();
        for due in self.dues_without_gate(met, loses_the_request) {
            offers.push(Offer::plain(due.clone()));
            if is_early {
                offers.extend(self.blind(&due));
            }
            offers.extend(self.guessed(&due));
        }
        offers
    }

    fn of_gate(&self, gate: Decorated, met: &Met) -> Offer {
        Offer { is_of_gate: true, ..Offer::plain(self.due(Place::Gate(gate), met)) }
    }

    /// With the limits of a handler that is perhaps known to be behind the layer that answered.
    fn blind<'a>(&'a self, due: &'a Due) -> impl Iterator<Item = Offer> + 'a {
        let gates = self.facts.possible_gates(self.call, self.route);
        gates.into_iter().map(|gate| {
            let more =
                More::Blind { due: Due::of_handler_alone(self.call, gate), is_certain: false };
            Offer { more: Some(more), ..Offer::plain(due.clone()) }
        })
    }

    /// The handler whose limits have to be charged by a layer that answers in front of it.
    fn certain_blind_gate(&self, offers: &[Offer]) -> Option<Decorated> {
        let is_simple = self.requests == 1
            && self.route.met.is_answered
            && self.world.limiter.limit_unmatched
            && !self.loses_the_request()
            && !self.is_exempt_path()
            && !self.facts.may_have_debts(self)
            && offers.first().is_some_and(|offer| !offer.due.is_nothing());
        if is_simple { self.facts.only_gate(self.call, self.route) } else { None }
    }

    /// With the due of an endpoint that it seemed to be for.
    fn guessed(&self, due: &Due) -> Vec<Offer> {
        let exact = self.route.met.pattern.as_deref();
        let scopes: &[_] = &self.route.met.scopes;
        let mut offers = Vec::new();
        for guess in self.guesses().into_iter().filter(|guess| *guess != exact) {
            let name = self.endpoint_name(guess);
            for depth in 0..=scopes.len() {
                let guess = self.due_in(Place::Endpoint(&name), &scopes[..depth]);
                let blind = self.facts.possible_gates(self.call, self.route).into_iter();
                let blind = blind.map(|gate| Due::of_handler_alone(self.call, gate));
                let blind: Vec<_> = blind.map(|own| guess.clone().and(&own)).collect();
                for guess in blind.into_iter().chain([guess]) {
                    let more = Some(More::Guessed(guess));
                    offers.push(Offer { more, ..Offer::plain(due.clone()) });
                }
            }
        }
        offers
    }

    /// The patterns that it may have seemed to be for.
    fn guesses(&self) -> Vec<Option<&str>> {
        let hidden = self.facts.hidden_patterns(self.call, self.route);
        let mut guesses = vec![self.route.seeming.pattern.as_deref()];
        guesses.extend(hidden.into_iter().map(Some));
        guesses
    }

    /// What is due if no gate is met: where it is not clear, all that may be.
    fn dues_without_gate(&self, met: &Met, loses_the_request: bool) -> Vec<Due> {
        let seeming = self.route.seeming.pattern.as_deref();
        let exact = self.endpoint_name(met.pattern.as_deref().or(seeming));
        let mut dues = vec![self.due(Place::Endpoint(&exact), met)];
        if loses_the_request || met.pattern.is_none() {
            let names = self.guesses().into_iter().map(|guess| self.endpoint_name(guess));
            let guessed = names.filter(|name| *name != exact);
            dues.extend(guessed.map(|name| self.due(Place::Endpoint(&name), met)));
        }
        if self.is_free_if_unmatched() {
            let is_unmatched = seeming.is_none() && self.guesses().len() == 1;
            if met.is_bare_404() && is_unmatched && !loses_the_request {
                dues.clear();
            }
            let place = Place::Endpoint(&exact);
            let unlimited = Due::new(self.world, self.call, place, &met.scopes, true);
            dues.splice(0..0, [Due::default(), unlimited]);
        }
        dues
    }

    /// Whether nobody has the request any more when it is to be charged, and so its exact pattern.
    fn loses_the_request(&self) -> bool {
        matches!(self.route.outcome, Outcome::Failed(_) | Outcome::Panicked)
    }

    /// Whether `limit_unmatched(false)` says that it costs nothing.
    fn is_free_if_unmatched(&self) -> bool {
        let met = &self.route.met;
        !self.world.limiter.limit_unmatched
            && (met.pattern.is_none() || self.route.outcome == Outcome::Answered(405))
    }

    fn due(&self, place: Place<'_>, met: &Met) -> Due {
        self.due_in(place, &met.scopes)
    }

    fn due_in(&self, place: Place<'_>, scopes: &[u32]) -> Due {
        Due::new(self.world, self.call, place, scopes, self.is_exempt_path())
    }

    fn is_exempt_path(&self) -> bool {
        let path = self.route.seeming.path.as_str();
        match self.world.limiter.exempt_path {
            None => false,
            Some(exempt) => match exempt.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => path == exempt,
            },
        }
    }

    /// What counters call an endpoint: what matches nothing is one, whatever the method.
    fn endpoint_name(&self, pattern: Option<&str>) -> String {
        let method = self.call.counted_method();
        pattern.map_or_else(|| "unmatched".to_owned(), |pattern| format!("{method} {pattern}"))
    }
}

fn kind_of_difference(due: &Due, before: &Used, after: &Used) -> &'static str {
    let sum = |used: &Used| used.values().sum::<u64>();
    let (mut charged, had) = (Used::new(), sum(before));
    due.add_to(&mut charged, 1);
    if before == after {
        "counters differ: charged nothing"
    } else if sum(after) > had + sum(&charged) {
        "counters differ: charged too much"
    } else {
        "counters differ"
    }
}

impl Offer {
    fn plain(due: Due) -> Self {
        Self { due, is_of_gate: false, more: None }
    }
}

impl Explanation {
    /// Whether all is as the model says.
    pub(crate) fn is_exact(&self) -> bool {
        self.errors() == 0
    }

    fn errors(&self) -> usize {
        self.unpaid + self.denied_within
    }
}
