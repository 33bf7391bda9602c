//! What a storage should answer: the pure functions, applied to a map of states.

use std::collections::{BTreeSet, HashMap};

use limiter_core::{
    Decision, Limit, Mode, Outcome, Strategy, Timestamp,
    strategy::{FixedWindow, MovingWindow, SlidingWindowCounter, State, TokenBucket},
};

use crate::operation::Item;

/// Counters by the name of their limit and the number of their client.
#[derive(Default)]
pub(crate) struct Model {
    counters: HashMap<(String, usize), Counter>,
}

/// What a batch came to: the outcome, and of each item its decision and whether it was taken.
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) taken: Vec<bool>,
}

impl Model {
    /// Decides the items one after the other, as if each were taken, and takes all or none.
    pub(crate) fn decide(
        &mut self,
        limits: &[Limit],
        items: &[Item],
        take: bool,
        now: Timestamp,
    ) -> Answer {
        for item in items {
            let limit = &limits[item.limit];
            let counter = self.counters.get_mut(&(limit.id().to_owned(), item.client));
            if let Some(Counter::MovingWindow(log)) = counter {
                // A log is in order again as soon as somebody looks at it.
                log.settle(limit.quota(), now);
            }
        }
        let mut attempt = self.counters.clone();
        let mut outcome = Outcome::Admit;
        let (mut decisions, mut takes) = (Vec::new(), Vec::new());
        for item in items {
            let limit = &limits[item.limit];
            let counter = attempt
                .entry((limit.id().to_owned(), item.client))
                .or_insert_with(|| Counter::new(limit.strategy()));
            let mut after = counter.clone();
            let decision = after.hit(limit, item.cost, now);
            if !decision.admitted() && item.mode != Mode::Shadow {
                outcome = Outcome::Deny;
            }
            let take = decision.admitted() && item.cost > 0 && item.mode != Mode::Test;
            // Any other question leaves no trace.
            if take {
                *counter = after;
            }
            takes.push(take);
            decisions.push(decision);
        }
        let take = take && outcome == Outcome::Admit;
        if take {
            self.counters = attempt;
        }
        let taken = takes.into_iter().map(|takes| takes && take).collect();
        Answer { outcome, decisions, taken }
    }

    /// What is left of a denied batch where each client's part is taken by itself, if it can be, and
    /// given back: nothing but that its counters are brought to this moment, should the clock have
    /// stepped back.
    pub(crate) fn take_and_give_back(&mut self, limits: &[Limit], items: &[Item], now: Timestamp) {
        let clients: BTreeSet<_> = items.iter().map(|item| item.client).collect();
        for client in clients {
            let part: Vec<_> = items.iter().filter(|item| item.client == client).copied().collect();
            let taken = self.decide(limits, &part, true, now).taken;
            for (item, _) in part.iter().zip(taken).filter(|(_, taken)| *taken) {
                self.refund(&limits[item.limit], item, now, now);
            }
        }
    }

    pub(crate) fn refund(
        &mut self,
        limit: &Limit,
        item: &Item,
        charged_at: Timestamp,
        now: Timestamp,
    ) {
        let name = (limit.id().to_owned(), item.client);
        let Some(counter) = self.counters.get_mut(&name) else { return };
        counter.refund(limit, item.cost, charged_at, now);
        // A bucket that is full was never used, whatever the clock says next.
        if let Counter::TokenBucket(bucket) = counter
            && (bucket.full_at, bucket.fraction) <= (now, 0)
        {
            self.counters.remove(&name);
        }
    }

    pub(crate) fn reset(&mut self, limit: &Limit, item: &Item) {
        self.counters.remove(&(limit.id().to_owned(), item.client));
    }

    pub(crate) fn clear(&mut self) {
        self.counters.clear();
    }
}

#[derive(Clone)]
enum Counter {
    FixedWindow(FixedWindow),
    MovingWindow(MovingWindow),
    SlidingWindowCounter(SlidingWindowCounter),
    TokenBucket(TokenBucket),
}

impl Counter {
    fn new(strategy: Strategy) -> Self {
        match strategy {
            Strategy::FixedWindow => Self::FixedWindow(FixedWindow::default()),
            Strategy::MovingWindow => Self::MovingWindow(MovingWindow::default()),
            Strategy::SlidingWindowCounter => {
                Self::SlidingWindowCounter(SlidingWindowCounter::default())
            }
            Strategy::TokenBucket => Self::TokenBucket(TokenBucket::default()),
            other => panic!("the model does not know the strategy {other}"),
        }
    }

    fn hit(&mut self, limit: &Limit, cost: u64, now: Timestamp) -> Decision {
        match self {
            Self::FixedWindow(state) => hit(state, limit, cost, now),
            Self::MovingWindow(state) => hit(state, limit, cost, now),
            Self::SlidingWindowCounter(state) => hit(state, limit, cost, now),
            Self::TokenBucket(state) => hit(state, limit, cost, now),
        }
    }

    fn refund(&mut self, limit: &Limit, cost: u64, charged_at: Timestamp, now: Timestamp) {
        match self {
            Self::FixedWindow(state) => refund(state, limit, cost, charged_at, now),
            Self::MovingWindow(state) => refund(state, limit, cost, charged_at, now),
            Self::SlidingWindowCounter(state) => refund(state, limit, cost, charged_at, now),
            Self::TokenBucket(state) => refund(state, limit, cost, charged_at, now),
        }
    }
}

fn hit(state: &mut impl State, limit: &Limit, cost: u64, now: Timestamp) -> Decision {
    state.settle(limit.quota(), now);
    let decision = state.decide(limit.quota(), cost, now);
    if decision.admitted() {
        state.charge(limit.quota(), cost, now);
    }
    decision
}

fn refund(state: &mut impl State, limit: &Limit, cost: u64, charged_at: Timestamp, now: Timestamp) {
    state.settle(limit.quota(), now);
    state.refund(limit.quota(), cost, charged_at, now);
}
