//! Where middleware and gate of one request meet.
//!
//! The middleware gives every request a [`Context`] through the request's app data, the one place
//! that can be filled without an allocation: contexts are pooled per worker, and one is used again
//! as soon as no request holds it.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use actix_web::{HttpRequest, dev::Extensions, http::Method};
use ahash::HashMap;
use limiter_core::Key;

use crate::{
    charge::Batch,
    key_by::IdentityConfig,
    limiter::{Inner, Limiter},
    record::HandlerRecord,
    rule::{Rule, counted_method},
};

/// What one worker thread knows of a limiter.
pub(crate) struct Worker {
    limiter: Limiter,
    rules: RefCell<HashMap<RuleKey, Rc<Rule>>>,
}

#[derive(PartialEq, Eq, Hash)]
struct RuleKey {
    /// The address of the handler's record, which is a static.
    record: usize,
    counted_method: &'static str,
    exempt_path: bool,
}

impl Worker {
    pub(crate) fn new(limiter: Limiter) -> Self {
        Self { limiter, rules: RefCell::default() }
    }

    pub(crate) fn limiter(&self) -> &Inner {
        self.limiter.inner()
    }

    /// The rule of a handler for a method, resolved once per worker.
    pub(crate) fn rule(
        &self,
        record: &'static HandlerRecord,
        method: &Method,
        exempt_path: bool,
    ) -> Rc<Rule> {
        let counted_method = counted_method(method);
        let resolve =
            || Rc::new(Rule::of_handler(&self.limiter().settings, record, method, exempt_path));
        if counted_method == "other" {
            // Not to be remembered under a name that other methods share: `methods` may tell them
            // apart.
            return resolve();
        }
        let record = std::ptr::from_ref(record) as usize;
        let key = RuleKey { record, counted_method, exempt_path };
        Rc::clone(self.rules.borrow_mut().entry(key).or_insert_with(resolve))
    }
}

/// What middleware and gate tell each other about one request.
pub(crate) struct Context {
    pub(crate) worker: Rc<Worker>,
    /// The handler whose gate ran.
    gate: Cell<Option<&'static HandlerRecord>>,
    /// Whether the path is exempt from the limiter's own limits.
    pub(crate) exempt_path: Cell<bool>,
    /// The limiter's key, if it was told before routing and cannot change until the gate.
    pub(crate) entry_key: RefCell<Option<Option<Key>>>,
    /// What the request is charged: by the middleware, until a gate takes its place.
    pub(crate) batch: RefCell<Batch>,
}

impl Context {
    fn new(worker: Rc<Worker>) -> Self {
        Self {
            worker,
            gate: Cell::new(None),
            exempt_path: Cell::new(false),
            entry_key: RefCell::new(None),
            batch: RefCell::default(),
        }
    }

    /// The innermost limiter's context of a request.
    #[inline]
    pub(crate) fn of(request: &HttpRequest) -> Option<&Self> {
        request.app_data::<Self>()
    }

    pub(crate) fn gate(&self) -> Option<&'static HandlerRecord> {
        self.gate.get()
    }

    pub(crate) fn enter_gate(&self, record: &'static HandlerRecord) {
        self.gate.set(Some(record));
    }

    fn clear(&self) {
        self.gate.set(None);
        self.exempt_path.set(false);
        self.entry_key.take();
        self.batch.borrow_mut().clear();
    }
}

/// How the client of a request is to be told, by the innermost limiter around it.
pub(crate) fn identity(request: &HttpRequest) -> Option<&IdentityConfig> {
    Context::of(request).map(|context| &context.worker.limiter().settings.identity)
}

/// A context as it travels with a request.
#[derive(Clone)]
pub(crate) struct SharedContext(Rc<Extensions>);

impl SharedContext {
    fn new(worker: &Rc<Worker>) -> Self {
        let mut extensions = Extensions::new();
        extensions.insert(Context::new(Rc::clone(worker)));
        Self(Rc::new(extensions))
    }

    /// What to add to the request's app data.
    pub(crate) fn container(&self) -> Rc<Extensions> {
        Rc::clone(&self.0)
    }
}

impl std::ops::Deref for SharedContext {
    type Target = Context;

    #[inline]
    fn deref(&self) -> &Context {
        self.0.get().expect("`SharedContext::new` puts one in, and nothing takes it out")
    }
}

/// The contexts of one worker.
pub(crate) struct Pool {
    contexts: RefCell<VecDeque<SharedContext>>,
}

/// The most contexts a worker keeps: more requests at a time allocate theirs.
const POOLED: usize = 256;

/// How many pooled contexts are looked at before a new one is made: long downloads may hold some.
const LOOKED_AT: usize = 4;

impl Pool {
    pub(crate) fn new() -> Self {
        Self { contexts: RefCell::default() }
    }

    /// A context that no request holds, without anything in it.
    pub(crate) fn take(&self, worker: &Rc<Worker>) -> SharedContext {
        let mut contexts = self.contexts.borrow_mut();
        for _ in 0..contexts.len().min(LOOKED_AT) {
            let Some(context) = contexts.pop_front() else { break };
            let free = Rc::strong_count(&context.0) == 1;
            contexts.push_back(context.clone());
            if free {
                context.clear();
                return context;
            }
        }
        let context = SharedContext::new(worker);
        if contexts.len() < POOLED {
            contexts.push_back(context.clone());
        }
        context
    }
}
