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

/// What is known about an endpoint. The router alone teaches it, each fact only ever becomes true,
/// and none of them decides what a request is charged: only who charges it, and when.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    /// The innermost enforcer that a request has ever reached here.
    deepest: AtomicU8,
    /// Whether somebody was served here without a gate.
    open: AtomicBool,
    /// Whether requests were routed here that seemed to be for it.
    confirmed: AtomicBool,
    /// Whether requests that seem to be for it may be routed to where their path does not lead.
    ambiguous: AtomicBool,
    /// The first gate that was met here.
    gate: OnceLock<&'static HandlerRecord>,
    /// Whether more gates than one were met here.
    has_gates: AtomicBool,
    /// How many requests are inside that may show who charges here.
    inside: AtomicUsize,
    news: Notify,
}

impl Knowledge {
    /// Whether somebody further inside than `enforcer` may charge the request, or somebody here for
    /// another endpoint.
    #[inline]
    pub(crate) fn leaves_to_others(&self, enforcer: Enforcer) -> bool {
        self.deepest.load(Ordering::Relaxed) > enforcer.number()
            || self.ambiguous.load(Ordering::Relaxed)
    }

    /// Remembers that a request has reached this enforcer.
    #[inline]
    pub(crate) fn reached(&self, enforcer: Enforcer) {
        if self.deepest.load(Ordering::Relaxed) < enforcer.number() {
            self.deepest.fetch_max(enforcer.number(), Ordering::Relaxed);
        }
    }

    /// Whether this gate was met here.
    #[inline]
    pub(crate) fn has_met(&self, record: &'static HandlerRecord) -> bool {
        self.has_gates.load(Ordering::Relaxed)
            || self.gate.get().is_some_and(|gate| std::ptr::eq(*gate, record))
    }

    /// Whether any gate was met here.
    pub(crate) fn has_a_gate(&self) -> bool {
        self.gate.get().is_some()
    }

    /// Remembers that a request has reached the gate of this handler.
    pub(crate) fn met(&self, record: &'static HandlerRecord) {
        if !std::ptr::eq(*self.gate.get_or_init(|| record), record) {
            self.has_gates.store(true, Ordering::Relaxed);
        }
        self.reached(Enforcer::GATE);
    }

    /// The gate that was met here first; or else `otherwise`.
    #[inline]
    pub(crate) fn gate(
        &self,
        otherwise: Option<&'static HandlerRecord>,
    ) -> Option<&'static HandlerRecord> {
        self.gate.get().copied().or(otherwise)
    }

    /// A request goes in that may show it.
    pub(crate) fn goes_in(&self) {
        self.inside.fetch_add(1, Ordering::SeqCst);
    }

    /// It has met somebody, or has come out again.
    pub(crate) fn came_out(&self) {
        self.inside.fetch_sub(1, Ordering::SeqCst);
        self.news.notify_waiters();
    }

    /// Waits until those who are inside have shown who charges here, or have all come out again.
    pub(crate) async fn news(&self, most: Duration) {
        let shown = async {
            loop {
                let news = self.news.notified();
                // Looked at after the news are listened for.
                if !self.awaits_news()
                    || self.is_open()
                    || self.leaves_to_others(Enforcer::MIDDLEWARE)
                {
                    return;
                }
                news.await;
            }
        };
        let _ = time::timeout(most, shown).await;
    }

    /// Whether anybody is inside who may show who charges here.
    pub(crate) fn awaits_news(&self) -> bool {
        self.inside.load(Ordering::SeqCst) > 0
    }

    /// Whether somebody was served here without a gate.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Remembers that somebody was served here without a gate.
    #[inline]
    pub(crate) fn opened(&self) {
        if !self.is_open() {
            self.open.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed.load(Ordering::Relaxed)
    }

    /// Remembers that a request was routed here. Whether that is new.
    pub(crate) fn confirm(&self) -> bool {
        !self.confirmed.swap(true, Ordering::Relaxed)
    }
}

/// What all workers know about all endpoints. As large as the app has resources and methods.
#[derive(Debug, Default)]
pub(crate) struct EndpointTable {
    endpoints: RwLock<HashMap<EndpointKey, Arc<Knowledge>>>,
    hidden: RwLock<Vec<Hidden>>,
    /// Counts what was learnt about where paths lead: what workers remember of paths is as old.
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

    /// The pattern of the endpoint that requests are for whose path seems to lead to `seemed`, as
    /// far as that is known: `seemed` itself where it was ever right, or else a hidden one; and
    /// whether there are several, between which guards decide.
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

    /// Remembers that a request which was taken for an endpoint was routed to another one.
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
                // A middleware further inside has changed the path: the path shows nothing.
                is_new |= !taken_for.ambiguous.swap(true, Ordering::Relaxed);
            }
        }
        if is_new {
            self.generation.fetch_add(1, Ordering::Release);
        }
    }
}

/// Who charges a request: the middleware, a scope around the handler (counted from the outermost,
/// which is 1), or the gate of a decorated handler. Whoever is further inside knows more.
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
