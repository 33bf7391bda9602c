//! How far the limiter may be wrong, and for whom.
//!
//! Before routing nobody can tell a request for a decorated handler from one that a layer answers on
//! the way there. So who is over their limit may go on at such an endpoint, a few times; and who has
//! made use of that may be denied there later.

use std::collections::{BTreeMap, BTreeSet};

use limiter_actix::core::Timestamp;

use crate::{
    handlers::{Decorated, Handler},
    judge::Case,
    oracle::Route,
    traffic::Call,
    world::World,
};

/// A real method and a pattern; what matches nothing is one pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EndpointId {
    method: &'static str,
    pattern: String,
}

/// What has happened at the endpoints of a trial.
#[derive(Default)]
pub(crate) struct Facts {
    endpoints: BTreeMap<EndpointId, Endpoint>,
    debts: BTreeMap<(u8, EndpointId), Vec<Debt>>,
    /// Patterns that the resource map hides behind the first.
    hidden: BTreeSet<(EndpointId, String)>,
    /// Those that somebody has come to for certain.
    reached: BTreeSet<(&'static str, String)>,
    /// The same, by the endpoint that they seemed to be for.
    reached_behind: BTreeSet<(EndpointId, String)>,
}

/// What has happened at an endpoint. The limiter knows at least what is certain, and at most what is
/// possible.
#[derive(Default)]
struct Endpoint {
    possible_depth: Depth,
    possible_gates: BTreeSet<Decorated>,
    certain_gates: BTreeSet<Decorated>,
    /// A success came out without a gate.
    is_perhaps_open: bool,
    /// A success came out of a resource, without gate and scope.
    is_certainly_open: bool,
    /// A request that seemed to be for it was routed elsewhere.
    is_ambiguous: bool,
}

/// How far inside somebody charges: so many scopes deep, or at a gate.
type Depth = usize;

const GATE: Depth = usize::MAX;

/// A request that went on unpaid.
struct Debt {
    /// Until then it counts for certain; for as long as nothing, if it need not count at all.
    certain_until: Timestamp,
    /// From then on it counts no longer.
    possible_until: Timestamp,
}

/// How many requests of a client may be unpaid at an endpoint, one after the other.
const UNPAID: usize = 4;

/// How many requests of a client may be under way at an endpoint, unpaid.
const UNDER_WAY: usize = 16;

impl EndpointId {
    fn new(call: &Call, pattern: Option<&str>) -> Self {
        Self { method: call.method, pattern: pattern.unwrap_or("unmatched").to_owned() }
    }

    /// What the resource map says.
    fn seeming(call: &Call, route: &Route) -> Self {
        Self::new(call, route.seeming.pattern.as_deref())
    }

    /// Where the request is routed to, if to anything.
    fn exact(call: &Call, route: &Route) -> Self {
        Self::new(call, route.met.pattern.as_deref().or(route.seeming.pattern.as_deref()))
    }
}

impl Facts {
    /// How many requests may go on although nobody could charge them.
    pub(crate) fn may_be_unpaid(&self, world: &World, case: &Case<'_>) -> usize {
        let Case { call, route, requests, now, .. } = *case;
        let certain = self.debts(call, route).filter(|debt| now < debt.certain_until).count();
        let most = if requests == 1 { 1 } else { UNDER_WAY };
        let guesses = self.guesses(call, route).len();
        // Of a client that has gone nobody knows how far it had come.
        let came = if case.has_gone { 0 } else { route.met.scopes.len() };
        if self.is_perhaps_known(call, route, came) {
            return if certain < UNPAID * guesses { most } else { 0 };
        }
        if !world.limiter.limit_unmatched && route.seeming.pattern.is_none() {
            // It goes on because it costs nothing, unless it is routed all the same.
            return if certain < guesses { most } else { 0 };
        }
        let is_open = self.endpoints_of(call, route).any(|endpoint| endpoint.is_certainly_open);
        let is_inside = self.may_hide_others(call, route) || may_be_admitted_inside(world, route);
        let on_probation = certain < guesses && !is_open && is_inside;
        if on_probation && (case.has_gone || !route.met.is_plainly_bare_404()) { most } else { 0 }
    }

