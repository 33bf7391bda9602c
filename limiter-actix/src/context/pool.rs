//! The contexts of one worker, reused for many requests.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use actix_web::dev::Extensions;

use super::{request::Context, worker::Worker};

/// The contexts of one worker.
pub(crate) struct Pool {
    contexts: RefCell<Contexts>,
}

#[derive(Default)]
struct Contexts {
    pooled: Vec<Pooled>,
    /// The index to look at next.
    next: usize,
}

/// A context, and the container that carries it in a request.
struct Pooled {
    context: Rc<Context>,
    container: Rc<Extensions>,
}

/// The most contexts that a worker keeps: further concurrent requests allocate their own.
const POOLED: usize = 256;

/// How many pooled contexts are checked before a new one is created: long downloads may hold some.
const LOOKED_AT: usize = 4;

impl Pool {
    pub(crate) fn new() -> Self {
        Self { contexts: RefCell::default() }
    }

    /// An unused, empty context, and the container for the request's app data.
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
        container.insert(Arc::clone(&worker.limiter().settings().identity.addresses));
        Self { context, container: Rc::new(container) }
    }

    /// Whether neither a request nor a response in flight holds it.
    #[inline]
    fn is_free(&self) -> bool {
        // The pool holds one reference, and the container another one.
        Rc::strong_count(&self.container) == 1 && Rc::strong_count(&self.context) == 2
    }

    #[inline]
    fn share(&self) -> (Rc<Context>, Rc<Extensions>) {
        (Rc::clone(&self.context), Rc::clone(&self.container))
    }
}
