//! Which limits a request is charged, and what is left of them: the model, in code of its own.

use std::{collections::BTreeMap, fmt};

use limiter_actix::{
    Exemption, FakeClock, Key, Strategy,
    core::{Clock, Limit, Scope, Timestamp},
};

use crate::{
    app::scope_name,
    handlers::Decorated,
    ledger::{Counter, Used},
    traffic::Call,
    world::{Fence, NodeId, Quota, World},
};

/// What one request is charged: all of it, or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Due {
    charges: Vec<Charge>,
    /// Whether it is refused because nobody can tell whom to charge.
    lacks_identity: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Charge {
    counter: Counter,
    quota: Quota,
}

/// Where a request comes to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// At the gate of a handler.
    Gate(Decorated),
    /// Elsewhere, at this endpoint.
    Endpoint(&'a str),
}

/// Who declared a limit: whoever is further down may replace the limits of those above it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Default,
    OuterScope,
    Scope,
    Handler,
}

/// A limit, before it is known whether another one replaces it.
struct Declaration {
    class: Class,
    overrides: bool,
    quota: Quota,
    scope: Scope,
    key: Option<Key>,
}

impl Due {
    /// What a request is charged that comes to `place` through `scopes`.
    pub(crate) fn new(
        world: &World,
        call: &Call,
        place: Place<'_>,
        scopes: &[NodeId],
        is_exempt_path: bool,
    ) -> Self {
        let fences = world.fences();
        let scopes: Vec<&Fence> = scopes.iter().map(|node| fences[node]).collect();
        let exempt = exemption(place, &scopes);
        let mut due = Self::default();
        if let Some(quota) = world.limiter.application
            && !exempt.application
            && !is_exempt_path
        {
            due.push(quota, &base("application"), Some(call.key()));
        }
        let mut declarations = Vec::new();
        if !exempt.defaults && !is_exempt_path {
            declarations.extend(defaults(world, call, place));
        }
        declarations.extend(of_scopes(call, place, &scopes));
        if let Place::Gate(decorated) = place {
            declarations.extend(of_handler(call, decorated));
        }
        let overriding = declarations.iter().filter(|declaration| declaration.overrides);
        let innermost = overriding.map(|declaration| declaration.class).max();
        for Declaration { class, quota, scope, key, .. } in declarations {
            if innermost.is_none_or(|innermost| class >= innermost) {
                due.push(quota, &scope, key);
            }
        }
        due
    }

    /// The handler's own limits, as far as they can be charged before the handler is reached.
    pub(crate) fn of_handler_alone(call: &Call, decorated: Decorated) -> Self {
        let mut due = Self::default();
        // Whose key tells nobody counts nobody there.
        let counted = of_handler(call, decorated).filter(|declaration| declaration.key.is_some());
        for Declaration { quota, scope, key, .. } in counted {
            due.push(quota, &scope, key);
        }
        due
    }

    /// Both, in one batch.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.charges.extend(other.charges.iter().cloned());
        self
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.charges.is_empty() && !self.lacks_identity
    }

    /// What so many requests add to the counters.
    pub(crate) fn add_to(&self, used: &mut Used, requests: u64) {
        for charge in self.charges.iter().filter(|_| requests > 0) {
            *used.entry(charge.counter.clone()).or_default() += requests;
        }
    }

    fn push(&mut self, quota: Quota, scope: &Scope, key: Option<Key>) {
        let Some(key) = key else {
            self.lacks_identity = true;
            return;
        };
        let parsed = quota.to_string().parse().expect("a quota of a test");
        let limit = Limit::new(parsed, Strategy::FixedWindow, scope);
        self.charges.push(Charge { counter: Counter::new(&limit, &key), quota });
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nothing() {
            return f.write_str("nothing");
        }
        let charges = self.charges.iter();
        charges
            .map(|charge| (charge.quota, &charge.counter))
            .try_for_each(|(quota, counter)| write!(f, "{quota} of {counter}; "))
    }
}

/// The start of the names of all counters of a limiter without a prefix.
fn base(kind: &str) -> Scope {
    Scope::new("").part(kind)
}

/// What the handler and the scopes around it are exempt from: an exemption is of the scope it is
/// said of, unless it is handed down.
fn exemption(place: Place<'_>, scopes: &[&Fence]) -> Exemption {
    let mut exempt = match place {
        Place::Gate(decorated) => decorated.record().exempt(),
        Place::Endpoint(_) => Exemption::NONE,
    };
    for (index, fence) in scopes.iter().enumerate() {
        let is_innermost = index + 1 == scopes.len();
        if let Some(limits) = fence.limits
            && (is_innermost || limits.exempt_descendants)
        {
            exempt = exempt.and(limits.exempt);
        }
    }
    exempt
}

