//! Charges and their evaluation: keys and costs for a rule, decided by the storage as one batch.

use std::{rc::Rc, time::Duration};

use actix_web::HttpRequest;
use limiter_core::{
    Charge, Decision, Key, Limit, Outcome, Receipt, Storage, StorageError, Timestamp, Verb,
};
use smallvec::SmallVec;

use crate::{
    config::{LimiterKey, MissingIdentity},
    current::CurrentLimit,
    function::Cost,
    limiter::{Inner, Limiter},
    rule::{Class, LimitKey, Role, Rule, RuleLimit},
};

/// What one request is charged: for each limit of a rule a key and a cost, and afterwards the
/// decision.
///
/// It stays where it is, in the request's pooled context: nothing of it is moved or allocated.
#[derive(Default)]
pub(crate) struct Batch {
    /// `None` while nothing was charged.
    rule: Option<Rc<Rule>>,
    keys: SmallVec<[Key; 1]>,
    demands: SmallVec<[Demand; 4]>,
    outcome: Option<Outcome>,
    /// When it was decided, by the limiter's clock; only where headers will tell it.
    decided_at: Option<Timestamp>,
}

/// One limit's part of a batch.
pub(crate) struct Demand {
    /// The limit's place in the rule.
    limit: usize,
    /// The key's place in the keys.
    key: usize,
    cost: u64,
    decision: Option<Decision>,
    receipt: Option<Receipt>,
}

/// Why a request is not let through.
pub(crate) enum Refusal {
    /// A limit is breached: the batch knows which.
    Breach,
    /// No key could be told, and the policy says no.
    NoIdentity(Unidentified),
    /// A function returned a limit that is none, and the policy says no.
    InvalidLimit,
    /// The storage did not answer.
    Storage(StorageError),
}

/// The limiter's key of a request.
#[inline]
pub(crate) fn limiter_key(limiter: &Inner, request: &HttpRequest) -> Option<Key> {
    match &limiter.settings.key {
        LimiterKey::Peer => limiter.settings.identity.peer(request),
        LimiterKey::Custom(key) => key(request),
    }
}

/// Which limit it was that could not tell whom to count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unidentified {
    pub(crate) class: Class,
    pub(crate) is_meta: bool,
    /// Whether a function of the limit's own was asked, and not the limiter's key.
    pub(crate) has_own_key: bool,
}

/// Who is counted.
#[derive(Clone, Copy, Default)]
pub(crate) struct Identity<'a> {
    /// The limiter's key, where it has been told already.
    pub(crate) known: Option<&'a Option<Key>>,
    /// In place of clients without identity, where the policy would deny these: they were not
    /// denied, but answered by somebody who may have told who they are.
    pub(crate) stand_in: Option<&'a Key>,
    /// Whether it is counted in front of a gate: a limit of the handler's own, whose own key tells
    /// nobody there, counts nobody.
    pub(crate) is_in_front: bool,
}

/// Charges a cost after the fact, as far as it is there: what is left at most.
pub(crate) async fn take_what_is_left(
    storage: &dyn Storage,
    limit: &Limit,
    key: &Key,
    cost: u64,
) -> Result<Decision, StorageError> {
    let mut cost = cost;
    loop {
        let decision = decide_one(storage, Verb::Hit, limit, key, cost).await?;
        let left = decision.remaining();
        if decision.admitted() || left == 0 {
            return Ok(decision);
        }
        // Somebody else may have taken of it since, and then it is less again.
        cost = cost.min(left);
    }
}

/// Decides one charge by itself, at once or waiting.
pub(crate) async fn decide_one(
    storage: &dyn Storage,
    verb: Verb,
    limit: &Limit,
    key: &Key,
    cost: u64,
) -> Result<Decision, StorageError> {
    let mut charges = [Charge::new(limit, key).cost(cost)];
    apply(storage, verb, &mut charges).await?;
    let [charge] = charges;
    charge
        .decision()
        .copied()
        .ok_or_else(|| StorageError::new(format!("the storage {} decided nothing", storage.name())))
}

