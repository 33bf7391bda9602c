//! Where middleware and gate of one request meet.
//!
//! The middleware gives every request a [`Context`] through the request's app data, the one place
//! that can be filled without an allocation: contexts are pooled per worker, and one is used again
//! as soon as no request holds it.

use std::{
    cell::{Cell, RefCell},
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
    rule::{CountedMethod, Rule},
};

/// What one worker thread knows of a limiter.
pub(crate) struct Worker {
    limiter: Limiter,
    rules: RefCell<HashMap<RuleKey, Rc<Rule>>>,
}

/// The address of the handler's record, which is a static; the method; and whether the path is
/// exempt.
type RuleKey = (usize, CountedMethod, bool);

impl Worker {
    pub(crate) fn new(limiter: Limiter) -> Self {
        Self { limiter, rules: RefCell::default() }
    }

    #[inline]
    pub(crate) fn limiter(&self) -> &Inner {
        self.limiter.inner()
    }

    /// The rule of a handler for a method, resolved once per worker.
    #[inline]
    pub(crate) fn rule(
        &self,
        record: &'static HandlerRecord,
        method: &Method,
        exempt_path: bool,
    ) -> Rc<Rule> {
        let key = (std::ptr::from_ref(record) as usize, CountedMethod::of(method), exempt_path);
        if let Some(rule) = self.rules.borrow().get(&key) {
            return Rc::clone(rule);
        }
        self.resolve(key, record, method)
    }

    #[cold]
    fn resolve(&self, key: RuleKey, record: &'static HandlerRecord, method: &Method) -> Rc<Rule> {
        let (_, counted, exempt_path) = key;
        let rule = Rule::of_handler(&self.limiter().settings, record, method, exempt_path);
        let rule = Rc::new(rule);
        // Methods that count as one may still be told apart by `methods`: nothing is remembered.
        if counted != CountedMethod::Other {
            self.rules.borrow_mut().insert(key, Rc::clone(&rule));
        }
        rule
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
        request.app_data::<Rc<Self>>().map(|context| &**context)
    }

    pub(crate) fn gate(&self) -> Option<&'static HandlerRecord> {
        self.gate.get()
    }

    pub(crate) fn enter_gate(&self, record: &'static HandlerRecord) {
        self.gate.set(Some(record));
    }

    #[inline]
    fn clear(&self) {
        self.gate.set(None);
        self.exempt_path.set(false);
        *self.entry_key.borrow_mut() = None;
        self.batch.borrow_mut().clear();
    }
}

/// How the client of a request is to be told, by the innermost limiter around it.
pub(crate) fn identity(request: &HttpRequest) -> Option<&IdentityConfig> {
    Context::of(request).map(|context| &context.worker.limiter().settings.identity)
}

/// The contexts of one worker.
pub(crate) struct Pool {
    contexts: RefCell<Contexts>,
}

#[derive(Default)]
struct Contexts {
    pooled: Vec<Pooled>,
    /// The one to look at next.
    next: usize,
}

/// A context, and the container in which it travels with a request.
struct Pooled {
    context: Rc<Context>,
    container: Rc<Extensions>,
}

/// The most contexts a worker keeps: more requests at a time allocate theirs.
const POOLED: usize = 256;

/// How many pooled contexts are looked at before a new one is made: long downloads may hold some.
const LOOKED_AT: usize = 4;

impl Pool {
    pub(crate) fn new() -> Self {
        Self { contexts: RefCell::default() }
    }

    /// A context that nobody holds, without anything in it; and the container for the request's
    /// app data.
    #[inline]
    pub(crate) fn take(&self, worker: &Rc<Worker>) -> (Rc<Context>, Rc<Extensions>) {
        let Contexts { pooled, next } = &mut *self.contexts.borrow_mut();
        for _ in 0..LOOKED_AT.min(pooled.len()) {
            *next = if *next + 1 < pooled.len() { *next + 1 } else { 0 };
            let candidate = &pooled[*next];
            if candidate.is_free() {
                candidate.context.clear();
                return candidate.share();
            }
        }
        let new = Pooled::new(worker);
        let shared = new.share();
        if pooled.len() < POOLED {
            pooled.push(new);
        }
        shared
    }
}

impl Pooled {
    #[cold]
    fn new(worker: &Rc<Worker>) -> Self {
        let context = Rc::new(Context::new(Rc::clone(worker)));
        let mut container = Extensions::new();
        container.insert(Rc::clone(&context));
        Self { context, container: Rc::new(container) }
    }

    /// Whether neither a request nor a response on its way out holds it.
    #[inline]
    fn is_free(&self) -> bool {
        // One is ours, and the container holds another one.
        Rc::strong_count(&self.container) == 1 && Rc::strong_count(&self.context) == 2
    }

    #[inline]
    fn share(&self) -> (Rc<Context>, Rc<Extensions>) {
        (Rc::clone(&self.context), Rc::clone(&self.container))
    }
}
