//! Where middleware and gate of one request meet.
//!
//! The middleware gives every request a [`Context`] through the request's app data, the one place
//! that can be filled without an allocation: contexts are pooled per worker, and one is used again
//! as soon as no request holds it.

use std::{
    cell::{Cell, Ref, RefCell},
    rc::Rc,
};

use actix_web::{HttpRequest, dev::Extensions, http::Method};
use ahash::HashMap;
use limiter_core::Key;

use crate::{
    charge::Batch,
    current::CurrentLimit,
    endpoint::Endpoint,
    key_by::IdentityConfig,
    limiter::{Inner, Limiter},
    record::HandlerRecord,
    rule::{CountedMethod, Place, Plan, Target},
    scope::{ScopeDeclaration, ScopeStacks, StackId},
};

/// What one worker thread knows of a limiter.
pub(crate) struct Worker {
    limiter: Limiter,
    of_handlers: RefCell<HashMap<HandlerKey, Rc<Plan>>>,
    of_endpoints: RefCell<HashMap<EndpointKey, Rc<Plan>>>,
    stacks: RefCell<ScopeStacks>,
}

/// The address of the handler's record, which is a static; the method; whether the path is
/// exempt; and the scopes around the handler.
type HandlerKey = (usize, CountedMethod, bool, StackId);

/// The endpoint's name; the method, which is not in the name of what matches nothing; and the scopes
/// around it.
type EndpointKey = (Rc<str>, CountedMethod, StackId);

impl Worker {
    pub(crate) fn new(limiter: Limiter) -> Self {
        Self {
            limiter,
            of_handlers: RefCell::default(),
            of_endpoints: RefCell::default(),
            stacks: RefCell::default(),
        }
    }

    #[inline]
    pub(crate) fn limiter(&self) -> &Inner {
        self.limiter.inner()
    }

    pub(crate) fn handle(&self) -> &Limiter {
        &self.limiter
    }

    /// The plan of a handler for a method, made once per worker.
    #[inline]
    pub(crate) fn plan_of_handler(
        &self,
        record: &'static HandlerRecord,
        method: &Method,
        exempt_path: bool,
        stack: StackId,
    ) -> Rc<Plan> {
        let counted = CountedMethod::of(method);
        let key = (std::ptr::from_ref(record) as usize, counted, exempt_path, stack);
        if let Some(plan) = self.of_handlers.borrow().get(&key) {
            return Rc::clone(plan);
        }
        self.make_plan_of_handler(key, record, method)
    }

    #[cold]
    fn make_plan_of_handler(
        &self,
        key: HandlerKey,
        record: &'static HandlerRecord,
        method: &Method,
    ) -> Rc<Plan> {
        let (_, counted, exempt_path, stack) = key;
        let scopes = self.stacks.borrow().scopes(stack);
        let target = Target { exempt_path, scopes: &scopes, ..Target::handler(record, method) };
        let plan = Rc::new(Plan::new(self.limiter(), target));
        // Methods that count as one may still be told apart by `methods`: nothing is remembered.
        if counted != CountedMethod::Other {
            self.of_handlers.borrow_mut().insert(key, Rc::clone(&plan));
        }
        plan
    }

    /// The plan of an endpoint without a gate, within scopes that have something to say.
    pub(crate) fn plan_of_endpoint(
        &self,
        endpoint: &Endpoint,
        method: &Method,
        exempt_path: bool,
        stack: StackId,
    ) -> Rc<Plan> {
        let counted = CountedMethod::of(method);
        let key = (Rc::clone(&endpoint.name), counted, stack);
        if !exempt_path && let Some(plan) = self.of_endpoints.borrow().get(&key) {
            return Rc::clone(plan);
        }
        let scopes = self.stacks.borrow().scopes(stack);
        let place = Place::Endpoint(&endpoint.name);
        let target =
            Target { place, method, counted: counted.name(), exempt_path, scopes: &scopes };
        let plan = Rc::new(Plan::new(self.limiter(), target));
        if !exempt_path && counted != CountedMethod::Other {
            self.of_endpoints.borrow_mut().insert(key, Rc::clone(&plan));
        }
        plan
    }

