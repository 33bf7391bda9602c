//! Collects keys and costs for the limits of a rule.

use std::rc::Rc;

use actix_web::HttpRequest;
use limiter_core::{Key, StorageError};

use super::batch::{Batch, BatchEntry};
use crate::{
    declare::Cost,
    identify::MissingIdentity,
    limit::LimitOrigin,
    limiter::Limiter,
    resolve::{LimitKey, Rule, RuleLimit},
};

/// Why a request is refused.
pub(crate) enum Refusal {
    /// A limit is breached; the batch has the details.
    Breach,
    /// The client has no key, and the policy is to deny.
    NoIdentity(Unidentified),
    /// A function returned an invalid limit, and the policy is to deny.
    InvalidLimit,
    /// The storage did not answer.
    Storage(StorageError),
}

/// The limit for which the client has no key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unidentified {
    pub(crate) origin: LimitOrigin,
    /// Whether the missing key is the limit's own, not the limiter's.
    pub(crate) has_own_key: bool,
}

/// What is known about the client before the batch is collected.
#[derive(Clone, Copy, Default)]
pub(crate) struct KnownClient<'a> {
    /// The limiter's key, if it was computed already.
    pub(crate) key: Option<&'a Option<Key>>,
    /// The key to count instead of a missing identity, where the policy would deny: such requests
    /// were not denied but answered by an inner middleware, which may have identified the client.
    pub(crate) fallback_key: Option<&'a Key>,
    /// Whether the charge is made in front of a gate. If a handler's own key function finds no key
    /// there, that limit counts nothing.
    pub(crate) is_in_front: bool,
}

/// Collects the batch of one request.
struct Collector<'a> {
    limiter: &'a Limiter,
    request: Option<&'a HttpRequest>,
    batch: &'a mut Batch,
    client: KnownClient<'a>,
    /// The index of the limiter's key, once a limit has needed it.
    limiter_key: Option<usize>,
    /// Whether an enforced limit applies so far.
    is_limited: bool,
}

impl<'a> Collector<'a> {
    #[inline(always)]
    fn new(
        batch: &'a mut Batch,
        limiter: &'a Limiter,
        request: Option<&'a HttpRequest>,
        client: KnownClient<'a>,
    ) -> Self {
        Self { limiter, request, batch, client, limiter_key: None, is_limited: false }
    }
}

impl Collector<'_> {
    /// Adds a limit under the key at this index; without a key the limit is left out.
    #[inline]
    fn push(&mut self, index: usize, limit: &RuleLimit, key: Option<usize>, cost: u64) {
        if let Some(key) = key {
            let entry = BatchEntry { limit: index, key, cost, decision: None, receipt: None };
            self.batch.entries.push(entry);
            self.is_limited |= limit.is_enforced();
        }
    }

    /// Whether a limit does not apply: a meta limit (they come last) when no enforced limit
    /// applies.
    #[inline(always)]
    fn skips(&self, limit: &RuleLimit) -> bool {
        !self.is_limited && limit.is_meta()
    }

    /// The index of a limit's key, if the limit has no key function of its own.
    #[inline(always)]
    fn common_key(&mut self, limit: &RuleLimit) -> Result<Option<usize>, Refusal> {
        if let LimitKey::SameAs(other) = limit.key {
            let other = self.batch.entries.iter().find(|entry| entry.limit == other);
            return Ok(other.map(|entry| entry.key));
        }
        if self.limiter_key.is_none() {
            let key = match (self.client.key, self.request) {
                (Some(known), _) => known.clone(),
                (None, Some(request)) => self.limiter.settings().identity.key(request),
                (None, None) => None,
            };
            self.limiter_key = self.add(limit, key)?;
        }
        Ok(self.limiter_key)
    }

    /// The index of a key; `None` if the limit is to be left out.
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

    /// The key to count instead of a missing one; `None` if the limit is to be left out.
    #[cold]
    fn fallback(&self, limit: &RuleLimit) -> Result<Option<Key>, Refusal> {
        match &self.limiter.settings().identity.missing {
            // The key function of a handler may work at its gate only.
            _ if self.client.is_in_front
                && matches!(limit.policy.origin(), LimitOrigin::Handler | LimitOrigin::Meta)
                && matches!(limit.key, LimitKey::Own(_)) =>
            {
                Ok(None)
            }
            MissingIdentity::Fallback(key) => Ok(Some(key.clone())),
            MissingIdentity::Skip => Ok(None),
            MissingIdentity::Deny => match self.client.fallback_key {
                Some(key) => Ok(Some(key.clone())),
                // A limit that never denies does not deny for a missing key either.
                None if limit.policy.is_shadow() => Ok(None),
                None => Err(Refusal::NoIdentity(Unidentified {
                    origin: limit.policy.origin(),
                    has_own_key: matches!(limit.key, LimitKey::Own(_)),
                })),
            },
        }
    }
}

impl Batch {
    /// Collects the keys and costs of an immediate rule.
    #[inline]
    pub(crate) fn collect_now(
        &mut self,
        limiter: &Limiter,
        request: &HttpRequest,
        rule: Rc<Rule>,
        client: KnownClient<'_>,
    ) -> Result<(), Refusal> {
        if rule.is_invalid() {
            return Err(Refusal::InvalidLimit);
        }
        let mut collector = Collector::new(self, limiter, Some(request), client);
        for (index, limit) in rule.limits().iter().enumerate() {
            collector.push_now(index, limit, request)?;
        }
        self.rule = Some(rule);
        Ok(())
    }

    /// Collects the keys and costs of a rule, awaiting functions if necessary.
    pub(crate) async fn collect(
        &mut self,
        limiter: &Limiter,
        request: &HttpRequest,
        rule: Rc<Rule>,
        client: KnownClient<'_>,
    ) -> Result<(), Refusal> {
        if rule.is_invalid() {
            return Err(Refusal::InvalidLimit);
        }
        let mut collector = Collector::new(self, limiter, Some(request), client);
        for (index, limit) in rule.limits().iter().enumerate() {
            if collector.skips(limit) {
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
            collector.push(index, limit, key, cost);
        }
        self.rule = Some(rule);
        Ok(())
    }

    /// Collects the keys and costs that need no request.
    pub(crate) fn collect_without_request(
        &mut self,
        limiter: &Limiter,
        rule: &Rc<Rule>,
        client: KnownClient<'_>,
    ) -> Result<(), Refusal> {
        let mut collector = Collector::new(self, limiter, None, client);
        for (index, limit) in rule.limits().iter().enumerate() {
            if let (LimitKey::Limiter, Cost::Fixed(cost)) = (&limit.key, &limit.cost)
                && !collector.skips(limit)
            {
                let key = collector.common_key(limit)?;
                collector.push(index, limit, key, *cost);
            }
        }
        self.rule = Some(Rc::clone(rule));
        Ok(())
    }
}

impl Collector<'_> {
    /// Adds a limit whose functions are not async.
    #[inline]
    fn push_now(
        &mut self,
        index: usize,
        limit: &RuleLimit,
        request: &HttpRequest,
    ) -> Result<(), Refusal> {
        if self.skips(limit) {
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
        self.push(index, limit, key, cost);
        Ok(())
    }
}
