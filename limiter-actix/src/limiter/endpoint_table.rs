//! What all workers know about all endpoints.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::rt::time;
use ahash::HashMap;
use parking_lot::RwLock;
use tokio::sync::Notify;

use super::hidden::Hidden;
use crate::declare::{CountedMethod, HandlerRecord};

/// What is known about an endpoint. Only routing adds facts, each fact only ever becomes true, and
/// none of them decides what a request is charged: only which enforcer charges it, and when.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    /// The innermost enforcer that a request has ever reached here.
    deepest: AtomicU8,
    /// Whether a request was served here without a gate.
    open: AtomicBool,
    /// Whether requests that seemed to be for this endpoint were routed to it.
    confirmed: AtomicBool,
    /// Whether requests that seem to be for this endpoint may be routed to a resource that their
    /// path does not show.
    ambiguous: AtomicBool,
    /// The first gate that a request reached here.
    gate: OnceLock<&'static HandlerRecord>,
    /// Whether requests reached more than one gate here.
    has_gates: AtomicBool,
    /// How many requests are exploring which enforcer charges here.
    explorers: AtomicUsize,
    explorer_left: Notify,
}

impl Knowledge {
    /// Whether an enforcer further inside than `enforcer` may charge the request, or one at another
    /// endpoint with the same path.
    #[inline]
    pub(crate) fn is_left_to_inner(&self, enforcer: Enforcer) -> bool {
        self.deepest.load(Ordering::Relaxed) > enforcer.number()
            || self.ambiguous.load(Ordering::Relaxed)
    }

    /// Records that a request has reached this enforcer.
    #[inline]
    pub(crate) fn reached(&self, enforcer: Enforcer) {
        if self.deepest.load(Ordering::Relaxed) < enforcer.number() {
            self.deepest.fetch_max(enforcer.number(), Ordering::Relaxed);
        }
    }

    /// Whether a request has reached this gate here.
    #[inline]
    pub(crate) fn has_met(&self, record: &'static HandlerRecord) -> bool {
        self.has_gates.load(Ordering::Relaxed)
            || self.gate.get().is_some_and(|gate| std::ptr::eq(*gate, record))
    }

    /// Whether a request has reached any gate here.
    pub(crate) fn has_a_gate(&self) -> bool {
        self.gate.get().is_some()
    }

    /// Records that a request has reached the gate of this handler.
    pub(crate) fn met(&self, record: &'static HandlerRecord) {
        if !std::ptr::eq(*self.gate.get_or_init(|| record), record) {
            self.has_gates.store(true, Ordering::Relaxed);
        }
        self.reached(Enforcer::GATE);
    }

    /// The gate that was reached here first; or else `otherwise`.
    #[inline]
    pub(crate) fn gate(
        &self,
        otherwise: Option<&'static HandlerRecord>,
    ) -> Option<&'static HandlerRecord> {
        self.gate.get().copied().or(otherwise)
    }

    /// A request starts to explore the endpoint.
    pub(crate) fn add_explorer(&self) {
        self.explorers.fetch_add(1, Ordering::SeqCst);
    }

    /// It has reached an enforcer, or has left.
    pub(crate) fn remove_explorer(&self) {
        self.explorers.fetch_sub(1, Ordering::SeqCst);
        self.explorer_left.notify_waiters();
    }

    /// Waits until exploring requests have shown which enforcer charges here, or have all left.
    pub(crate) async fn wait_for_explorers(&self, most: Duration) {
        let shown = async {
            loop {
                let left = self.explorer_left.notified();
                // Checked after the subscription, so that no notification is missed.
                if !self.has_explorers()
                    || self.is_open()
                    || self.is_left_to_inner(Enforcer::MIDDLEWARE)
                {
                    return;
                }
                left.await;
            }
        };
        let _ = time::timeout(most, shown).await;
    }

    /// Whether a request is exploring the endpoint.
    pub(crate) fn has_explorers(&self) -> bool {
        self.explorers.load(Ordering::SeqCst) > 0
    }

    /// Whether a request was served here without a gate.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Records that a request was served here without a gate.
    #[inline]
    pub(crate) fn mark_open(&self) {
        if !self.is_open() {
            self.open.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed.load(Ordering::Relaxed)
    }

    /// Records that a request was routed here. Whether that is new.
    pub(crate) fn confirm(&self) -> bool {
        !self.confirmed.swap(true, Ordering::Relaxed)
    }
}