fn defaults<'a>(
    world: &'a World,
    call: &'a Call,
    place: Place<'a>,
) -> impl Iterator<Item = Declaration> + 'a {
    let scope = match place {
        Place::Gate(decorated) => base("default").part(decorated.record().handler()),
        Place::Endpoint(name) => base("default").part(name),
    };
    world.limiter.defaults.iter().map(move |quota| Declaration {
        class: Class::Default,
        overrides: false,
        quota: *quota,
        scope: scope.clone(),
        key: Some(call.key()),
    })
}

/// The limits of the innermost scope, and of those around it that reach so far.
fn of_scopes(call: &Call, place: Place<'_>, scopes: &[&Fence]) -> Vec<Declaration> {
    let is_alone =
        scopes.last().and_then(|fence| fence.limits).is_some_and(|l| l.without_ancestors);
    let mut declarations = Vec::new();
    for (index, fence) in scopes.iter().enumerate() {
        let is_innermost = index + 1 == scopes.len();
        let Some(limits) = fence.limits else { continue };
        if !is_innermost && (is_alone || limits.exempt_descendants) {
            continue;
        }
        let Some(quota) = limits.quota else { continue };
        let around = match (limits.shared, place) {
            (true, _) => base("scope"),
            (false, Place::Gate(decorated)) => {
                base("handler").part(decorated.record().handler()).part("scope")
            }
            (false, Place::Endpoint(name)) => base("endpoint").part(name).part("scope"),
        };
        declarations.push(Declaration {
            class: if is_innermost { Class::Scope } else { Class::OuterScope },
            overrides: limits.overrides,
            quota,
            scope: around.part(&scope_name(fence)),
            key: Some(call.key()),
        });
    }
    declarations
}

fn of_handler(call: &Call, decorated: Decorated) -> impl Iterator<Item = Declaration> {
    let record = decorated.record();
    let key = match decorated {
        Decorated::ByUser => call.user_key(),
        _ => Some(call.key()),
    };
    record.limits().iter().flat_map(move |limit| {
        let key = key.clone();
        limit.quotas().into_iter().map(move |quota| Declaration {
            class: Class::Handler,
            overrides: limit.overrides_defaults(),
            quota: Quota { amount: quota.amount(), unit: "minute" },
            scope: base("handler").part(record.handler()),
            key: key.clone(),
        })
    })
}

impl Due {
    /// How long the longest of its limits remembers a charge.
    pub(crate) fn memory(&self) -> u64 {
        self.charges.iter().map(|charge| charge.quota.window_micros()).max().unwrap_or_default()
    }
}

/// The counters of fixed windows, which start with the first hit.
pub(crate) struct Counters {
    clock: FakeClock,
    windows: BTreeMap<Counter, Window>,
}

struct Window {
    used: u64,
    ends_at: Timestamp,
}

impl Counters {
    pub(crate) fn new(clock: FakeClock) -> Self {
        Self { clock, windows: BTreeMap::new() }
    }

    /// How many requests are admitted, one after the other, of so many.
    pub(crate) fn room(&self, due: &Due, requests: u64) -> u64 {
        if due.lacks_identity {
            return 0;
        }
        let rooms = due
            .charges
            .iter()
            .map(|charge| charge.quota.amount.saturating_sub(self.used_of(charge)));
        rooms.min().unwrap_or(requests).min(requests)
    }

    /// What is used of all counters.
    pub(crate) fn used(&self) -> Used {
        let now = self.clock.now();
        let current = self.windows.iter().filter(|(_, window)| now < window.ends_at);
        current.map(|(counter, window)| (counter.clone(), window.used)).collect()
    }

    /// Charges what was found in the storage, where that has been explained.
    pub(crate) fn charge(&mut self, due: &Due, requests: u64) {
        let now = self.clock.now();
        for charge in due.charges.iter().filter(|_| requests > 0) {
            let fresh = Window { used: 0, ends_at: now.plus(charge.quota.window_micros()) };
            let window = self.windows.entry(charge.counter.clone()).or_insert(Window { ..fresh });
            if now >= window.ends_at {
                *window = fresh;
            }
            window.used += requests;
        }
    }

    fn used_of(&self, charge: &Charge) -> u64 {
        let now = self.clock.now();
        let window = self.windows.get(&charge.counter).filter(|window| now < window.ends_at);
        window.map_or(0, |window| window.used)
    }
}
