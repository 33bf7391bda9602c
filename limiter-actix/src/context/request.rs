//! What the middleware, the scopes and the gate share about one request.
//!
//! The middleware puts a [`Context`] into the request's app data, the only place that can be filled
//! without an allocation: contexts are pooled per worker, and a context is reused as soon as no
//! request holds it.

use std::{
    cell::{Cell, Ref, RefCell, RefMut},
    rc::{Rc, Weak},
    sync::Arc,
    time::Duration,
};

use actix_web::HttpRequest;
use limiter_core::Key;

use super::{endpoint::Location, stack::StackId, worker::Worker};
use crate::{
    charge::Batch,
    identify::LimiterKey,
    limit::CurrentLimit,
    limiter::{Account, Enforcer, Limiter, NoCredit},
};

/// The state of one request, shared by the middleware, the scopes and the gate.
pub(crate) struct Context {
    worker: Rc<Worker>,
    /// The context of an outer limiter.
    outer: RefCell<Weak<Context>>,
    /// Which enforcer has charged the request so far.
    charged: Cell<Charged>,
    /// The account from which the request has borrowed, in order to continue uncharged.
    credit: Cell<Option<Account>>,
    /// Whether it explores an endpoint, and other requests wait for what it finds.
    explores: Cell<bool>,
    /// Whether it was refused, and continues because an inner enforcer may admit it.
    on_probation: Cell<bool>,
    /// How many scopes with limits or exemptions the request has entered so far, and which.
    scopes: Cell<(Enforcer, StackId)>,
    /// Whether a filter or an allow list exempts the request.
    let_through: Cell<bool>,
    /// The endpoint that it seemed to be for before routing, once looked up.
    location: RefCell<Option<Rc<Location>>>,
    /// The client, as identified before routing.
    client: RefCell<Client>,
    /// Whether `client` is filled: otherwise its content belongs to an earlier request.
    client_is_known: Cell<bool>,
    /// The charges of the request: those of the middleware, until an inner enforcer exchanges them.
    batch: RefCell<Batch>,
    /// The charges that are due, collected on the way in because they need the request.
    prepared: RefCell<Batch>,
    /// The charges that were made further outside, while the batch that replaces them is collected.
    outside: RefCell<Option<Box<Batch>>>,
}

/// Which enforcer has charged a request so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charged {
    /// None, although charges are due.
    NotYet,
    /// The middleware or a scope. An inner enforcer exchanges the charges.
    Outside,
    /// A storage is deciding, and the decision will be completed in any case.
    Deciding,
    /// The decision is final: made by a gate, or a denial.
    Done,
}

/// The client, as identified before routing.
#[derive(Clone, Default)]
pub(crate) struct Client {
    /// The limiter's key, which an inner middleware may still provide.
    pub(crate) key: Option<Key>,
    /// The address, if the limiter's key is something else.
    pub(crate) address: Option<Key>,
}

impl Context {
    pub(super) fn new(worker: Rc<Worker>) -> Self {
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

    #[inline]
    pub(crate) fn worker(&self) -> &Rc<Worker> {
        &self.worker
    }

    /// The charges of the request: those of the middleware, until an inner enforcer exchanges them.
    #[inline]
    pub(crate) fn batch(&self) -> Ref<'_, Batch> {
        self.batch.borrow()
    }

