//! The reference, written down: what it answers to a request, and what this library answers
//! instead where it differs on purpose.
//!
//! Without differences the model is Flask-Limiter 4.1.1 on the memory storage of limits 5.8.0,
//! which the tests prove against the real one. Each [`Difference`] changes one rule of it.

use std::collections::HashMap;

use limiter_core::Quota;

use crate::{
    counter::Counter,
    trace::{Ask, wanted_status},
    world::{Around, Class, Cost, Declared, DeclaredKey, DeclaredScope, Exempt, Route, World},
};

/// What this library does otherwise. The README of this folder says how each of them shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// D1: the limits of a request are one batch, which is charged as a whole or not at all. In the
    /// reference the application's come first, and headers tell of the rest only.
    AllOrNothing,
    /// D2: a missing key denies the request instead of skipping the limit.
    MissingIdentity,
    /// D3: default limits, a handler's own, shared ones never share a counter by accident.
    NoCollisions,
    /// D4: limits of one scope and window share a counter whatever their amount.
    AmountNotInKey,
    /// D6: meta limits are tested where limits apply, and nowhere else.
    MetaWhereLimits,
    /// D8: an exemption leaves the own limits of the handler or the scope alone.
    ExactExemption,
    /// D11: headers tell of the first breach, not of the last; `Retry-After` stands on denials
    /// only, and says when the request will be admitted.
    OneBreach,
    /// D12: limits are ordered by the length of their window, not by its unit.
    OrderByWindow,
    /// D13: a cost of 0 only looks; one above the amount is denied without effect.
    PlainCosts,
    /// D15: requests for a path that no route has are limited.
    UnmatchedCounts,
    /// D15: requests with a method that no route of their path has are limited.
    WrongMethodCounts,
    /// `HEAD` is counted as `GET`, and is covered by `methods = ["GET"]`.
    HeadIsGet,
    /// Whether defaults are kept is up to the limits that apply to the request's method.
    OverrideByMethod,
    /// Limits with windows of one length stand in the order of the attributes. In the reference the
    /// innermost decorator is the first.
    AttributeOrder,
    /// A hit of a moving window is gone when the window has passed. In the reference it still
    /// counts in that very moment, and is told of until a timer has removed it.
    HitsExpire,
    /// The windows of a sliding window counter start with a client's first hit, as in the
    /// reference's Redis storage, and a unit comes back when a window begins, not after that. In
    /// its memory storage they start at multiples of their length.
    WindowsFromFirstHit,
}

/// An answer, as far as limits show in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prediction {
    pub(crate) status: u16,
    pub(crate) headline: Option<Headline>,
    /// The value of `Retry-After`.
    pub(crate) retry_after: Option<i64>,
}

/// What `X-RateLimit-*` tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Headline {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// Microseconds since the epoch.
    pub(crate) resets_at: u64,
}

/// A server by the rules.
pub(crate) struct Model<'a> {
    world: &'a World,
    differences: &'a [Difference],
    /// Microseconds since the epoch.
    now: u64,
    counters: HashMap<String, Counter>,
    /// Whether the reference's timer is to remove expired hits.
    timer_is_due: bool,
}

/// A limit that a request meets.
#[derive(Clone)]
struct Charge {
    quota: Quota,
    /// None where the key is missing.
    counter: Option<String>,
    cost: u64,
    shared: bool,
    deduct_failures: bool,
    /// What a breach is counted by.
    metas: Vec<Self>,
}

/// How the limits of a phase were decided.
#[derive(Default)]
struct Verdict {
    headline: Option<Charge>,
    /// What may still be charged, once the answer is known.
    deductions: Vec<Charge>,
    /// What the breaches are counted by.
    penalties: Vec<Charge>,
    denied: bool,
    /// Microseconds after which the request is admitted; none where that is never.
    wait: Option<u64>,
}

const SECOND: u64 = 1_000_000;

impl<'a> Model<'a> {
    pub(crate) fn new(world: &'a World, differences: &'a [Difference], now: u64) -> Self {
        Self { world, differences, now, counters: HashMap::new(), timer_is_due: false }
    }

    pub(crate) fn wait(&mut self, micros: u64) {
        if self.timer_is_due {
            self.counters.values_mut().for_each(|counter| counter.drop_expired(self.now));
            self.timer_is_due = false;
        }
        self.now += micros;
    }