/// Does something to charges, at once or waiting.
pub(crate) async fn apply(
    storage: &dyn Storage,
    verb: Verb,
    charges: &mut [Charge<'_>],
) -> Result<Outcome, StorageError> {
    match storage.apply_now(verb, charges) {
        Some(outcome) => Ok(outcome),
        None => storage.apply(verb, charges).await,
    }
}

/// Puts the demands of one request together.
struct Collector<'a> {
    limiter: &'a Inner,
    request: Option<&'a HttpRequest>,
    batch: &'a mut Batch,
    identity: Identity<'a>,
    /// The place of the limiter's key, once a limit needed it.
    limiter_key: Option<usize>,
    /// Whether a limit that denies applies so far.
    is_limited: bool,
}

impl Collector<'_> {
    /// Adds a limit under the key at this place; without a key it is left out.
    #[inline]
    fn push(&mut self, place: usize, limit: &RuleLimit, key: Option<usize>, cost: u64) {
        if let Some(key) = key {
            let demand = Demand { limit: place, key, cost, decision: None, receipt: None };
            self.batch.demands.push(demand);
            self.is_limited |= limit.is_enforced();
        }
    }

    /// Whether a limit has nothing to say: a meta limit, which comes last, of a request that all
    /// others leave alone.
    #[inline(always)]
    fn leaves_alone(&self, limit: &RuleLimit) -> bool {
        !self.is_limited && limit.is_meta()
    }

    /// The place of a limit's key, where that is no key of its own.
    #[inline(always)]
    fn common_key(&mut self, limit: &RuleLimit) -> Result<Option<usize>, Refusal> {
        if let LimitKey::SameAs(other) = limit.key {
            let other = self.batch.demands.iter().find(|demand| demand.limit == other);
            return Ok(other.map(|demand| demand.key));
        }
        if self.limiter_key.is_none() {
            let key = match (self.identity.known, self.request) {
                (Some(known), _) => known.clone(),
                (None, Some(request)) => limiter_key(self.limiter, request),
                (None, None) => None,
            };
            self.limiter_key = self.add(limit, key)?;
        }
        Ok(self.limiter_key)
    }

    /// The place of a key; none where the limit is to be left out.
    #[inline(always)]
    fn add(&mut self, limit: &RuleLimit, key: Option<Key>) -> Result<Option<usize>, Refusal> {
        let key = match key {
            Some(key) => key,
            None => match self.fallback(limit)? {
                Some(key) => key,
                None => return Ok(None),
            },
        };
        self.batch.keys.push(key);
        Ok(Some(self.batch.keys.len() - 1))
    }

    /// The key of those who have none; none where the limit is to be left out.
    #[cold]
    fn fallback(&self, limit: &RuleLimit) -> Result<Option<Key>, Refusal> {
        match &self.limiter.settings.missing_identity {
            // A handler's own key may be one that only the gate can tell.
            _ if self.identity.is_in_front
                && limit.class == Class::Own
                && matches!(limit.key, LimitKey::Own(_)) =>
            {
                Ok(None)
            }
            MissingIdentity::Fallback(key) => Ok(Some(key.clone())),
            MissingIdentity::Skip => Ok(None),
            MissingIdentity::Deny => match self.identity.stand_in {
                Some(key) => Ok(Some(key.clone())),
                // What never denies does not deny for want of a key either.
                None if matches!(limit.role, Role::Shadow) => Ok(None),
                None => Err(Refusal::NoIdentity(Unidentified {
                    class: limit.class,
                    is_meta: limit.is_meta(),
                    has_own_key: matches!(limit.key, LimitKey::Own(_)),
                })),
            },
        }
    }
}