    #[inline]
    pub(crate) fn batch_mut(&self) -> RefMut<'_, Batch> {
        self.batch.borrow_mut()
    }

    /// Takes the batch out during an `await`: a borrow must not last that long.
    #[inline]
    pub(crate) fn take_batch(&self) -> Batch {
        self.batch.take()
    }

    #[inline]
    pub(crate) fn set_batch(&self, batch: Batch) {
        self.batch.replace(batch);
    }

    /// The charges that are due, collected on the way in.
    pub(crate) fn prepared(&self) -> Ref<'_, Batch> {
        self.prepared.borrow()
    }

    pub(crate) fn take_prepared(&self) -> Batch {
        self.prepared.take()
    }

    pub(crate) fn set_prepared(&self, batch: Batch) {
        self.prepared.replace(batch);
    }

    /// The outer charges that are set aside, if any.
    #[inline]
    pub(crate) fn outside(&self) -> Ref<'_, Option<Box<Batch>>> {
        self.outside.borrow()
    }

    pub(crate) fn outside_mut(&self) -> RefMut<'_, Option<Box<Batch>>> {
        self.outside.borrow_mut()
    }

    pub(crate) fn take_outside(&self) -> Option<Box<Batch>> {
        self.outside.take()
    }

    pub(crate) fn set_outside(&self, batch: Option<Box<Batch>>) {
        self.outside.replace(batch);
    }

    /// How many scopes with limits or exemptions the request has entered so far, and which.
    #[inline]
    pub(crate) fn scopes(&self) -> (Enforcer, StackId) {
        self.scopes.get()
    }

    pub(crate) fn enter_scope(&self, place: Enforcer, stack: StackId) {
        self.scopes.set((place, stack));
    }

    /// Whether a filter or an allow list exempts the request.
    #[inline]
    pub(crate) fn is_let_through(&self) -> bool {
        self.let_through.get()
    }

    pub(crate) fn let_through(&self) {
        self.let_through.set(true);
    }

    /// The context of the innermost limiter around a request.
    #[inline]
    pub(crate) fn of(request: &HttpRequest) -> Option<&Self> {
        request.app_data::<Rc<Self>>().map(|context| &**context)
    }

    /// The same, for use beyond the lifetime of the request.
    #[inline]
    pub(crate) fn shared(request: &HttpRequest) -> Option<Rc<Self>> {
        request.app_data::<Rc<Self>>().map(Rc::clone)
    }

    /// Whether the request is inside this limiter already: this context or an outer one belongs to
    /// it.
    pub(crate) fn is_within(&self, limiter: &Limiter) -> bool {
        self.worker.limiter().is_same_limiter(limiter)
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

    /// The request explores this endpoint.
    pub(crate) fn explore(&self, location: &Location) {
        if !self.explores.replace(true) {
            location.knowledge.add_explorer();
        }
    }

    /// What it has found is recorded now.
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
            location.knowledge.remove_explorer();
        }
    }

    /// The endpoint is looked up again at the next use.
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

    /// Lets the request continue uncharged, if the client has credit: it is charged when it leaves,
    /// unless an inner enforcer charges it.
    #[inline]
    pub(crate) fn defer_charge(
        &self,
        request: &HttpRequest,
        location: &Location,
        most_unpaid: u8,
    ) -> Result<(), NoCredit> {
        let limiter = self.worker.limiter();
        let account = self.account(request, location);
        limiter.credits().borrow(account, most_unpaid, || limiter.settings().clock.coarse())?;
        self.credit.set(Some(account));
        self.worker.leftovers().start();
        Ok(())
    }

    /// The same for a request that was refused.
    pub(crate) fn defer_charge_on_probation(
        &self,
        request: &HttpRequest,
        location: &Location,
    ) -> Result<(), NoCredit> {
        if !self.is_under_way() {
            self.defer_charge(request, location, 1)?;
        } else if self.worker.limiter().credits().is_in_debt(self.account(request, location)) {
            return Err(NoCredit::InDebt);
        }
        self.on_probation.set(true);
        Ok(())
    }

    /// Waits until another request of this client leaves, and takes over its credit.
    pub(crate) async fn wait_for_credit(
        &self,
        request: &HttpRequest,
        location: &Location,
        most: Duration,
    ) -> bool {
        let account = self.account(request, location);
        let handed = self.worker.limiter().credits().wait(account, most).await;
        if handed {
            self.credit.set(Some(account));
        }
        handed
    }

    /// The account that the request has borrowed from. The caller gives the credit back, or records
    /// a debt.
    #[inline]
    pub(crate) fn take_credit(&self) -> Option<Account> {
        self.on_probation.set(false);
        self.credit.take()
    }

    /// Gives the credit back: the request is charged, or nothing is due.
    #[inline]
    pub(crate) fn give_credit_back(&self) {
        if let Some(account) = self.take_credit() {
            self.worker.limiter().credits().give_back(account);
        }
    }

    /// The account of the client, as identified before routing, at the endpoint that the request
    /// seemed to be for.
    #[inline]
    pub(crate) fn account(&self, request: &HttpRequest, location: &Location) -> Account {
        let endpoint = Arc::as_ptr(&location.knowledge) as usize;
        let client = self.client(request);
        let credits = &self.worker.limiter().credits();
        credits.account(client.key.as_ref(), client.address.as_ref(), endpoint)
    }

    /// The client. Computed at the first call, before routing.
    #[inline]
    pub(crate) fn client(&self, request: &HttpRequest) -> Ref<'_, Client> {
        if !self.client_is_known.get() {
            self.identify_client(request);
        }
        self.client.borrow()
    }

    /// The client as identified before routing, if it was computed.
    #[inline]
    pub(crate) fn known_client(&self) -> Option<Ref<'_, Client>> {
        self.client_is_known.get().then(|| self.client.borrow())
    }

    #[inline]
    fn identify_client(&self, request: &HttpRequest) {
        let settings = &self.worker.limiter().settings();
        // Written in place: keys are large, and moving them has a cost.
        match &settings.identity.key {
            LimiterKey::Peer => {
                self.client.borrow_mut().key = settings.identity.addresses.peer(request);
            }
            LimiterKey::Custom(key) => {
                let (key, address) = (key(request), settings.identity.addresses.client(request));
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

    /// The [location](Self::location), borrowed.
    #[inline]
    pub(crate) fn located(&self, request: &HttpRequest) -> Ref<'_, Rc<Location>> {
        if self.location.borrow().is_none() {
            let location = self.worker.location(request);
            self.location.replace(Some(location));
        }
        // It was filled above.
        Ref::map(self.location.borrow(), |location| location.as_ref().expect("a location"))
    }

    /// The [location](Self::location), if it was looked up.
    #[inline]
    pub(crate) fn known_location(&self) -> Option<Rc<Location>> {
        self.location.borrow().as_ref().map(Rc::clone)
    }

    /// Every limit that was evaluated so far; none while the batch is being collected, and key and
    /// cost functions run.
    pub(crate) fn current_limits(&self) -> Vec<CurrentLimit> {
        let limits =
            |batch: Ref<'_, Batch>| batch.current_limits(self.worker.limiter().shared_storage());
        self.batch.try_borrow().map_or_else(|_| Vec::new(), limits)
    }

    /// The limit that headers describe.
    pub(crate) fn current_limit(&self) -> Option<CurrentLimit> {
        self.batch.try_borrow().ok()?.headline_limit(self.worker.limiter().shared_storage())
    }

    #[inline]
    pub(super) fn clear(&self) {
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