    pub(crate) fn ask(&mut self, ask: &Ask) -> Prediction {
        let (served, phases) = match self.route(ask) {
            _ if ask.api_key.is_some() && ask.api_key == self.world.filtered_key => {
                (200, Vec::new())
            }
            Some(route) => (wanted_status(ask.path), self.phases(route, ask)),
            None => (404, self.stray_phases(ask)),
        };
        if self.does(Difference::MissingIdentity)
            && phases.iter().flatten().any(|charge| charge.counter.is_none())
        {
            return Prediction { status: 403, headline: None, retry_after: None };
        }
        let exempt = self.route(ask).is_some_and(|route| self.exemption(route).meta);
        let unlimited = phases.iter().all(Vec::is_empty);
        let tests_metas = !(exempt || unlimited && self.does(Difference::MetaWhereLimits));
        let mut verdict = Verdict::default();
        for charges in &phases {
            let denied_by_meta = tests_metas.then(|| self.breached_meta(charges, ask)).flatten();
            // The last phase is what headers tell of, even if it has no limit at all.
            if let Some(meta) = denied_by_meta {
                verdict = self.verdict(vec![meta], &[0]);
                if self.does(Difference::OneBreach) {
                    verdict.wait = self.wait_of_locked_out(phases.concat(), ask);
                }
                break;
            }
            verdict = match self.does(Difference::AllOrNothing) {
                true => self.decide_together(charges.clone()),
                false => self.decide_in_turn(charges.clone()),
            };
            if verdict.denied {
                verdict.penalties.extend(self.global_metas(ask));
                break;
            }
        }
        for penalty in &verdict.penalties {
            self.hit(penalty);
        }
        self.prediction(served, &verdict)
    }

    /// The first meta limit that denies a request to which these limits apply.
    fn breached_meta(&mut self, charges: &[Charge], ask: &Ask) -> Option<Charge> {
        let metas = self.all_metas(charges, ask);
        metas.into_iter().find(|meta| !self.test(meta))
    }

    /// Microseconds after which neither a meta limit nor one of these limits denies the request:
    /// the client is told of the first meta limit alone, and meets all of them when it comes back.
    fn wait_of_locked_out(&mut self, mut charges: Vec<Charge>, ask: &Ask) -> Option<u64> {
        charges.extend(self.all_metas(&charges, ask));
        charges.retain(|charge| charge.counter.is_some() && !self.test(charge));
        self.longest_wait(&charges)
    }

    /// The meta limits of a request to which these limits apply, in the order in which they are
    /// asked.
    fn all_metas(&self, charges: &[Charge], ask: &Ask) -> Vec<Charge> {
        let mut metas = self.global_metas(ask);
        metas.extend(charges.iter().flat_map(|charge| charge.metas.iter().cloned()));
        metas
    }

    fn does(&self, difference: Difference) -> bool {
        self.differences.contains(&difference)
    }

    // --- Which limits apply ---