    /// The stack with one more scope inside it.
    pub(crate) fn enter_scope(&self, stack: StackId, scope: &Rc<ScopeDeclaration>) -> StackId {
        self.stacks.borrow_mut().enter(stack, scope)
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

    pub(crate) fn from_number(number: u8) -> Self {
        Self(number).min(Self::GATE)
    }
}

/// What middleware, scopes and gate tell each other about one request.
pub(crate) struct Context {
    pub(crate) worker: Rc<Worker>,
    /// Who was the last to take the charges over.
    enforcer: Cell<Enforcer>,
    /// How many scopes with something to say stand around the request so far, and which.
    pub(crate) scopes: Cell<(Enforcer, StackId)>,
    /// Whether a filter or a list has said that nothing is to be limited.
    pub(crate) let_through: Cell<bool>,
    /// Whether the path is exempt from the limiter's own limits.
    pub(crate) exempt_path: Cell<bool>,
    /// Whether the request goes on although it is refused, to find out who charges its endpoint.
    pub(crate) goes_on: Cell<bool>,
    /// Which endpoint it seemed to be before routing.
    pub(crate) endpoint: RefCell<Option<Rc<Endpoint>>>,
    /// The limiter's key, if it was told before routing and cannot change until the gate.
    pub(crate) entry_key: RefCell<Option<Option<Key>>>,
    /// What the request is charged: by the middleware, until somebody further inside takes its
    /// place.
    pub(crate) batch: RefCell<Batch>,
}

impl Context {
    fn new(worker: Rc<Worker>) -> Self {
        Self {
            worker,
            enforcer: Cell::default(),
            scopes: Cell::default(),
            let_through: Cell::new(false),
            exempt_path: Cell::new(false),
            goes_on: Cell::new(false),
            endpoint: RefCell::new(None),
            entry_key: RefCell::new(None),
            batch: RefCell::default(),
        }
    }

    /// The innermost limiter's context of a request.
    #[inline]
    pub(crate) fn of(request: &HttpRequest) -> Option<&Self> {
        request.app_data::<Rc<Self>>().map(|context| &**context)
    }

    /// The same, to be held beyond the request.
    #[inline]
    pub(crate) fn shared(request: &HttpRequest) -> Option<Rc<Self>> {
        request.app_data::<Rc<Self>>().map(Rc::clone)
    }

    #[inline]
    pub(crate) fn enforcer(&self) -> Enforcer {
        self.enforcer.get()
    }

    /// Takes the charges over.
    #[inline]
    pub(crate) fn take_over(&self, enforcer: Enforcer) {
        self.enforcer.set(enforcer);
    }

    /// **Learn**, before the request is answered: those that come in meanwhile need not be refused.
    #[cold]
    pub(crate) fn learn_now(&self) {
        if let Some(endpoint) = &*self.endpoint.borrow() {
            endpoint.knowledge.learn(self.enforcer());
        }
    }

    /// Every limit that was evaluated so far; none for the functions that are asked for keys and
    /// costs, while the batch is put together.
    pub(crate) fn current_limits(&self) -> Vec<CurrentLimit> {
        let limits = |batch: Ref<'_, Batch>| batch.current_limits(self.worker.handle());
        self.batch.try_borrow().map_or_else(|_| Vec::new(), limits)
    }

    /// The limit that headers tell of.
    pub(crate) fn current_limit(&self) -> Option<CurrentLimit> {
        self.batch.try_borrow().ok()?.headline_limit(self.worker.handle())
    }

    #[inline]
    fn clear(&self) {
        self.enforcer.set(Enforcer::MIDDLEWARE);
        self.scopes.set((Enforcer::MIDDLEWARE, StackId::default()));
        self.let_through.set(false);
        self.exempt_path.set(false);
        self.goes_on.set(false);
        *self.endpoint.borrow_mut() = None;
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
