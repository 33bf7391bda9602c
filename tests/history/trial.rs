//! Plays a history in a world, and judges every step.

use std::{collections::BTreeMap, fmt, time::Duration};

use limiter_actix::{FakeClock, Headers, Limiter, core::Clock};

use crate::{
    allowance::Facts,
    app::{self, Answer, Site},
    due::Counters,
    judge::{Case, Explanation, Seen, Violation},
    ledger::Ledger,
    oracle::{Oracle, Route},
    poll::{self, Outcome},
    traffic::{Call, Step},
    trail,
    world::{LimiterOptions, Quota, World},
};

/// A world that is started, and what has happened in it.
pub(crate) struct Trial<'a> {
    world: &'a World,
    clock: FakeClock,
    ledger: Ledger,
    workers: Vec<Site>,
    oracle: Oracle,
    /// What the oracle has said: it has no memory, so that is said for good.
    routes: Vec<(Call, Route)>,
    counters: Counters,
    facts: Facts,
    /// The number of the last request.
    last: u32,
    tally: Tally,
}

/// How often something was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(BTreeMap<&'static str, usize>);

/// What a step came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Played {
    /// `None` for a client that went away.
    pub(crate) outcomes: Vec<Option<Outcome>>,
    /// Whether the model left no choice, and was right.
    pub(crate) is_expected: bool,
}

impl<'a> Trial<'a> {
    pub(crate) async fn new(world: &'a World) -> Self {
        let clock = FakeClock::new();
        let ledger = Ledger::new(clock.clone(), world.limiter.remote);
        let limiter = limiter(world, &clock, &ledger).await;
        let mut workers = Vec::new();
        for _ in 0..world.workers {
            workers.push(app::limited(world, &limiter).await);
        }
        let oracle = Oracle::new(world).await;
        let counters = Counters::new(clock.clone());
        let (facts, routes, tally) = Default::default();
        Self { world, clock, ledger, workers, oracle, routes, counters, facts, last: 0, tally }
    }

    /// What has been seen so far.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Plays one step.
    pub(crate) async fn play(&mut self, step: &Step) -> Result<Played, Violation> {
        trail::clear();
        match step {
            Step::Wait { seconds } => {
                self.clock.advance(Duration::from_secs(*seconds));
                Ok(Played { outcomes: Vec::new(), is_expected: true })
            }
            Step::Send { worker, call } => self.send(*worker, call).await,
            Step::HangUp { worker, call, polls } => self.hang_up(*worker, call, *polls).await,
            Step::Burst { call, requests } => self.burst(call, *requests).await,
        }
    }

    async fn send(&mut self, worker: usize, call: &Call) -> Result<Played, Violation> {
        self.tally.add("requests", 1);
        let route = self.route(call);
        let (number, mut answer) = self.request(worker, call);
        let outcome = self.finish(std::slice::from_mut(&mut answer)).await;
        drop(answer);
        self.judge_answers(call, &route, &[number], outcome).await
    }

    async fn burst(&mut self, call: &Call, requests: usize) -> Result<Played, Violation> {
        self.tally.add("bursts", 1);
        let route = self.route(call);
        let sent = (0..requests).map(|index| self.request(index, call));
        let (numbers, mut answers): (Vec<_>, Vec<_>) = sent.unzip();
        let outcomes = self.finish(&mut answers).await;
        drop(answers);
        self.judge_answers(call, &route, &numbers, outcomes).await
    }

    async fn hang_up(
        &mut self,
        worker: usize,
        call: &Call,
        polls: usize,
    ) -> Result<Played, Violation> {
        let route = self.route(call);
        let (number, mut answer) = self.request(worker, call);
        let outcome = poll::at_most(polls, &mut answer);
        drop(answer);
        if outcome.is_some() {
            return self.judge_answers(call, &route, &[number], vec![outcome]).await;
        }
        self.tally.add("hang-ups", 1);
        self.judge_hang_up(call, &route, number).await
    }