    fn route(&self, ask: &Ask) -> Option<&'a Route> {
        let serves = |route: &&Route| {
            route.paths.contains(&ask.path)
                && route.methods.split(' ').any(|method| method == ask.method)
        };
        self.world.routes.iter().find(serves)
    }

    /// The limits, in the order in which they are asked. The reference asks those of a decorated
    /// handler after the application's.
    fn phases(&self, route: &Route, ask: &Ask) -> Vec<Vec<Charge>> {
        let endpoint = format!("{} {}", route.methods, route.paths[0]);
        let mut before = Vec::new();
        if !self.exemption(route).application {
            before.extend(self.application_limits(ask));
        }
        let mut after = Vec::new();
        if self.keeps_defaults(route, ask) {
            after.extend(self.default_limits(&endpoint, ask));
        }
        if route.limits.is_empty() || self.does(Difference::AllOrNothing) {
            before.extend(after);
            before.extend(self.own_limits(route, &endpoint, ask));
            return vec![self.ordered(before)];
        }
        after.extend(self.own_limits(route, &endpoint, ask));
        vec![self.ordered(before), self.ordered(after)]
    }

    fn stray_phases(&self, ask: &Ask) -> Vec<Vec<Charge>> {
        let known = self.world.routes.iter().any(|route| route.paths.contains(&ask.path));
        let (difference, endpoint) = match known {
            true => (Difference::WrongMethodCounts, format!("{} {}", ask.method, ask.path)),
            false => (Difference::UnmatchedCounts, "unmatched".to_owned()),
        };
        if !self.does(difference) {
            return Vec::new();
        }
        let mut limits = self.application_limits(ask);
        limits.extend(self.default_limits(&endpoint, ask));
        vec![self.ordered(limits)]
    }

    fn exemption(&self, route: &Route) -> Exempt {
        let Some((innermost, ancestors)) = route.scopes.split_first() else { return route.exempt };
        let own = route.exempt.and(innermost.exempt);
        let handed_down = ancestors.iter().filter(|scope| scope.exempts_descendants);
        handed_down.fold(own, |exempt, scope| exempt.and(scope.exempt))
    }

    /// The limits declared on the handler and those of its scope, in the order in which they are
    /// asked.
    fn declared<'r>(&self, route: &'r Route, ask: &Ask) -> Vec<&'r Declared> {
        let mut declared: Vec<&Declared> = Vec::new();
        // An exemption of any kind removes the handler's own.
        if route.exempt == Exempt::default() || self.does(Difference::ExactExemption) {
            // Decorators are applied from the innermost to the outermost, and twins count once.
            for limit in route.limits.iter().rev() {
                // A function may say that there are none.
                if !declared.contains(&limit) && !limit.quotas.of(ask.api_key).is_empty() {
                    declared.push(limit);
                }
            }
        }
        if self.does(Difference::AttributeOrder) {
            declared.reverse();
        }
        if !declared.iter().any(|limit| limit.override_defaults) {
            declared.extend(self.scope_limits(route));
        }
        declared
    }

    fn scope_limits<'r>(&self, route: &'r Route) -> Vec<&'r Declared> {
        let Some((innermost, ancestors)) = route.scopes.split_first() else { return Vec::new() };
        let is_bare = innermost.exempt.meta || innermost.exempts_descendants;
        if is_bare && !self.does(Difference::ExactExemption) {
            return Vec::new();
        }
        let overrides = |scope: &Around| scope.limits.iter().any(|limit| limit.override_defaults);
        let mut limits: Vec<&Declared> = innermost.limits.iter().collect();
        if !innermost.without_ancestors && !overrides(innermost) {
            let inherited = ancestors.iter().filter(|scope| !scope.exempts_descendants);
            limits.extend(inherited.flat_map(|scope| &scope.limits));
        }
        limits
    }

    fn keeps_defaults(&self, route: &Route, ask: &Ask) -> bool {
        let declared = self.declared(route, ask);
        let adds = |limit: &&Declared| !limit.override_defaults;
        let kept = if self.does(Difference::OverrideByMethod) {
            declared
                .iter()
                .copied()
                .filter(|limit| self.applies(limit, ask))
                .all(|limit| adds(&limit))
        } else {
            declared.iter().all(adds) || !declared.iter().any(|limit| self.applies(limit, ask))
        };
        kept && !self.exemption(route).defaults
    }

    fn applies(&self, limit: &Declared, ask: &Ask) -> bool {
        let mut methods = limit.methods.split(' ');
        limit.methods.is_empty() || methods.any(|method| method == self.counted_method(ask))
    }

    fn counted_method(&self, ask: &Ask) -> &'static str {
        match ask.method {
            "HEAD" if self.does(Difference::HeadIsGet) => "GET",
            method => method,
        }
    }

    fn application_limits(&self, ask: &Ask) -> Vec<Charge> {
        self.class_limits(&self.world.application, "application", "global", ask)
    }

    fn default_limits(&self, endpoint: &str, ask: &Ask) -> Vec<Charge> {
        self.class_limits(&self.world.defaults, "default", endpoint, ask)
    }

    fn class_limits(&self, class: &Class, kind: &str, scope: &str, ask: &Ask) -> Vec<Charge> {
        let scope = self.scope(kind, scope, class.per_method, ask);
        let charge = |quota: &Quota| Charge {
            quota: *quota,
            counter: Some(self.counter_name(&client(ask), &scope, quota, &class.quotas)),
            cost: class.cost.unwrap_or(1),
            shared: kind == "application",
            deduct_failures: false,
            metas: Vec::new(),
        };
        class.quotas.iter().map(charge).collect()
    }

    fn own_limits(&self, route: &Route, endpoint: &str, ask: &Ask) -> Vec<Charge> {
        let mut charges = Vec::new();
        for limit in self.declared(route, ask).into_iter().filter(|limit| self.applies(limit, ask))
        {
            if limit.exempt_key.is_some() && limit.exempt_key == ask.api_key {
                continue;
            }
            let quotas = limit.quotas.of(ask.api_key);
            let (kind, scope, shared) = match limit.scope {
                DeclaredScope::Endpoint => ("handler", endpoint.to_owned(), false),
                DeclaredScope::Part(part) => ("handler", format!("{endpoint}:{part}"), false),
                DeclaredScope::Shared(name) => ("shared", name.to_owned(), true),
            };
            let scope = self.scope(kind, &scope, limit.per_method, ask);
            let key = match limit.key {
                DeclaredKey::Client => Some(client(ask)),
                DeclaredKey::ApiKey => ask.api_key.map(str::to_owned),
                DeclaredKey::Everyone => Some("everyone".to_owned()),
            };
            let cost = match limit.cost {
                Cost::Fixed(cost) => cost,
                Cost::Query => ask.cost.unwrap_or(1),
            };
            charges.extend(quotas.iter().map(|quota| Charge {
                quota: *quota,
                counter: key.as_ref().map(|key| self.counter_name(key, &scope, quota, &quotas)),
                cost,
                shared,
                deduct_failures: limit.deduct_failures,
                metas: self.metas(&limit.meta, ask),
            }));
        }
        charges
    }

    fn global_metas(&self, ask: &Ask) -> Vec<Charge> {
        self.metas(&self.world.meta, ask)
    }

    fn metas(&self, quotas: &[Quota], ask: &Ask) -> Vec<Charge> {
        let meta = |quota: &Quota| Charge {
            quota: *quota,
            counter: Some(self.counter_name(&client(ask), "meta", quota, quotas)),
            cost: 1,
            shared: true,
            deduct_failures: false,
            metas: Vec::new(),
        };
        quotas.iter().map(meta).collect()
    }

    fn scope(&self, kind: &str, scope: &str, per_method: bool, ask: &Ask) -> String {
        let kind = if self.does(Difference::NoCollisions) { kind } else { "" };
        let method = if per_method { self.counted_method(ask) } else { "" };
        format!("{kind}/{scope}:{method}")
    }

    fn counter_name(&self, key: &str, scope: &str, quota: &Quota, beside: &[Quota]) -> String {
        if !self.does(Difference::AmountNotInKey) {
            return format!("{key}/{scope}/{quota}");
        }
        let window = quota.window_micros();
        let mut rivals = beside.iter().filter(|other| other.window_micros() == window);
        let ordinal = rivals.position(|other| other == quota).unwrap_or_default();
        format!("{key}/{scope}/{window} {ordinal}")
    }

    fn ordered(&self, mut charges: Vec<Charge>) -> Vec<Charge> {
        let by_window = self.does(Difference::OrderByWindow);
        charges.sort_by_key(|charge| match by_window {
            true => charge.quota.window_micros(),
            false => charge.quota.unit().micros(),
        });
        charges
    }

    // --- How they are decided ---

    /// One limit after the other, each charged for good, until one is breached.
    fn decide_in_turn(&mut self, charges: Vec<Charge>) -> Verdict {
        let mut met = Vec::new();
        let mut breaches = Vec::new();
        for charge in charges.into_iter().filter(|charge| charge.counter.is_some()) {
            let admitted = self.meet(&charge);
            if !admitted {
                breaches.push(met.len());
            }
            met.push(charge);
            if !admitted && self.world.fail_on_first_breach {
                break;
            }
        }
        self.verdict(met, &breaches)
    }

    /// All of them or none.
    fn decide_together(&mut self, charges: Vec<Charge>) -> Verdict {
        let before = self.counters.clone();
        let met: Vec<Charge> =
            charges.into_iter().filter(|charge| charge.counter.is_some()).collect();
        let breaches: Vec<usize> =
            (0..met.len()).filter(|index| !self.meet(&met[*index])).collect();
        if !breaches.is_empty() {
            self.counters = before;
        }
        self.verdict(met, &breaches)
    }

    /// Microseconds after which none of these limits, which deny a request now, denies it any more.
    fn longest_wait<'c>(&mut self, denying: impl IntoIterator<Item = &'c Charge>) -> Option<u64> {
        let now = self.now;
        denying.into_iter().try_fold(0, |longest, charge| {
            let wait = self.counter(charge).wait(charge.quota.amount(), charge.cost, now)?;
            Some(longest.max(wait))
        })
    }

    fn verdict(&mut self, mut met: Vec<Charge>, breaches: &[usize]) -> Verdict {
        let wait = self.longest_wait(breaches.iter().map(|index| &met[*index]));
        let breach = match self.does(Difference::OneBreach) {
            true => breaches.first(),
            false => breaches.last(),
        };
        let headline = match breach {
            Some(index) => *index,
            None => met.iter().position(|charge| !charge.shared).unwrap_or_default(),
        };
        // A request that is denied charges nothing here, and there whatever was looked at.
        let denied = !breaches.is_empty();
        let deductions = match denied && self.does(Difference::AllOrNothing) {
            true => Vec::new(),
            false => met.iter().filter(|charge| charge.deduct_failures).cloned().collect(),
        };
        let penalties =
            breaches.iter().flat_map(|index| met[*index].metas.iter().cloned()).collect();
        let headline = (headline < met.len()).then(|| met.swap_remove(headline));
        Verdict { headline, deductions, penalties, denied, wait }
    }

    /// Charges a limit, or looks at it where the answer decides; whether it admits the request.
    fn meet(&mut self, charge: &Charge) -> bool {
        match charge.deduct_failures {
            true => self.test(charge),
            false => self.hit(charge),
        }
    }

    fn test(&mut self, charge: &Charge) -> bool {
        let before = self.counters.clone();
        let admitted = self.hit(charge);
        self.counters = before;
        admitted
    }

    fn hit(&mut self, charge: &Charge) -> bool {
        let (amount, now, differences) = (charge.quota.amount(), self.now, self.differences);
        // Otherwise a moving window is not even looked at; others do not care for the timer.
        self.timer_is_due |= charge.cost <= amount;
        self.counter(charge).hit(amount, charge.cost, now, differences)
    }

    /// The counter of a charge as it is now.
    fn counter(&mut self, charge: &Charge) -> &mut Counter {
        let (strategy, now, differences) = (self.world.strategy, self.now, self.differences);
        let window = charge.quota.window_micros();
        let name = charge.counter.clone().expect("limits without a key are left out");
        let counter = self
            .counters
            .entry(name)
            .or_insert_with(|| Counter::new(strategy, window, now, differences));
        counter.settle(now, differences);
        counter
    }

    // --- What is told ---

    fn prediction(&mut self, served: u16, verdict: &Verdict) -> Prediction {
        let status = if verdict.denied { 429 } else { served };
        if status >= 400 {
            verdict.deductions.iter().for_each(|charge| _ = self.hit(charge));
        }
        let headline = verdict.headline.as_ref().map(|charge| self.headline(charge));
        let retry_after = match &headline {
            _ if self.does(Difference::OneBreach) => verdict
                .wait
                .filter(|_| verdict.denied)
                .map(|wait| wait.div_ceil(SECOND).cast_signed()),
            Some(headline) => {
                let reset = headline.reset() * SECOND;
                Some((reset.cast_signed() - self.now.cast_signed()) / SECOND.cast_signed())
            }
            None => None,
        };
        Prediction { status, headline, retry_after }
    }

    fn headline(&mut self, charge: &Charge) -> Headline {
        let (limit, now) = (charge.quota.amount(), self.now);
        let counter = self.counter(charge);
        let remaining = limit.saturating_sub(counter.used(now));
        Headline { limit, remaining, resets_at: counter.resets_at(now) }
    }
}

impl Headline {
    /// The value of `X-RateLimit-Reset`: both round alike.
    pub(crate) fn reset(&self) -> u64 {
        self.resets_at / SECOND + 1
    }
}

fn client(ask: &Ask) -> String {
    format!("127.0.0.{}", ask.client)
}