    /// Whether the limiter may deny a client that is within its limits.
    pub(crate) fn may_be_denied(&self, case: &Case<'_>) -> bool {
        let Case { call, route, requests, now, .. } = *case;
        let possible = self.debts(call, route).filter(|debt| now < debt.possible_until).count();
        let is_met = self.guesses(call, route).len() == 1
            && self.endpoints_of(call, route).any(|endpoint| !endpoint.certain_gates.is_empty());
        let enough = if is_met { UNPAID } else { 1 };
        possible >= enough
            || requests > UNDER_WAY
            || self.is_twin_not_met(call, route)
            || self.is_hidden_not_met(call, route)
            || self.is_namesake_not_met(call, route)
            || self.is_default_service_not_met(call, route)
            || self.is_default_kept_but_not_met(call, route)
    }

    /// Whether a request may be taken for another resource than its own, to which nobody has come
    /// yet.
    fn is_hidden_not_met(&self, call: &Call, route: &Route) -> bool {
        let seeming = EndpointId::seeming(call, route);
        let exact = EndpointId::exact(call, route);
        self.guesses(call, route).len() > 1
            && !self.reached_behind.contains(&(seeming, exact.pattern))
    }

    /// Whether the resource that a request seems to be for has the name of another handler than the
    /// one that it comes to, and nobody has come to that yet.
    fn is_namesake_not_met(&self, call: &Call, route: &Route) -> bool {
        let is_met = self.endpoints_of(call, route).any(|it| !it.certain_gates.is_empty());
        let name = route.seeming.name.as_deref();
        route.gate().is_some_and(|gate| name.is_some_and(|name| name != gate.name())) && !is_met
    }

    /// Whether the gate of a request keeps the default limits, with counters of its own, and nobody has
    /// come to it yet: until then the endpoint's are all that is known.
    fn is_default_kept_but_not_met(&self, call: &Call, route: &Route) -> bool {
        let is_met = self.endpoints_of(call, route).any(|it| !it.certain_gates.is_empty());
        route.gate().is_some_and(Decorated::keeps_defaults) && !is_met
    }

    /// Whether a request comes to the gate of a default service because the resource that it seems to
    /// be for does not serve it, and nobody has come to that gate this way yet.
    fn is_default_service_not_met(&self, call: &Call, route: &Route) -> bool {
        let is_met = self.endpoints_of(call, route).any(|it| !it.certain_gates.is_empty());
        let is_unserved = route.met.pattern.is_none() && route.seeming.pattern.is_some();
        is_unserved && route.gate().is_some() && !is_met
    }

    /// Whether somebody was served at the endpoint of a request without a gate, and nobody has come
    /// to the gate or scope yet that would admit it.
    fn is_twin_not_met(&self, call: &Call, route: &Route) -> bool {
        let is_met = self.endpoints_of(call, route).any(|it| !it.certain_gates.is_empty());
        let is_inside = route.depth() > 0;
        let is_open = self.endpoints_of(call, route).any(|endpoint| endpoint.is_perhaps_open);
        is_open && is_inside && !is_met
    }

    /// Whether a client may have unpaid requests at an endpoint.
    pub(crate) fn may_have_debts(&self, case: &Case<'_>) -> bool {
        let Case { call, route, now, .. } = *case;
        self.debts(call, route).any(|debt| now < debt.possible_until)
    }

    /// The gates that were perhaps met at the endpoint of a request.
    pub(crate) fn possible_gates(&self, call: &Call, route: &Route) -> BTreeSet<Decorated> {
        let endpoints = self.endpoints_of(call, route);
        endpoints.flat_map(|endpoint| endpoint.possible_gates.iter().copied()).collect()
    }

    /// The one gate that was met for certain at the endpoint of a request, and no other one.
    pub(crate) fn only_gate(&self, call: &Call, route: &Route) -> Option<Decorated> {
        if self.guesses(call, route).len() > 1 {
            return None;
        }
        let endpoint = self.endpoints_of(call, route).next()?;
        if endpoint.possible_gates.len() > 1 || endpoint.is_perhaps_open {
            return None;
        }
        endpoint.certain_gates.first().copied()
    }

    /// Patterns that a request may be taken for although the map says another one: requests for
    /// such a path were routed to them.
    pub(crate) fn hidden_patterns(&self, call: &Call, route: &Route) -> Vec<&str> {
        let seeming = EndpointId::seeming(call, route);
        let own = self.hidden.iter().filter(|(behind, pattern)| {
            *behind == seeming && matches(pattern, &route.seeming.path)
        });
        own.map(|(_, pattern)| pattern.as_str()).collect()
    }