impl Batch {
    /// Every limit of the batch with its decision, shortest window first; meta limits only where
    /// one of them denies, and never what is but a shadow: what a client is told.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&RuleLimit, &Decision)> {
        let denied_by_meta = self.breached_meta().is_some();
        self.decisions().map(|(_, limit, decision)| (limit, decision)).filter(
            move |(limit, decision)| match limit.role {
                Role::Enforce => !denied_by_meta,
                Role::Shadow => false,
                Role::Meta(_) => denied_by_meta && !decision.admitted(),
            },
        )
    }

    /// The limits that deny the request: the first meta limit that does, or else all others.
    pub(crate) fn breaches(&self) -> impl Iterator<Item = (&RuleLimit, &Decision)> {
        let meta = self.breached_meta();
        let others = self
            .decisions()
            .filter(|(_, limit, decision)| limit.is_enforced() && !decision.admitted())
            .map(|(_, limit, decision)| (limit, decision))
            .filter(move |_| meta.is_none());
        meta.into_iter().chain(others)
    }

    /// What every limit said that denies, whichever is reported.
    pub(crate) fn denials(&self) -> impl Iterator<Item = &Decision> {
        self.decisions()
            .filter(|(_, limit, decision)| {
                !matches!(limit.role, Role::Shadow) && !decision.admitted()
            })
            .map(|(_, _, decision)| decision)
    }

    fn breached_meta(&self) -> Option<(&RuleLimit, &Decision)> {
        if self.outcome != Some(Outcome::Deny) {
            return None;
        }
        self.decisions()
            .find(|(_, limit, decision)| limit.is_meta() && !decision.admitted())
            .map(|(_, limit, decision)| (limit, decision))
    }

    fn decisions(&self) -> impl Iterator<Item = (&Demand, &RuleLimit, &Decision)> {
        let limits = self.rule.as_ref().map_or(&[][..], |rule| rule.limits());
        self.demands.iter().filter_map(|demand| {
            Some((demand, limits.get(demand.limit)?, demand.decision.as_ref()?))
        })
    }

    /// The limit that headers tell of: the first breached one; where none is, the first that
    /// belongs to the endpoint alone; or else the first.
    pub(crate) fn headline(&self) -> Option<(&RuleLimit, &Decision)> {
        if self.outcome == Some(Outcome::Deny) {
            return self.breaches().next();
        }
        let (limit, decision) =
            self.told().find(|(limit, _)| !limit.shared).or_else(|| self.told().next())?;
        Some((limit, self.latest(limit).unwrap_or(decision)))
    }

    /// What the last charge of a counter said, where a limit stands twice and is charged twice.
    fn latest(&self, limit: &RuleLimit) -> Option<&Decision> {
        let twin = limit.twin?;
        let demand = |wanted: &dyn Fn(&Demand, &RuleLimit) -> bool| {
            self.decisions().find(|(demand, limit, _)| wanted(demand, limit))
        };
        let (first, ..) = demand(&|_, other| std::ptr::eq(other, limit))?;
        let (last, _, decision) = demand(&|other, _| other.limit == twin)?;
        (self.keys[first.key] == self.keys[last.key]).then_some(decision)
    }
    /// The [headline](Self::headline), as handlers see it.
    pub(crate) fn headline_limit(&self, limiter: &Limiter) -> Option<CurrentLimit> {
        let headline = std::ptr::from_ref(self.headline()?.0);
        let (demand, ..) =
            self.decisions().find(|(_, limit, _)| std::ptr::from_ref(*limit) == headline)?;
        self.current_limit(limiter, demand)
    }

    /// Every limit that was evaluated, as handlers and callbacks see it.
    pub(crate) fn current_limits(&self, limiter: &Limiter) -> Vec<CurrentLimit> {
        self.decisions().filter_map(|(demand, ..)| self.current_limit(limiter, demand)).collect()
    }

    /// The limits that [`breaches`](Self::breaches) names, as callbacks see them.
    pub(crate) fn breached_limits(&self, limiter: &Limiter) -> Vec<CurrentLimit> {
        let breached: SmallVec<[*const RuleLimit; 4]> =
            self.breaches().map(|(limit, _)| std::ptr::from_ref(limit)).collect();
        self.decisions()
            .filter(|(_, limit, _)| breached.contains(&std::ptr::from_ref(*limit)))
            .filter_map(|(demand, ..)| self.current_limit(limiter, demand))
            .collect()
    }

    fn current_limit(&self, limiter: &Limiter, demand: &Demand) -> Option<CurrentLimit> {
        let rule = Rc::clone(self.rule.as_ref()?);
        let key = self.keys[demand.key].clone();
        Some(CurrentLimit::new(
            limiter.clone(),
            rule,
            demand.limit,
            key,
            demand.cost,
            demand.decision?,
        ))
    }

    /// The rule whose limits were charged.
    pub(crate) fn rule(&self) -> Option<&Rc<Rule>> {
        self.rule.as_ref()
    }

    /// Whether it is put together and not yet decided.
    #[inline]
    pub(crate) fn is_collected(&self) -> bool {
        self.rule.is_some() && self.outcome.is_none()
    }

    /// Leaves out, before it is decided, what would be given back at once; and meta limits where
    /// nothing is left.
    pub(crate) fn leave_out(&mut self, is_left_out: impl Fn(&RuleLimit) -> bool) {
        let Self { rule: Some(rule), demands, .. } = self else { return };
        let limits = rule.limits();
        demands.retain(|demand| !is_left_out(&limits[demand.limit]));
        if !demands.iter().any(|demand| limits[demand.limit].is_enforced()) {
            demands.retain(|demand| !limits[demand.limit].is_meta());
        }
    }

    /// How long the longest of its limits remembers a charge.
    pub(crate) fn memory(&self) -> Duration {
        let limits = self.rule.as_ref().map_or(&[][..], |rule| rule.limits());
        let memory = |limit: &RuleLimit| {
            let quota = limit.limit.quota();
            // A bucket that holds several amounts takes as many windows to fill.
            let windows = quota.capacity().div_ceil(quota.amount().max(1)).max(1);
            quota.window_micros().saturating_mul(windows)
        };
        Duration::from_micros(limits.iter().map(memory).max().unwrap_or_default())
    }

    /// The charges that were admitted together.
    pub(crate) fn admitted(&self) -> &[Demand] {
        if self.outcome == Some(Outcome::Admit) { &self.demands } else { &[] }
    }

    /// The key of a demand.
    pub(crate) fn key_of(&self, limit: usize) -> Option<&Key> {
        let demand = self.demands.iter().find(|demand| demand.limit == limit)?;
        Some(&self.keys[demand.key])
    }

    /// Forgets everything, and keeps the room for the next request.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.rule = None;
        self.keys.clear();
        self.demands.clear();
        self.outcome = None;
        self.decided_at = None;
    }

    /// Looks at the counters again if a part of the quota has come back since the decision, as
    /// after a slow handler. Storages that would have to wait are not asked: headers are not worth
    /// a round trip.
    pub(crate) fn refresh(&mut self, limiter: &Inner) {
        let Some(decided_at) = self.decided_at else { return };
        let passed = limiter.settings.clock.coarse().since(decided_at);
        let outdated = |decision: &Decision| {
            let reset_after = decision.reset_after_micros();
            reset_after > 0 && passed >= reset_after
        };
        if self.outcome == Some(Outcome::Deny)
            || !self.decisions().any(|(_, _, decision)| outdated(decision))
        {
            return;
        }
        for demand in &mut self.demands {
            demand.cost = 0;
        }
        self.apply_now(limiter.storage(), Verb::Test);
    }

    /// Keys and costs of a rule that is immediate.
    #[inline]
    pub(crate) fn collect_now(
        &mut self,
        limiter: &Inner,
        request: &HttpRequest,
        rule: Rc<Rule>,
        identity: Identity<'_>,
    ) -> Result<(), Refusal> {
        if rule.is_invalid() {
            return Err(Refusal::InvalidLimit);
        }
        let mut collector = Collector {
            limiter,
            request: Some(request),
            batch: self,
            identity,
            limiter_key: None,
            is_limited: false,
        };
        for (place, limit) in rule.limits().iter().enumerate() {
            collector.push_now(place, limit, request)?;
        }
        self.rule = Some(rule);
        Ok(())
    }

    /// Keys and costs of a rule, whatever has to be waited for.
    pub(crate) async fn collect(
        &mut self,
        limiter: &Inner,
        request: &HttpRequest,
        rule: Rc<Rule>,
        identity: Identity<'_>,
    ) -> Result<(), Refusal> {
        if rule.is_invalid() {
            return Err(Refusal::InvalidLimit);
        }
        let mut collector = Collector {
            limiter,
            request: Some(request),
            batch: self,
            identity,
            limiter_key: None,
            is_limited: false,
        };
        for (place, limit) in rule.limits().iter().enumerate() {
            if collector.leaves_alone(limit) {
                continue;
            }
            if let Some(exempt_when) = &limit.exempt_when
                && exempt_when.call(request).await
            {
                continue;
            }
            let key = match &limit.key {
                LimitKey::Own(key) => {
                    let own = key.call(request).await;
                    collector.add(limit, own)?
                }
                LimitKey::Limiter | LimitKey::SameAs(_) => collector.common_key(limit)?,
            };
            let cost = match &limit.cost {
                Cost::Fixed(cost) => *cost,
                Cost::Function(cost) => cost.call(request).await,
            };
            collector.push(place, limit, key, cost);
        }
        self.rule = Some(rule);
        Ok(())
    }

    /// Keys and costs as far as they need no request.
    pub(crate) fn collect_blindly(
        &mut self,
        limiter: &Inner,
        rule: &Rc<Rule>,
        identity: Identity<'_>,
    ) -> Result<(), Refusal> {
        let mut collector = Collector {
            limiter,
            request: None,
            batch: self,
            identity,
            limiter_key: None,
            is_limited: false,
        };
        for (place, limit) in rule.limits().iter().enumerate() {
            if let (LimitKey::Limiter, Cost::Fixed(cost)) = (&limit.key, &limit.cost)
                && !collector.leaves_alone(limit)
            {
                let key = collector.common_key(limit)?;
                collector.push(place, limit, key, *cost);
            }
        }
        self.rule = Some(Rc::clone(rule));
        Ok(())
    }

    /// Charges the batch without waiting; `None` where the storage has to wait.
    #[inline]
    pub(crate) fn hit_now(&mut self, limiter: &Inner) -> Option<Result<(), Refusal>> {
        let outcome = if self.demands.is_empty() {
            Outcome::Admit
        } else {
            self.apply_now(limiter.storage(), Verb::Hit)?
        };
        Some(self.decided(limiter, outcome))
    }

    #[inline]
    pub(crate) fn decided(&mut self, limiter: &Inner, outcome: Outcome) -> Result<(), Refusal> {
        self.outcome = Some(outcome);
        if limiter.settings.headers.are_on() {
            self.decided_at = Some(limiter.settings.clock.coarse());
        }
        if self.rule.as_ref().is_some_and(|rule| rule.has_shadows()) {
            self.report_shadows();
        }
        match outcome {
            Outcome::Admit => Ok(()),
            Outcome::Deny => Err(Refusal::Breach),
        }
    }

    fn report_shadows(&self) {
        for (_, limit, decision) in self.decisions() {
            if matches!(limit.role, Role::Shadow) && !decision.admitted() {
                tracing::info!(
                    policy = &*limit.name,
                    quota = %limit.limit.quota(),
                    "a shadow limit would have denied the request"
                );
            }
        }
    }

    /// Does something to the counters without waiting; `None` where the storage has to wait.
    #[inline]
    pub(crate) fn apply_now(&mut self, storage: &dyn Storage, verb: Verb) -> Option<Outcome> {
        let Self { rule, keys, demands, .. } = self;
        let rule = rule.as_ref()?;
        if let [demand] = &mut demands[..] {
            // As most batches: an array of one is faster than a list.
            let mut charges = [charge(rule, keys, demand)];
            let outcome = storage.apply_now(verb, &mut charges)?;
            let [charge] = charges;
            demand.answer(&charge);
            return Some(outcome);
        }
        let mut charges = charges::<8>(rule, keys, demands);
        let outcome = storage.apply_now(verb, &mut charges)?;
        answer(demands, &charges);
        Some(outcome)
    }

    pub(crate) async fn apply(
        &mut self,
        storage: &dyn Storage,
        verb: Verb,
    ) -> Result<Outcome, StorageError> {
        let Self { rule: Some(rule), keys, demands, .. } = self else {
            return Ok(Outcome::Admit);
        };
        // Room for one, because what waits is kept in allocated memory.
        let mut charges = charges::<1>(rule, keys, demands);
        let outcome = storage.apply(verb, &mut charges).await?;
        answer(demands, &charges);
        Ok(outcome)
    }

    /// Gives back one admitted charge.
    pub(crate) async fn refund_one(
        &mut self,
        storage: &dyn Storage,
        limit: usize,
    ) -> Result<(), StorageError> {
        let Self { rule: Some(rule), keys, demands, .. } = self else { return Ok(()) };
        let Some(demand) = demands.iter_mut().find(|demand| demand.limit == limit) else {
            return Ok(());
        };
        let mut charges = [charge(rule, keys, demand)];
        apply(storage, Verb::Refund, &mut charges).await?;
        demand.receipt = charges[0].receipt();
        Ok(())
    }

    /// Looks at one counter again.
    pub(crate) async fn look_again(
        &mut self,
        storage: &dyn Storage,
        limit: usize,
    ) -> Result<(), StorageError> {
        let Self { rule: Some(rule), keys, demands, .. } = self else { return Ok(()) };
        for demand in demands.iter_mut().filter(|demand| demand.limit == limit) {
            let (limit, key) = (&rule.limits()[demand.limit].limit, &keys[demand.key]);
            demand.decision = Some(decide_one(storage, Verb::Test, limit, key, 0).await?);
        }
        Ok(())
    }
}