    /// Polls until all have an answer; between the rounds others get a turn that the limiter may
    /// have started.
    async fn finish(&self, answers: &mut [Answer]) -> Vec<Option<Outcome>> {
        let mut outcomes = vec![None; answers.len()];
        poll::in_turns(answers, &mut outcomes);
        for _ in 0..answers.len() {
            if !outcomes.contains(&None) {
                break;
            }
            // They wait for others that have gone and are still to be charged.
            self.settle().await;
            poll::in_turns(answers, &mut outcomes);
        }
        if outcomes.contains(&None) {
            tokio::time::sleep(LONGEST_WAIT).await;
            poll::in_turns(answers, &mut outcomes);
        }
        outcomes
    }

    /// Lets the limiter finish what it does without a request: a remote storage takes its turns.
    async fn settle(&self) {
        let turns = if self.world.limiter.remote { 8 } else { 1 };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    fn request(&mut self, worker: usize, call: &Call) -> (u32, Answer) {
        self.last += 1;
        let site = &self.workers[worker % self.workers.len()];
        (self.last, site(call.request(self.last)))
    }

    fn route(&mut self, call: &Call) -> Route {
        let is_routed_alike = |(other, _): &&(Call, Route)| other.is_routed_like(call);
        if let Some((_, route)) = self.routes.iter().find(is_routed_alike) {
            return route.clone();
        }
        self.last += 1;
        let route = self.oracle.route(call, self.last);
        self.routes.push((call.clone(), route.clone()));
        route
    }

    async fn judge_answers(
        &mut self,
        call: &Call,
        route: &Route,
        numbers: &[u32],
        outcomes: Vec<Option<Outcome>>,
    ) -> Result<Played, Violation> {
        self.settle().await;
        if numbers.len() > 1 {
            // The first of a burst may teach the limiter what it lets the others do.
            self.facts.was_sent(call, route);
        }
        let case = self.case(call, route, numbers.len());
        for (number, outcome) in numbers.iter().zip(&outcomes) {
            if case.is_denial(*outcome) {
                self.check_denied(*number, &case)?;
            } else if *outcome != Some(route.outcome) {
                return Err(case.violation("another answer", &format!("{outcome:?}")));
            }
        }
        let denied: Vec<u32> = numbers
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| case.is_denial(**outcome))
            .map(|(number, _)| *number)
            .collect();
        let admitted = numbers.len() - denied.len();
        let hides_the_gate = case.is_hidden_from_gate(&outcomes);
        let seen = Seen { admitted: Some(admitted), used: self.ledger.used() };
        let explanation = case.explain(&seen)?;
        let is_expected = explanation.is_expected && !hides_the_gate;
        let gate = case.gate();
        let began = denied.iter().filter(|number| !trail::of(**number).is_empty()).count();
        self.tally.add("denied", denied.len());
        self.tally.add(route.kind(), 1);
        self.learn(call, route, &explanation, if gate.is_none() { began } else { 0 });
        if gate.is_none() && admitted > 0 && route.outcome.is_success() {
            self.facts.was_open(call, route);
        }
        numbers.iter().for_each(|number| self.learn_met(call, route, *number));
        Ok(Played { outcomes, is_expected })
    }

    async fn judge_hang_up(
        &mut self,
        call: &Call,
        route: &Route,
        number: u32,
    ) -> Result<Played, Violation> {
        self.settle().await;
        let case = Case { has_gone: true, ..self.case(call, route, 1) };
        let met = self.oracle.met(&trail::of(number));
        // Whether it went away while the limiter may have been waiting for the storage.
        let is_undecided = self.world.limiter.remote
            && !met.is_extracted
            && (!met.is_inside || !met.is_past_scopes() || case.gate().is_some());
        let admitted = if is_undecided { None } else { Some(1) };
        let seen = Seen { admitted, used: self.ledger.used() };
        let explanation = case.explain_hang_up(&met, &seen)?;
        let is_expected = explanation.is_expected;
        self.learn(call, route, &explanation, usize::from(explanation.charged == 0));
        Ok(Played { outcomes: vec![None], is_expected })
    }