    /// A request was sent that is routed so.
    pub(crate) fn was_sent(&mut self, call: &Call, route: &Route) {
        let (seeming, exact) = (EndpointId::seeming(call, route), EndpointId::exact(call, route));
        if seeming != exact {
            self.hidden.insert((seeming.clone(), exact.pattern.clone()));
            self.endpoints.entry(seeming).or_default().is_ambiguous = true;
        }
        let endpoint = self.endpoints.entry(exact).or_default();
        endpoint.possible_gates.extend(route.gate());
        endpoint.possible_depth = endpoint.possible_depth.max(route.depth());
    }

    /// A request was answered that came to its resource, and to this gate if to any.
    pub(crate) fn was_met(&mut self, call: &Call, route: &Route, gate: Option<Decorated>) {
        let exact = EndpointId::exact(call, route);
        if route.met.pattern.is_some() {
            // Nothing is learnt from an encoded path, which Actix looks up in two ways.
            if !call.path.contains('%') {
                let seeming = EndpointId::seeming(call, route);
                self.reached_behind.insert((seeming, exact.pattern.clone()));
            }
            self.reached.insert((call.method, exact.pattern.clone()));
        }
        self.endpoints.entry(exact).or_default().certain_gates.extend(gate);
    }

    /// A success came out without a gate.
    pub(crate) fn was_open(&mut self, call: &Call, route: &Route) {
        let exact = EndpointId::exact(call, route);
        let is_certain = self.guesses(call, route).len() == 1
            && route.met.pattern.is_some()
            && route.met.scopes.is_empty();
        let endpoint = self.endpoints.entry(exact).or_default();
        endpoint.is_perhaps_open = true;
        endpoint.is_certainly_open |= is_certain;
    }

    /// So many requests went on unpaid: for certain until the first moment, perhaps until the second.
    pub(crate) fn are_unpaid(
        &mut self,
        call: &Call,
        route: &Route,
        requests: usize,
        (certain_until, possible_until): (Timestamp, Timestamp),
    ) {
        let id = EndpointId::seeming(call, route);
        let debts = self.debts.entry((call.client, id)).or_default();
        debts.extend((0..requests).map(|_| Debt { certain_until, possible_until }));
    }

    /// Whether somebody is perhaps known to charge further inside than the request came; or nobody can
    /// tell, because some are routed elsewhere.
    fn is_perhaps_known(&self, call: &Call, route: &Route, came: Depth) -> bool {
        self.endpoints_of(call, route).any(|it| it.possible_depth > came || it.is_ambiguous)
    }

    /// Whether the resource that a request seems to be for may hide another one: it has parameters, and
    /// nobody was routed to it.
    fn may_hide_others(&self, call: &Call, route: &Route) -> bool {
        let pattern = route.seeming.pattern.as_deref().unwrap_or_default();
        pattern.contains('{') && !self.reached.contains(&(call.method, pattern.to_owned()))
    }

    /// The endpoints that a request may be taken for.
    fn guesses(&self, call: &Call, route: &Route) -> BTreeSet<EndpointId> {
        let hidden = self.hidden_patterns(call, route).into_iter();
        let mut guesses: BTreeSet<_> =
            hidden.map(|pattern| EndpointId::new(call, Some(pattern))).collect();
        guesses.extend([EndpointId::seeming(call, route), EndpointId::exact(call, route)]);
        guesses
    }

    fn endpoints_of(&self, call: &Call, route: &Route) -> impl Iterator<Item = &Endpoint> {
        self.guesses(call, route).into_iter().filter_map(|id| self.endpoints.get(&id))
    }

    fn debts(&self, call: &Call, route: &Route) -> impl Iterator<Item = &Debt> {
        let id = EndpointId::seeming(call, route);
        self.debts.get(&(call.client, id)).into_iter().flatten()
    }
}

impl Route {
    /// The gate that it leads to.
    pub(crate) fn gate(&self) -> Option<Decorated> {
        self.met.handler.and_then(Handler::decorated)
    }

    /// How far inside it is charged.
    fn depth(&self) -> Depth {
        if self.gate().is_some() { GATE } else { self.met.scopes.len() }
    }
}

/// Whether a pattern matches a path. Those of the tests have whole parts as parameters.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(found)) if expected == found => {}
            (Some(expected), Some(found)) if expected.starts_with('{') && !found.is_empty() => {}
            _ => return false,
        }
    }
}

/// Whether there may be a gate or a scope that admits whom the limiter itself does not: everywhere
/// but at a resource that has the name of an undecorated handler, in an app without scopes.
pub(crate) fn may_be_admitted_inside(world: &World, route: &Route) -> bool {
    let name = route.seeming.name.as_deref();
    world.has_scope_limits()
        || name.is_none_or(|name| Decorated::ALL.iter().any(|known| known.name() == name))
}