/// What all workers know about all endpoints. Its size is the number of resources times methods.
#[derive(Debug, Default)]
pub(crate) struct EndpointTable {
    endpoints: RwLock<HashMap<EndpointKey, Arc<Knowledge>>>,
    hidden: RwLock<Vec<Hidden>>,
    /// Counts the facts learnt about where paths lead: caches of an older generation are discarded.
    generation: AtomicU32,
}

/// The method and the path pattern.
pub(crate) type EndpointKey = (CountedMethod, Box<str>);

impl EndpointTable {
    pub(crate) fn knowledge(&self, method: CountedMethod, pattern: &str) -> Arc<Knowledge> {
        let key = (method, Box::from(pattern));
        if let Some(knowledge) = self.endpoints.read().get(&key) {
            return Arc::clone(knowledge);
        }
        Arc::clone(self.endpoints.write().entry(key).or_default())
    }

    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }

    /// The pattern of the endpoint for requests whose path seems to lead to `seemed`, as far as
    /// known: `seemed` itself if it was ever right, or else a hidden one. Also returns whether
    /// there are several, of which guards select one.
    pub(crate) fn pattern(
        &self,
        method: CountedMethod,
        path: &str,
        seemed: Option<String>,
    ) -> (Option<String>, bool) {
        let hidden = self.hidden.read();
        let mut behind = hidden
            .iter()
            .filter(|hidden| hidden.is_behind((method, seemed.as_deref())) && hidden.matches(path));
        let Some(first) = behind.next().map(|hidden| hidden.pattern.to_string()) else {
            return (seemed, false);
        };
        let are_several = behind.next().is_some();
        let is_right = |pattern: &String| self.knowledge(method, pattern).is_confirmed();
        match seemed.filter(is_right) {
            Some(right) => (Some(right), true),
            None => (Some(first), are_several),
        }
    }

    /// Records that a request that seemed to be for one endpoint was routed to another one.
    pub(crate) fn routed_elsewhere(
        &self,
        method: CountedMethod,
        path: &str,
        seemed: Option<&str>,
        taken_for: &Knowledge,
        exact: &str,
    ) {
        let mut is_new = self.knowledge(method, exact).confirm();
        if seemed != Some(exact) {
            let mut hidden = self.hidden.write();
            let is_known =
                |hidden: &&Hidden| hidden.is_behind((method, seemed)) && *hidden.pattern == *exact;
            let matches = match hidden.iter().find(is_known) {
                Some(known) => known.matches(path),
                None => {
                    is_new = true;
                    let new = Hidden::new((method, seemed), exact);
                    let matches = new.matches(path);
                    hidden.push(new);
                    matches
                }
            };
            if !matches {
                // A middleware further inside has rewritten the path, so the path says nothing.
                is_new |= !taken_for.ambiguous.swap(true, Ordering::Relaxed);
            }
        }
        if is_new {
            self.generation.fetch_add(1, Ordering::Release);
        }
    }
}

/// What charges a request: the middleware, a scope around the handler (numbered from the outermost,
/// which is 1), or the gate of a decorated handler. The further inside, the more is known about the
/// request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Enforcer(u8);

impl Enforcer {
    pub(crate) const MIDDLEWARE: Self = Self(0);
    pub(crate) const GATE: Self = Self(u8::MAX - 2);

    /// The next scope further inside. Scopes deeper than 250 count as one.
    pub(crate) fn further_inside(self) -> Self {
        Self(self.0 + 1).min(Self(Self::GATE.0 - 1))
    }

    pub(crate) fn number(self) -> u8 {
        self.0
    }
}