impl Collector<'_> {
    /// Adds a limit whose functions need not be waited for.
    #[inline]
    fn push_now(
        &mut self,
        place: usize,
        limit: &RuleLimit,
        request: &HttpRequest,
    ) -> Result<(), Refusal> {
        if self.leaves_alone(limit) {
            return Ok(());
        }
        if let Some(exempt_when) = &limit.exempt_when
            && exempt_when.now(request) == Some(true)
        {
            return Ok(());
        }
        let key = match &limit.key {
            LimitKey::Own(key) => self.add(limit, key.now(request).flatten())?,
            LimitKey::Limiter | LimitKey::SameAs(_) => self.common_key(limit)?,
        };
        let cost = match &limit.cost {
            Cost::Fixed(cost) => *cost,
            Cost::Function(cost) => cost.now(request).unwrap_or(1),
        };
        self.push(place, limit, key, cost);
        Ok(())
    }
}

impl Demand {
    /// The limit's place in the rule.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Keeps what the storage wrote on the charge.
    #[inline]
    fn answer(&mut self, charge: &Charge<'_>) {
        self.decision = charge.decision().copied();
        self.receipt = charge.receipt();
    }
}

#[inline]
fn charge<'a>(rule: &'a Rule, keys: &'a [Key], demand: &Demand) -> Charge<'a> {
    let limit = &rule.limits()[demand.limit];
    Charge::new(&limit.limit, &keys[demand.key])
        .cost(demand.cost)
        .mode(limit.mode())
        .on_store_error(limit.on_store_error)
        .taken(demand.receipt)
}

fn charges<'a, const INLINE: usize>(
    rule: &'a Rule,
    keys: &'a [Key],
    demands: &[Demand],
) -> SmallVec<[Charge<'a>; INLINE]> {
    demands.iter().map(|demand| charge(rule, keys, demand)).collect()
}

fn answer(demands: &mut [Demand], charges: &[Charge<'_>]) {
    for (demand, charge) in demands.iter_mut().zip(charges) {
        demand.answer(charge);
    }
}
