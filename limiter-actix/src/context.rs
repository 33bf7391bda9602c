//! Where middleware and gate of one request meet.
//!
//! The middleware gives every request a [`Context`] through the request's app data, the one place
//! that can be filled without an allocation: contexts are pooled per worker, and one is used again
//! as soon as no request holds it.

use std::{
    cell::{Cell, Ref, RefCell},
    rc::{Rc, Weak},
    sync::Arc,
    time::Duration,
};

use actix_web::{HttpRequest, dev::Extensions, http::Method};
use ahash::HashMap;
use limiter_core::Key;

use crate::{
    charge::Batch,
    config::LimiterKey,
    current::CurrentLimit,
    endpoint::{Endpoint, Endpoints, Location},
    enforce::{self, Account, Insiders, Leftovers, NoCredit},
    key_by::IdentityConfig,
    limiter::{Inner, Limiter},
    record::HandlerRecord,
    rule::{CountedMethod, Place, Plan, Target},
    scope::{ScopeDeclaration, ScopeStacks, StackId},
};

/// What one worker thread knows of a limiter.
pub(crate) struct Worker {
    limiter: Limiter,
    endpoints: RefCell<Endpoints>,
    of_handlers: RefCell<HashMap<HandlerKey, Rc<Plan>>>,
    of_endpoints: RefCell<HashMap<EndpointKey, Rc<Plan>>>,
    stacks: RefCell<ScopeStacks>,
    /// The scopes of the app, by what they may admit.
    pub(crate) scopes: Insiders,
    pub(crate) leftovers: Leftovers,
}

/// The address of the handler's record, which is a static; the method; whether the path is
/// exempt; and the scopes around the handler.
type HandlerKey = (usize, CountedMethod, bool, StackId);

/// The endpoint's name; the method, which is not in the name of what matches nothing; whether it is
/// exempt; the scopes around it; and the address of the record of its gate, if that counts too.
type EndpointKey = (Rc<str>, CountedMethod, bool, StackId, usize);

