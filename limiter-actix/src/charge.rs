//! Charges and their evaluation: keys and costs for a rule, decided by the storage as one batch.

use std::rc::Rc;

use actix_web::HttpRequest;
use limiter_core::{Charge, Decision, Key, Outcome, Storage, StorageError, Timestamp, Verb};
use smallvec::SmallVec;

use crate::{
    config::MissingIdentity,
    context::{Context, Worker},
    limiter::Inner,
    record::{CostRecord, KeyFn},
    rule::{Rule, RuleLimit},
};

/// What one request is charged: for each limit of a rule a key and a cost, and afterwards the
/// decision.
pub(crate) struct Demands {
    rule: Rc<Rule>,
    keys: SmallVec<[Key; 1]>,
    demands: SmallVec<[Demand; 4]>,
}

struct Demand {
    /// The limit's place in the rule.
    limit: usize,
    /// The key's place in the keys.
    key: usize,
    cost: u64,
    decision: Option<Decision>,
    charged_at: Option<Timestamp>,
}

/// A batch after its decision.
pub(crate) struct Evaluation {
    demands: Demands,
    outcome: Outcome,
    /// When it was decided, by the limiter's clock; only where headers will tell it.
    decided_at: Option<Timestamp>,
}

/// Why a request is not let through.
pub(crate) enum Refusal {
    /// A limit is breached.
    Breach(Evaluation),
    /// No key could be told, and the policy says no.
    NoIdentity,
    /// The storage did not answer.
    Storage(StorageError),
}

/// **Charges**: every limit of the rule gets its key and its cost.
///
/// `known` is the limiter's key where it has been told already.
pub(crate) fn charges_now(
    worker: &Worker,
    request: &HttpRequest,
    rule: &Rc<Rule>,
    known: Option<Option<Key>>,
) -> Result<Demands, Refusal> {
    let mut collector = Collector::new(worker.limiter(), request, rule, known);
    for (index, limit) in rule.limits().iter().enumerate() {
        let own_key = match limit.key {
            Some(KeyFn::Sync(key)) => Some(key(request)),
            _ => None,
        };
        let cost = match limit.cost {
            CostRecord::Sync(cost) => cost(request),
            CostRecord::Fixed(cost) => cost,
            CostRecord::Async(_) => continue,
        };
        collector.push(index, own_key, cost)?;
    }
    Ok(collector.demands)
}

/// The same for rules whose keys or costs must be waited for.
pub(crate) async fn charges(
    worker: &Worker,
    request: &HttpRequest,
    rule: &Rc<Rule>,
    known: Option<Option<Key>>,
) -> Result<Demands, Refusal> {
    let mut collector = Collector::new(worker.limiter(), request, rule, known);
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
    Ok(collector.demands)
}

/// The limiter's key of a request.
pub(crate) fn limiter_key(limiter: &Inner, request: &HttpRequest) -> Option<Key> {
    (limiter.settings.key)(request)
}

/// Puts the demands of one request together.
struct Collector<'a> {
    limiter: &'a Inner,
    request: &'a HttpRequest,
    known: Option<Option<Key>>,
    /// The place of the limiter's key, once a limit needed it.
    limiter_key: Option<usize>,
    demands: Demands,
}

impl<'a> Collector<'a> {
    fn new(
        limiter: &'a Inner,
        request: &'a HttpRequest,
        rule: &Rc<Rule>,
        known: Option<Option<Key>>,
    ) -> Self {
        let demands =
            Demands { rule: Rc::clone(rule), keys: SmallVec::new(), demands: SmallVec::new() };
        Self { limiter, request, known, limiter_key: None, demands }
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
                let place = self.add(key)?;
                self.limiter_key = place;
                place
            }
            (Some(key), _) => self.add(key)?,
        };
        if let Some(key) = key {
            let demand = Demand { limit, key, cost, decision: None, charged_at: None };
            self.demands.demands.push(demand);
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
        self.demands.keys.push(key);
        Ok(Some(self.demands.keys.len() - 1))
    }
}

impl Demands {
    /// Does something to the counters without waiting; `None` where the storage has to wait.
    #[inline]
    fn apply_now(&mut self, storage: &dyn Storage, verb: Verb) -> Option<Outcome> {
        let mut charges = self.charges();
        let outcome = storage.apply_now(verb, &mut charges)?;
        let answers = answers(charges);
        self.answered(&answers);
        Some(outcome)
    }

    async fn apply(&mut self, storage: &dyn Storage, verb: Verb) -> Result<Outcome, StorageError> {
        let mut charges = self.charges();
        let outcome = storage.apply(verb, &mut charges).await?;
        let answers = answers(charges);
        self.answered(&answers);
        Ok(outcome)
    }

    #[inline]
    fn charges(&self) -> SmallVec<[Charge<'_>; 4]> {
        let charge = |demand: &Demand| {
            Charge::new(&self.rule.limits()[demand.limit].limit, &self.keys[demand.key])
                .cost(demand.cost)
                .taken_at(demand.charged_at)
        };
        self.demands.iter().map(charge).collect()
    }

    #[inline]
    fn answered(&mut self, answers: &[Answer]) {
        for (demand, answer) in self.demands.iter_mut().zip(answers) {
            demand.decision = answer.decision;
            demand.charged_at = answer.charged_at;
        }
    }
}

/// What a storage wrote on a charge.
struct Answer {
    decision: Option<Decision>,
    charged_at: Option<Timestamp>,
}

