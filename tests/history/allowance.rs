//! How far the limiter may be wrong, and for whom.
//!
//! Before routing nobody can tell a request for a decorated handler from one that a layer answers on
//! the way there. So who is over their limit may go on at such an endpoint, a few times; and who has
//! made use of that may be denied there later.

use std::collections::{BTreeMap, BTreeSet};

use limiter_actix::core::Timestamp;

use crate::{handlers::Decorated, oracle::Route, traffic::Call, world::World};

/// A real method and a pattern, as they seem to be before routing; or what matches nothing.
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
}

/// What has happened at an endpoint. The limiter knows at least what is certain, and at most what is
/// possible.
#[derive(Default)]
struct Endpoint {
    possible_depth: Depth,
    possible_gates: BTreeSet<Decorated>,
    certain_gates: BTreeSet<Decorated>,
    /// A success came out without gate and scope: that is certain.
    is_open: bool,
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
    /// What a request seems to be for.
    pub(crate) fn seeming(call: &Call, route: &Route) -> Self {
        Self::new(call, route.seeming.pattern.as_deref())
    }

    /// What a request is for.
    fn exact(call: &Call, route: &Route) -> Self {
        Self::new(call, route.met.pattern.as_deref().or(route.seeming.pattern.as_deref()))
    }

    fn new(call: &Call, pattern: Option<&str>) -> Self {
        match pattern {
            Some(pattern) => Self { method: call.method, pattern: pattern.to_owned() },
            None => Self { method: "", pattern: String::new() },
        }
    }
}

impl Facts {
    /// How many requests may go on although nobody could charge them.
    pub(crate) fn may_be_unpaid(
        &self,
        world: &World,
        call: &Call,
        route: &Route,
        requests: usize,
        now: Timestamp,
    ) -> usize {
        let id = EndpointId::seeming(call, route);
        let certain =
            self.debts_of(call, &id).iter().filter(|debt| now < debt.certain_until).count();
        let most = if requests == 1 { 1 } else { UNDER_WAY };
        if self.is_known(call, route) {
            return if certain < UNPAID { most } else { 0 };
        }
        let is_open = self.endpoints.get(&id).is_some_and(|endpoint| endpoint.is_open);
        let on_probation = certain == 0 && !is_open && may_be_admitted_inside(world, route);
        if on_probation && !route.met.is_bare_404() { most } else { 0 }
    }

    /// Whether the limiter may deny a client that is within its limits.
    pub(crate) fn may_be_denied(
        &self,
        call: &Call,
        route: &Route,
        requests: usize,
        now: Timestamp,
    ) -> bool {
        let id = EndpointId::seeming(call, route);
        let possible =
            self.debts_of(call, &id).iter().filter(|debt| now < debt.possible_until).count();
        let is_met = self.endpoints.get(&id).is_some_and(|it| !it.certain_gates.is_empty());
        let enough = if is_met { UNPAID } else { 1 };
        possible >= enough || requests > UNDER_WAY
    }

    /// Whether a client may have unpaid requests at an endpoint.
    pub(crate) fn may_have_debts(&self, call: &Call, route: &Route, now: Timestamp) -> bool {
        let id = EndpointId::seeming(call, route);
        self.debts_of(call, &id).iter().any(|debt| now < debt.possible_until)
    }

    /// Whether a success without gate and scope was seen at what the request seems to be for.
    pub(crate) fn is_open(&self, call: &Call, route: &Route) -> bool {
        let id = EndpointId::seeming(call, route);
        self.endpoints.get(&id).is_some_and(|endpoint| endpoint.is_open)
    }

    /// The gates that were perhaps met where a request seems to be for, or is for.
    pub(crate) fn possible_gates(&self, call: &Call, route: &Route) -> BTreeSet<Decorated> {
        let ids = [EndpointId::seeming(call, route), EndpointId::exact(call, route)];
        let endpoints = ids.iter().filter_map(|id| self.endpoints.get(id));
        endpoints.flat_map(|endpoint| endpoint.possible_gates.iter().copied()).collect()
    }

    /// The one gate that was met for certain at the endpoint of a request, and no other one.
    pub(crate) fn only_gate(&self, call: &Call, route: &Route) -> Option<Decorated> {
        let id = EndpointId::seeming(call, route);
        if id != EndpointId::exact(call, route) {
            return None;
        }
        let endpoint = self.endpoints.get(&id)?;
        if endpoint.possible_gates.len() > 1 {
            return None;
        }
        endpoint.certain_gates.first().copied()
    }

    /// A request was sent that is routed so.
    pub(crate) fn was_sent(&mut self, call: &Call, route: &Route) {
        let (seeming, exact) = (EndpointId::seeming(call, route), EndpointId::exact(call, route));
        let gate = route.met.handler.and_then(|handler| handler.decorated());
        if seeming != exact {
            self.endpoints.entry(seeming).or_default().is_ambiguous = true;
        }
        let endpoint = self.endpoints.entry(exact).or_default();
        endpoint.possible_gates.extend(gate);
        let depth = if gate.is_some() { GATE } else { route.met.scopes.len() };
        endpoint.possible_depth = endpoint.possible_depth.max(depth);
    }

    /// A decorated handler has run.
    pub(crate) fn gate_was_met(&mut self, call: &Call, route: &Route, gate: Decorated) {
        let exact = EndpointId::exact(call, route);
        self.endpoints.entry(exact).or_default().certain_gates.insert(gate);
    }

    /// A success came out without gate and scope.
    pub(crate) fn was_open(&mut self, call: &Call, route: &Route) {
        let exact = EndpointId::exact(call, route);
        if exact == EndpointId::seeming(call, route) {
            self.endpoints.entry(exact).or_default().is_open = true;
        }
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
    fn is_known(&self, call: &Call, route: &Route) -> bool {
        let ids = [EndpointId::seeming(call, route), EndpointId::exact(call, route)];
        ids.iter().filter_map(|id| self.endpoints.get(id)).any(|endpoint| {
            endpoint.possible_depth > route.met.scopes.len() || endpoint.is_ambiguous
        })
    }

    fn debts_of(&self, call: &Call, id: &EndpointId) -> &[Debt] {
        self.debts.get(&(call.client, id.clone())).map_or(&[], Vec::as_slice)
    }
}

/// Whether there may be a gate or a scope that admits whom the limiter itself does not: everywhere
/// but at a resource that has the name of an undecorated handler, in an app without scopes.
fn may_be_admitted_inside(world: &World, route: &Route) -> bool {
    let name = route.seeming.name.as_deref();
    world.has_scope_limits()
        || name.is_none_or(|name| Decorated::ALL.iter().any(|known| known.name() == name))
}