    fn case<'b>(&'b self, call: &'b Call, route: &'b Route, requests: usize) -> Case<'b> {
        let Self { world, facts, counters, clock, .. } = self;
        Case { world, call, route, facts, counters, now: clock.now(), requests, has_gone: false }
    }

    /// Nothing behind the limits has run for a denied request, and nobody has read its body.
    fn check_denied(&self, number: u32, case: &Case<'_>) -> Result<(), Violation> {
        let met = self.oracle.met(&trail::of(number));
        if met.is_extracted || met.handler.is_some() {
            return Err(case.violation("a denied request reached its handler", &format!("{met:?}")));
        }
        Ok(())
    }

    /// Takes over what was explained. So many requests were refused only after they had begun.
    fn learn(&mut self, call: &Call, route: &Route, explanation: &Explanation, began: usize) {
        let kind = match explanation {
            _ if explanation.is_exact() => "exact",
            Explanation { unpaid: 1.., .. } => "allowed: served beyond the limits",
            _ => "allowed: denied within the limits",
        };
        self.tally.add(kind, 1);
        let Explanation { due, charged, more, unpaid, perhaps_unpaid, .. } = explanation;
        self.counters.charge(due, *charged);
        if let Some((due, times)) = more {
            self.counters.charge(due, *times);
        }
        let now = self.clock.now();
        // Of all limits, one that was charged may have refused it, and of the handler's one that lasts.
        let (first, last) = (now.plus(due.memory()), now.plus(HOUR));
        self.facts.are_unpaid(call, route, *unpaid, (first, last));
        self.facts.are_unpaid(call, route, perhaps_unpaid + began, (now, last));
        self.facts.was_sent(call, route);
    }

    /// What an answered request has met is known for certain.
    fn learn_met(&mut self, call: &Call, route: &Route, number: u32) {
        let met = self.oracle.met(&trail::of(number));
        let is_answered = matches!(route.outcome, Outcome::Answered(_));
        if met.handler.is_some() && is_answered {
            self.facts.was_met(call, route, route.gate());
        }
    }
}

impl Played {
    /// The outcomes, whichever request of a burst has which.
    pub(crate) fn sorted(mut self) -> Vec<Option<Outcome>> {
        self.outcomes.sort_unstable();
        self.outcomes
    }
}

impl Tally {
    pub(crate) fn add(&mut self, kind: &'static str, times: usize) {
        *self.0.entry(kind).or_default() += times;
    }

    pub(crate) fn has(&self, kind: &str) -> bool {
        self.0.contains_key(kind)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(kind, times)| self.add(kind, *times));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(kind, times)| writeln!(f, "  {kind}: {times}"))
    }
}

async fn limiter(world: &World, clock: &FakeClock, ledger: &Ledger) -> Limiter {
    let LimiterOptions { defaults, application, limit_unmatched, exempt_path, headers, .. } =
        &world.limiter;
    let mut builder = Limiter::builder()
        .storage(ledger.clone())
        .clock(clock.clone())
        .limit_unmatched(*limit_unmatched)
        .headers(if *headers { Headers::all() } else { Headers::off() });
    if !defaults.is_empty() {
        builder = builder.default_limits(defaults.iter().map(Quota::to_string).collect::<Vec<_>>());
    }
    if let Some(quota) = application {
        builder = builder.application_limits([quota.to_string()]);
    }
    if let Some(path) = exempt_path {
        builder = builder.exempt_path(*path);
    }
    builder.build().await.expect("the options of a test")
}

/// A little longer than the limiter lets a request wait for others of its client.
const LONGEST_WAIT: Duration = Duration::from_millis(1100);

/// In microseconds.
const HOUR: u64 = 3_600_000_000;