#[inline]
fn answers(charges: SmallVec<[Charge<'_>; 4]>) -> SmallVec<[Answer; 4]> {
    charges
        .iter()
        .map(|charge| Answer {
            decision: charge.decision().copied(),
            charged_at: charge.charged_at(),
        })
        .collect()
}

/// **Evaluate**: the storage decides the batch, if it can at once. Gives the demands back where it
/// has to wait.
#[inline]
pub(crate) fn evaluate_now(
    limiter: &Inner,
    mut demands: Demands,
) -> Result<Result<Evaluation, Refusal>, Demands> {
    if demands.demands.is_empty() {
        return Ok(Ok(Evaluation { demands, outcome: Outcome::Admit, decided_at: None }));
    }
    match demands.apply_now(&*limiter.storage, Verb::Hit) {
        Some(outcome) => Ok(Evaluation::new(limiter, demands, outcome)),
        None => Err(demands),
    }
}

/// The same, waiting for the storage.
pub(crate) async fn evaluate(limiter: &Inner, demands: Demands) -> Result<Evaluation, Refusal> {
    match evaluate_now(limiter, demands) {
        Ok(result) => result,
        Err(mut demands) => match demands.apply(&*limiter.storage, Verb::Hit).await {
            Ok(outcome) => Evaluation::new(limiter, demands, outcome),
            Err(error) => Err(Refusal::Storage(error)),
        },
    }
}

/// **Settle**: gives back what an admitted batch took.
pub(crate) async fn refund(limiter: &Inner, evaluation: Evaluation) {
    let mut demands = evaluation.demands;
    if demands.apply_now(&*limiter.storage, Verb::Refund).is_some() {
        return;
    }
    if let Err(error) = Box::pin(demands.apply(&*limiter.storage, Verb::Refund)).await {
        tracing::warn!(%error, "a charge could not be given back");
    }
}

/// Charges a request that has been answered already: whatever the decision, nobody is denied.
pub(crate) fn charge_afterwards(context: &Context, rule: &Rc<Rule>) {
    let limiter = context.worker.limiter();
    let key =
        match (context.entry_key.borrow().clone().flatten(), &limiter.settings.missing_identity) {
            (Some(key), _) => key,
            (None, MissingIdentity::Fallback(key)) => key.clone(),
            (None, MissingIdentity::Deny | MissingIdentity::Skip) => return,
        };
    let demand = |(limit, of): (usize, &RuleLimit)| {
        let cost = match of.cost {
            CostRecord::Fixed(cost) => cost,
            CostRecord::Sync(_) | CostRecord::Async(_) => 1,
        };
        Demand { limit, key: 0, cost, decision: None, charged_at: None }
    };
    let mut demands = Demands {
        rule: Rc::clone(rule),
        keys: SmallVec::from_iter([key]),
        demands: rule.limits().iter().enumerate().map(demand).collect(),
    };
    if demands.apply_now(&*limiter.storage, Verb::Hit).is_none() {
        let worker = Rc::clone(&context.worker);
        actix_web::rt::spawn(async move {
            if let Err(error) = demands.apply(&*worker.limiter().storage, Verb::Hit).await {
                tracing::warn!(%error, "an answered request could not be charged");
            }
        });
    }
}

impl Evaluation {
    fn new(limiter: &Inner, demands: Demands, outcome: Outcome) -> Result<Self, Refusal> {
        let decided_at = limiter.settings.headers.are_on().then(|| limiter.settings.clock.coarse());
        let evaluation = Self { demands, outcome, decided_at };
        match outcome {
            Outcome::Admit => Ok(evaluation),
            Outcome::Deny => Err(Refusal::Breach(evaluation)),
        }
    }

    pub(crate) fn rule(&self) -> &Rule {
        &self.demands.rule
    }

    /// Every limit of the batch with its decision, shortest window first.
    pub(crate) fn decisions(&self) -> impl Iterator<Item = (&RuleLimit, &Decision)> {
        self.demands.demands.iter().filter_map(|demand| {
            let decision = demand.decision.as_ref()?;
            Some((&self.demands.rule.limits()[demand.limit], decision))
        })
    }

    /// The limits that deny the request.
    pub(crate) fn breaches(&self) -> impl Iterator<Item = (&RuleLimit, &Decision)> {
        self.decisions().filter(|(_, decision)| !decision.admitted())
    }

    /// The limit that headers tell of: the first breached one; where none is, the first that
    /// belongs to the endpoint alone; or else the first.
    pub(crate) fn headline(&self) -> Option<(&RuleLimit, &Decision)> {
        if self.outcome == Outcome::Deny {
            return self.breaches().next();
        }
        self.decisions().find(|(limit, _)| !limit.shared).or_else(|| self.decisions().next())
    }

    /// Looks at the counters again if a part of the quota has come back since the decision, as
    /// after a slow handler. Storages that would have to wait are not asked: headers are not worth
    /// a round trip.
    pub(crate) fn refresh(&mut self, limiter: &Inner) {
        let Some(decided_at) = self.decided_at else { return };
        let passed = limiter.settings.clock.coarse().since(decided_at);
        let outdated = self.outcome == Outcome::Admit
            && self.decisions().any(|(_, decision)| {
                !decision.reset_after().is_zero()
                    && u128::from(passed) >= decision.reset_after().as_micros()
            });
        if !outdated {
            return;
        }
        for demand in &mut self.demands.demands {
            demand.cost = 0;
        }
        self.demands.apply_now(&*limiter.storage, Verb::Test);
    }
}
