//! What one worker knows about a limiter.

use std::{cell::RefCell, rc::Rc};

use actix_web::{HttpRequest, http::Method};
use ahash::HashMap;

use super::{
    endpoint::{Endpoint, Endpoints, Location},
    leftovers::Leftovers,
    stack::{ScopeStacks, StackId},
};
use crate::{
    declare::{CountedMethod, HandlerRecord, ScopeDeclaration},
    limiter::{Insiders, Limiter, started_scopes},
    resolve::{Place, Plan, Target},
};

/// What one worker thread knows about a limiter.
pub(crate) struct Worker {
    limiter: Limiter,
    endpoints: RefCell<Endpoints>,
    of_handlers: RefCell<HashMap<HandlerKey, Rc<Plan>>>,
    of_endpoints: RefCell<HashMap<EndpointKey, Rc<Plan>>>,
    stacks: RefCell<ScopeStacks>,
    /// The scopes of the app, by what they may admit.
    scopes: Insiders,
    leftovers: Leftovers,
}

/// The address of the handler's record, which is a static; the method; whether the path is exempt;
/// and the scopes around the handler.
type HandlerKey = (usize, CountedMethod, bool, StackId);

/// The endpoint's name; the method, which the name `unmatched` lacks; whether the endpoint is
/// exempt; the scopes around it; and the address of the record of its gate, if the gate's limits
/// count too.
type EndpointKey = (Rc<str>, CountedMethod, bool, StackId, usize);

impl Worker {
    pub(crate) fn new(limiter: Limiter) -> Self {
        Self {
            limiter,
            endpoints: RefCell::new(Endpoints::new()),
            of_handlers: RefCell::default(),
            of_endpoints: RefCell::default(),
            stacks: RefCell::default(),
            scopes: started_scopes(),
            leftovers: Leftovers::new(),
        }
    }

    #[inline]
    pub(crate) fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// The scopes of the app, by what they may admit.
    pub(crate) fn scopes(&self) -> &Insiders {
        &self.scopes
    }

    #[inline]
    pub(crate) fn leftovers(&self) -> &Leftovers {
        &self.leftovers
    }

    /// The endpoint that a request seems to be for, before routing.
    #[inline]
    pub(super) fn location(&self, request: &HttpRequest) -> Rc<Location> {
        self.endpoints.borrow_mut().of(request, &self.limiter)
    }

    /// The plan of a handler for a method, created once per worker.
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
        // Methods that share counters may still differ in `methods`, so this plan is not cached.
        if counted != CountedMethod::Other {
            self.of_handlers.borrow_mut().insert(key, Rc::clone(&plan));
        }
        plan
    }

    /// The plan of a request that no gate has charged: the limits of the endpoint inside these
    /// scopes, and those limits of `gate` that need no function.
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

    /// Records that a request has reached the gate of this handler.
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

    /// The endpoint that a request was routed to, if it differs from the one that it seemed to be
    /// for.
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