impl Worker {
    pub(crate) fn new(limiter: Limiter) -> Self {
        Self {
            limiter,
            endpoints: RefCell::new(Endpoints::new()),
            of_handlers: RefCell::default(),
            of_endpoints: RefCell::default(),
            stacks: RefCell::default(),
            scopes: enforce::started_scopes(),
            leftovers: Leftovers::new(),
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

    /// The plan of a request that no gate has charged: that of the endpoint, within these scopes.
    /// With the limits of `gate` besides, as far as these need no function.
    pub(crate) fn plan_of_endpoint(
        &self,
        endpoint: &Endpoint,
        method: &Method,
        exempt: bool,
        stack: StackId,
        gate: Option<&'static HandlerRecord>,
    ) -> Rc<Plan> {
        if !exempt && stack == StackId::default() && gate.is_none() {
            return Rc::clone(&endpoint.plan);
        }
        let counted = CountedMethod::of(method);
        let address = gate.map_or(0, |gate| std::ptr::from_ref(gate) as usize);
        let key = (Rc::clone(&endpoint.name), counted, exempt, stack, address);
        if let Some(plan) = self.of_endpoints.borrow().get(&key) {
            return Rc::clone(plan);
        }
        let scopes = self.stacks.borrow().scopes(stack);
        let target = Target {
            place: Place::Endpoint { name: &endpoint.name, gate },
            method,
            counted: counted.name(),
            exempt_path: exempt,
            scopes: &scopes,
        };
        let plan = Rc::new(Plan::new(self.limiter(), target));
        if counted != CountedMethod::Other {
            self.of_endpoints.borrow_mut().insert(key, Rc::clone(&plan));
        }
        plan
    }

    /// Remembers that a request has reached the gate of this handler.
    #[cold]
    pub(crate) fn met(
        &self,
        request: &HttpRequest,
        location: &Location,
        record: &'static HandlerRecord,
    ) {
        match self.routed_elsewhere(request, location) {
            Some(endpoint) => endpoint.knowledge.met(record),
            None => location.knowledge.met(record),
        }
    }

    /// The endpoint that a request was routed to, where that is not where it seemed to lead.
    #[inline]
    pub(crate) fn routed_elsewhere(
        &self,
        request: &HttpRequest,
        location: &Location,
    ) -> Option<Rc<Endpoint>> {
        self.endpoints.borrow_mut().routed_elsewhere(request, self.limiter(), location)
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
}

/// What middleware, scopes and gate tell each other about one request.
pub(crate) struct Context {
    pub(crate) worker: Rc<Worker>,
    /// The context of another limiter around this one.
    outer: RefCell<Weak<Context>>,
    /// Who has charged the request so far.
    charged: Cell<Charged>,
    /// The account from which the request has borrowed, in order to go on without being charged.
    credit: Cell<Option<Account>>,
    /// Whether it goes where nobody has been, and others wait for what it finds.
    explores: Cell<bool>,
    /// Whether it was refused, and goes on because somebody further inside may admit it.
    on_probation: Cell<bool>,
    /// How many scopes with something to say stand around the request so far, and which.
    pub(crate) scopes: Cell<(Enforcer, StackId)>,
    /// Whether a filter or a list has said that nothing is to be limited.
    pub(crate) let_through: Cell<bool>,
    /// Where it seemed to lead before routing, once somebody has asked.
    location: RefCell<Option<Rc<Location>>>,
    /// Who the client was before routing.
    client: RefCell<Client>,
    /// Whether anybody has asked: what stands there otherwise is of an earlier request.
    client_is_known: Cell<bool>,
    /// What the request is charged: by the middleware, until somebody further inside takes its
    /// place.
    pub(crate) batch: RefCell<Batch>,
    /// What is due, put together while the request was there: where it needs the request.
    pub(crate) prepared: RefCell<Batch>,
    /// What was charged further outside, while the batch is put together that takes its place.
    pub(crate) outside: RefCell<Option<Box<Batch>>>,
}

/// Who has charged a request so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charged {
    /// Nobody, who would have to.
    NotYet,
    /// The middleware or a scope. Whoever stands further inside exchanges that.
    Outside,
    /// A storage is deciding, and goes on whatever happens.
    Deciding,
    /// All is decided: by a gate, or by a denial.
    Done,
}

/// Who a client was before routing.
#[derive(Clone, Default)]
pub(crate) struct Client {
    /// By the limiter's key, which an inner middleware may still fill.
    pub(crate) key: Option<Key>,
    /// The address, where the limiter's key is something else.
    pub(crate) address: Option<Key>,
}

impl Context {
    fn new(worker: Rc<Worker>) -> Self {
        Self {
            worker,
            outer: RefCell::default(),
            charged: Cell::new(Charged::NotYet),
            credit: Cell::new(None),
            explores: Cell::new(false),
            on_probation: Cell::new(false),
            scopes: Cell::default(),
            let_through: Cell::new(false),
            location: RefCell::new(None),
            client: RefCell::default(),
            client_is_known: Cell::new(false),
            batch: RefCell::default(),
            prepared: RefCell::default(),
            outside: RefCell::new(None),
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

    /// Whether this limiter stands around the request already: this context is its own, or one
    /// further outside is.
    pub(crate) fn is_within(&self, limiter: &Limiter) -> bool {
        self.worker.handle().is_the_same_as(limiter)
            || self.outer.borrow().upgrade().is_some_and(|outer| outer.is_within(limiter))
    }

    pub(crate) fn stands_inside(&self, outer: &Rc<Self>) {
        self.outer.replace(Rc::downgrade(outer));
    }

    #[inline]
    pub(crate) fn charged(&self) -> Charged {
        self.charged.get()
    }

    #[inline]
    pub(crate) fn set_charged(&self, charged: Charged) {
        self.charged.set(charged);
    }

    /// The request goes where nobody has been.
    pub(crate) fn explore(&self, location: &Location) {
        if !self.explores.replace(true) {
            location.knowledge.goes_in();
        }
    }

    /// What it has found is known now.
    #[inline]
    pub(crate) fn has_explored(&self) {
        if self.explores.get() {
            self.end_exploring();
        }
    }

    #[cold]
    fn end_exploring(&self) {
        self.explores.set(false);
        if let Some(location) = self.known_location() {
            location.knowledge.came_out();
        }
    }

    /// Where the path leads is looked up anew.
    pub(crate) fn forget_location(&self) {
        self.has_explored();
        self.location.replace(None);
    }

    #[inline]
    pub(crate) fn is_under_way(&self) -> bool {
        self.credit.get().is_some()
    }

    pub(crate) fn credit(&self) -> Option<Account> {
        self.credit.get()
    }

    #[inline]
    pub(crate) fn is_on_probation(&self) -> bool {
        self.on_probation.get()
    }

    /// Lets the request go on without being charged by those it has met so far, if it may.
    #[inline]
    pub(crate) fn set_out(
        &self,
        request: &HttpRequest,
        location: &Location,
        most_unpaid: u8,
    ) -> Result<(), NoCredit> {
        let limiter = self.worker.limiter();
        let account = self.account(request, location);
        limiter.credits.borrow(account, most_unpaid, || limiter.settings.clock.coarse())?;
        self.credit.set(Some(account));
        self.worker.leftovers.start();
        Ok(())
    }

    /// The same for a request that was refused.
    pub(crate) fn set_out_on_probation(
        &self,
        request: &HttpRequest,
        location: &Location,
    ) -> Result<(), NoCredit> {
        if !self.is_under_way() {
            self.set_out(request, location, 1)?;
        } else if self.worker.limiter().credits.is_in_debt(self.account(request, location)) {
            return Err(NoCredit::InDebt);
        }
        self.on_probation.set(true);
        Ok(())
    }

    /// Waits until another request of this client comes back, and goes on in its place.
    pub(crate) async fn wait_for_credit(
        &self,
        request: &HttpRequest,
        location: &Location,
        most: Duration,
    ) -> bool {
        let account = self.account(request, location);
        let handed = self.worker.limiter().credits.wait(account, most).await;
        if handed {
            self.credit.set(Some(account));
        }
        handed
    }

    /// The account that the request has borrowed from: the caller gives back, or owes.
    #[inline]
    pub(crate) fn take_credit(&self) -> Option<Account> {
        self.on_probation.set(false);
        self.credit.take()
    }

    /// The request is charged, or owes nothing.
    #[inline]
    pub(crate) fn give_credit_back(&self) {
        if let Some(account) = self.take_credit() {
            self.worker.limiter().credits.give_back(account);
        }
    }

    /// The account of the client, as it was before routing, at the endpoint that the request
    /// seemed to be for.
    #[inline]
    pub(crate) fn account(&self, request: &HttpRequest, location: &Location) -> Account {
        let endpoint = Arc::as_ptr(&location.knowledge) as usize;
        let client = self.client(request);
        let credits = &self.worker.limiter().credits;
        credits.account(client.key.as_ref(), client.address.as_ref(), endpoint)
    }

    /// Who the client is. Asked for the first time before routing.
    #[inline]
    pub(crate) fn client(&self, request: &HttpRequest) -> Ref<'_, Client> {
        if !self.client_is_known.get() {
            self.find_out_client(request);
        }
        self.client.borrow()
    }

    /// Who the client was before routing, if anybody has asked.
    #[inline]
    pub(crate) fn known_client(&self) -> Option<Ref<'_, Client>> {
        self.client_is_known.get().then(|| self.client.borrow())
    }

    #[inline]
    fn find_out_client(&self, request: &HttpRequest) {
        let settings = &self.worker.limiter().settings;
        // Written where it stays: keys are large, and moving them is not free.
        match &settings.key {
            LimiterKey::Peer => self.client.borrow_mut().key = settings.identity.peer(request),
            LimiterKey::Custom(key) => {
                let (key, address) = (key(request), settings.identity.client(request));
                self.client.replace(Client { key, address });
            }
        }
        self.client_is_known.set(true);
    }

    /// **Endpoint**: which method and path pattern the request seems to be for before routing.
    #[inline]
    pub(crate) fn location(&self, request: &HttpRequest) -> Rc<Location> {
        Rc::clone(&self.located(request))
    }

    /// The [location](Self::location), to be looked at.
    #[inline]
    pub(crate) fn located(&self, request: &HttpRequest) -> Ref<'_, Rc<Location>> {
        if self.location.borrow().is_none() {
            let location = self.worker.endpoints.borrow_mut().of(request, self.worker.limiter());
            self.location.replace(Some(location));
        }
        // It was filled just now.
        Ref::map(self.location.borrow(), |location| location.as_ref().expect("a location"))
    }

    /// The [location](Self::location), if anybody has asked for it.
    #[inline]
    pub(crate) fn known_location(&self) -> Option<Rc<Location>> {
        self.location.borrow().as_ref().map(Rc::clone)
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
        self.charged.set(Charged::NotYet);
        self.credit.set(None);
        self.explores.set(false);
        self.on_probation.set(false);
        self.scopes.set((Enforcer::MIDDLEWARE, StackId::default()));
        self.let_through.set(false);
        *self.location.borrow_mut() = None;
        self.client_is_known.set(false);
        *self.outside.borrow_mut() = None;
        self.prepared.borrow_mut().clear();
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
