//! Charges and their evaluation: keys and costs for a rule, decided by the storage as one batch.

use std::rc::Rc;

use actix_web::HttpRequest;
use limiter_core::{
    Charge, Decision, Key, Outcome, Receipt, Storage, StorageError, Timestamp, Verb,
};
use smallvec::SmallVec;

use crate::{
    config::{LimiterKey, MissingIdentity},
    context::{Context, Worker},
    limiter::Inner,
    record::{CostRecord, KeyFn},
    rule::{Rule, RuleLimit},
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
struct Demand {
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
    NoIdentity,
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

/// **Charges** and **evaluate**, where nothing has to be waited for. `None` where something has:
/// then nothing is charged yet, and [`decide`] goes on.
///
/// `known` is the limiter's key where it has been told already.
#[inline]
pub(crate) fn decide_now(
    context: &Context,
    request: &HttpRequest,
    rule: &Rc<Rule>,
    known: Option<Option<Key>>,
) -> Option<Result<(), Refusal>> {
    if !rule.is_immediate() {
        return None;
    }
    let batch = &mut *context.batch.borrow_mut();
    match batch.collect_now(&context.worker, request, rule, known) {
        Ok(()) => batch.hit_now(context.worker.limiter()),
        Err(refusal) => Some(Err(refusal)),
    }
}

/// **Charges** and **evaluate**, after [`decide_now`] could not.
pub(crate) async fn decide(
    context: &Context,
    request: &HttpRequest,
    rule: &Rc<Rule>,
) -> Result<(), Refusal> {
    if !rule.is_immediate() {
        collect(context, request, rule).await?;
    }
    decide_collected(context).await
}

/// **Evaluate** a batch that [`decide_now`] has left to be waited for.
pub(crate) async fn decide_collected(context: &Context) -> Result<(), Refusal> {
    let limiter = context.worker.limiter();
    // Taken out while waiting: a borrow may not live that long.
    let mut batch = context.batch.take();
    let decided = match batch.hit_now(limiter) {
        Some(decided) => decided,
        None => match batch.apply(&*limiter.storage, Verb::Hit).await {
            Ok(outcome) => batch.decided(limiter, outcome),
            Err(error) => Err(Refusal::Storage(error)),
        },
    };
    context.batch.replace(batch);
    decided
}

/// **Settle**: gives back what the middleware charged before it knew the handler. Whether that is
/// done; where it is not, [`refund`] does it.
#[inline]
pub(crate) fn refund_now(context: &Context) -> bool {
    let batch = &mut *context.batch.borrow_mut();
    if batch.rule.is_none() {
        return true;
    }
    let done = batch.apply_now(&*context.worker.limiter().storage, Verb::Refund).is_some();
    if done {
        batch.clear();
    }
    done
}

/// **Settle**, waiting for the storage.
pub(crate) async fn refund(context: &Context) {
    let mut batch = context.batch.take();
    let storage = &*context.worker.limiter().storage;
    if let Err(error) = batch.apply(storage, Verb::Refund).await {
        tracing::warn!(%error, "a charge could not be given back");
    }
}

/// Charges a request that has been answered already: whatever the decision, nobody is denied.
#[cold]
pub(crate) fn charge_afterwards(context: &Context, rule: &Rc<Rule>) {
    let limiter = context.worker.limiter();
    let told = context.entry_key.take().flatten();
    let key = match (told, &limiter.settings.missing_identity) {
        (Some(key), _) => key,
        (None, MissingIdentity::Fallback(key)) => key.clone(),
        (None, MissingIdentity::Deny | MissingIdentity::Skip) => return,
    };
    let mut batch = Batch { rule: Some(Rc::clone(rule)), ..Batch::default() };
    batch.keys.push(key);
    for (limit, of) in rule.limits().iter().enumerate() {
        // Application and default limits have a cost that no request changes.
        if let CostRecord::Fixed(cost) = of.cost {
            batch.demands.push(Demand { limit, key: 0, cost, decision: None, receipt: None });
        }
    }
    if batch.apply_now(&*limiter.storage, Verb::Hit).is_none() {
        let worker = Rc::clone(&context.worker);
        actix_web::rt::spawn(async move {
            if let Err(error) = batch.apply(&*worker.limiter().storage, Verb::Hit).await {
                tracing::warn!(%error, "an answered request could not be charged");
            }
        });
    }
}

/// Keys and costs of a rule that has to be waited for.
async fn collect(context: &Context, request: &HttpRequest, rule: &Rc<Rule>) -> Result<(), Refusal> {
    let mut batch = context.batch.take();
    let mut collector = Collector::new(context.worker.limiter(), request, &mut batch, None);
    for (index, limit) in rule.limits().iter().enumerate() {
        let own_key = match limit.key {
            Some(KeyFn::Sync(key)) => Some(key(request)),
            Some(KeyFn::Async(key)) => Some(key(request).await),
            None => None,
        };
        let cost = match limit.cost {
            CostRecord::Fixed(cost) => cost,
            CostRecord::Sync(cost) => cost(request),
            CostRecord::Async(cost) => cost(request).await,
        };
        collector.push(index, own_key, cost)?;
    }
    batch.rule = Some(Rc::clone(rule));
    context.batch.replace(batch);
    Ok(())
}

/// Puts the demands of one request together.
struct Collector<'a> {
    limiter: &'a Inner,
    request: &'a HttpRequest,
    batch: &'a mut Batch,
    known: Option<Option<Key>>,
    /// The place of the limiter's key, once a limit needed it.
    limiter_key: Option<usize>,
}

impl<'a> Collector<'a> {
    #[inline]
    fn new(
        limiter: &'a Inner,
        request: &'a HttpRequest,
        batch: &'a mut Batch,
        known: Option<Option<Key>>,
    ) -> Self {
        Self { limiter, request, batch, known, limiter_key: None }
    }

    #[inline]
    fn push(&mut self, limit: usize, own: Option<Option<Key>>, cost: u64) -> Result<(), Refusal> {
        let key = match (own, self.limiter_key) {
            (None, Some(place)) => Some(place),
            (None, None) => {
                let key = match self.known.take() {
                    Some(key) => key,
                    None => limiter_key(self.limiter, self.request),
                };
                self.limiter_key = self.add(key)?;
                self.limiter_key
            }
            (Some(key), _) => self.add(key)?,
        };
        if let Some(key) = key {
            let demand = Demand { limit, key, cost, decision: None, receipt: None };
            self.batch.demands.push(demand);
        }
        Ok(())
    }

    /// The place of a key; none where the limit is to be left out.
    #[inline]
    fn add(&mut self, key: Option<Key>) -> Result<Option<usize>, Refusal> {
        let key = match (key, &self.limiter.settings.missing_identity) {
            (Some(key), _) => key,
            (None, MissingIdentity::Deny) => return Err(Refusal::NoIdentity),
            (None, MissingIdentity::Fallback(key)) => key.clone(),
            (None, MissingIdentity::Skip) => return Ok(None),
        };
        self.batch.keys.push(key);
        Ok(Some(self.batch.keys.len() - 1))
    }
}

impl Batch {
    /// Every limit of the batch with its decision, shortest window first.
    pub(crate) fn decisions(&self) -> impl Iterator<Item = (&RuleLimit, &Decision)> {
        let limits = self.rule.as_ref().map_or(&[][..], |rule| rule.limits());
        self.demands
            .iter()
            .filter_map(|demand| Some((limits.get(demand.limit)?, demand.decision.as_ref()?)))
    }

    /// The limits that deny the request.
    pub(crate) fn breaches(&self) -> impl Iterator<Item = (&RuleLimit, &Decision)> {
        self.decisions().filter(|(_, decision)| !decision.admitted())
    }

    /// The limit that headers tell of: the first breached one; where none is, the first that
    /// belongs to the endpoint alone; or else the first.
    pub(crate) fn headline(&self) -> Option<(&RuleLimit, &Decision)> {
        if self.outcome == Some(Outcome::Deny) {
            return self.breaches().next();
        }
        self.decisions().find(|(limit, _)| !limit.shared).or_else(|| self.decisions().next())
    }

    /// The rule whose limits were charged.
    pub(crate) fn rule(&self) -> Option<&Rule> {
        self.rule.as_deref()
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
            || !self.decisions().any(|(_, decision)| outdated(decision))
        {
            return;
        }
        for demand in &mut self.demands {
            demand.cost = 0;
        }
        self.apply_now(&*limiter.storage, Verb::Test);
    }

    /// Keys and costs of a rule that is immediate.
    #[inline]
    fn collect_now(
        &mut self,
        worker: &Worker,
        request: &HttpRequest,
        rule: &Rc<Rule>,
        known: Option<Option<Key>>,
    ) -> Result<(), Refusal> {
        self.rule = Some(Rc::clone(rule));
        let mut collector = Collector::new(worker.limiter(), request, self, known);
        for (index, limit) in rule.limits().iter().enumerate() {
            let own_key = match limit.key {
                Some(KeyFn::Sync(key)) => Some(key(request)),
                // An immediate rule has none of the other kind.
                Some(KeyFn::Async(_)) | None => None,
            };
            let cost = match limit.cost {
                CostRecord::Fixed(cost) => cost,
                CostRecord::Sync(cost) => cost(request),
                CostRecord::Async(_) => continue,
            };
            collector.push(index, own_key, cost)?;
        }
        Ok(())
    }

    /// Charges the batch without waiting; `None` where the storage has to wait.
    #[inline]
    fn hit_now(&mut self, limiter: &Inner) -> Option<Result<(), Refusal>> {
        let outcome = if self.demands.is_empty() {
            Outcome::Admit
        } else {
            self.apply_now(&*limiter.storage, Verb::Hit)?
        };
        Some(self.decided(limiter, outcome))
    }

    #[inline]
    fn decided(&mut self, limiter: &Inner, outcome: Outcome) -> Result<(), Refusal> {
        self.outcome = Some(outcome);
        if limiter.settings.headers.are_on() {
            self.decided_at = Some(limiter.settings.clock.coarse());
        }
        match outcome {
            Outcome::Admit => Ok(()),
            Outcome::Deny => Err(Refusal::Breach),
        }
    }

    /// Does something to the counters without waiting; `None` where the storage has to wait.
    #[inline]
    fn apply_now(&mut self, storage: &dyn Storage, verb: Verb) -> Option<Outcome> {
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
        let mut charges = charges(rule, keys, demands);
        let outcome = storage.apply_now(verb, &mut charges)?;
        answer(demands, &charges);
        Some(outcome)
    }

    async fn apply(&mut self, storage: &dyn Storage, verb: Verb) -> Result<Outcome, StorageError> {
        let Self { rule: Some(rule), keys, demands, .. } = self else {
            return Ok(Outcome::Admit);
        };
        let mut charges = charges(rule, keys, demands);
        let outcome = storage.apply(verb, &mut charges).await?;
        answer(demands, &charges);
        Ok(outcome)
    }
}

impl Demand {
    /// Keeps what the storage wrote on the charge.
    #[inline]
    fn answer(&mut self, charge: &Charge<'_>) {
        self.decision = charge.decision().copied();
        self.receipt = charge.receipt();
    }
}

#[inline]
fn charge<'a>(rule: &'a Rule, keys: &'a [Key], demand: &Demand) -> Charge<'a> {
    Charge::new(&rule.limits()[demand.limit].limit, &keys[demand.key])
        .cost(demand.cost)
        .taken(demand.receipt)
}

fn charges<'a>(rule: &'a Rule, keys: &'a [Key], demands: &[Demand]) -> SmallVec<[Charge<'a>; 4]> {
    demands.iter().map(|demand| charge(rule, keys, demand)).collect()
}

fn answer(demands: &mut [Demand], charges: &[Charge<'_>]) {
    for (demand, charge) in demands.iter_mut().zip(charges) {
        demand.answer(charge);
    }
}
