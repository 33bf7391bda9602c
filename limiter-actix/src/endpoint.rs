//! Which endpoint a request is for, before routing; and whether a gate guards it.
//!
//! Before routing nobody knows the handler. What can be known is the path pattern, from the
//! resource map, and that is slow: it takes as long as routing itself. So every worker remembers
//! the answer per path, in a cache of fixed size; and all workers share what was learnt about each
//! endpoint.

use std::{
    hash::{BuildHasher, Hasher},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use actix_web::{HttpRequest, dev::ServiceRequest, http::Method};
use ahash::{HashMap, RandomState};
use parking_lot::RwLock;

use crate::{
    context::{Context, Enforcer},
    limiter::Inner,
    rule::{CountedMethod, Plan, Target},
};

/// What is known about who charges the requests of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// No request has come out again yet.
    Unknown,
    /// The last to charge was always the same: whoever stands outside leaves it to them, so that
    /// a request is charged in one batch.
    By(Enforcer),
    /// It was not always the same: handlers that differ by a guard, or an inner middleware that
    /// answers some requests itself. Everybody charges, and whoever stands further inside gives
    /// back.
    Mixed,
}

impl Seen {
    /// Whether somebody further inside than `enforcer` will charge.
    #[inline]
    pub(crate) fn leaves_to_others(self, enforcer: Enforcer) -> bool {
        matches!(self, Self::By(other) if other > enforcer)
    }
}

/// What all workers know about an endpoint.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    seen: AtomicU8,
    /// Whether a refused request was sent on to find out.
    tried: AtomicBool,
}

/// The numbers between are those of the enforcers, plus one.
const UNKNOWN: u8 = 0;
const MIXED: u8 = u8::MAX;

impl Knowledge {
    #[inline]
    pub(crate) fn seen(&self) -> Seen {
        match self.seen.load(Ordering::Relaxed) {
            UNKNOWN => Seen::Unknown,
            MIXED => Seen::Mixed,
            number => Seen::By(Enforcer::from_number(number - 1)),
        }
    }

    /// Whether the caller is the first to ask: the one whose request is sent on to find out.
    fn is_first_try(&self) -> bool {
        !self.tried.swap(true, Ordering::Relaxed)
    }

    /// Remembers who charged a request that was answered.
    #[inline]
    pub(crate) fn learn(&self, enforcer: Enforcer) {
        let next = match self.seen() {
            Seen::By(known) if known == enforcer => return,
            Seen::Unknown => enforcer.number() + 1,
            Seen::Mixed => return,
            Seen::By(_) => MIXED,
        };
        // Another worker may learn something else in between; the two meet at `Mixed` with the
        // next request.
        self.seen.store(next, Ordering::Relaxed);
    }
}

/// What all workers know about all endpoints. As large as the app has resources and methods.
#[derive(Debug, Default)]
pub(crate) struct EndpointTable {
    endpoints: RwLock<HashMap<EndpointKey, Arc<Knowledge>>>,
    /// Whether the resource map has missed a resource.
    misses_resources: AtomicBool,
}

/// The counted method and the path pattern.
type EndpointKey = (CountedMethod, Box<str>);

impl EndpointTable {
    /// Remembers that a request came to a resource which it did not match beforehand. Of scopes with
    /// one prefix, told apart by guards, the map shows the first alone; and a middleware further
    /// inside may have changed the path. From now on nobody knows what matches nothing.
    fn has_missed(&self, request: &HttpRequest) {
        if !self.misses_resources.swap(true, Ordering::Relaxed) {
            tracing::error!(
                path = request.path(),
                "a path that seemed to match nothing was served: another scope has the same prefix, \
                 or a middleware inside the limiter changes paths; from now on unmatched paths are \
                 limited, whatever `limit_unmatched` says"
            );
        }
    }

    fn knowledge(&self, method: CountedMethod, pattern: &str) -> Arc<Knowledge> {
        let key = (method, Box::from(pattern));
        if let Some(knowledge) = self.endpoints.read().get(&key) {
            return Arc::clone(knowledge);
        }
        Arc::clone(self.endpoints.write().entry(key).or_default())
    }
}

/// An endpoint as one worker knows it.
pub(crate) struct Endpoint {
    /// `GET /users/{id}`.
    pub(crate) name: Rc<str>,
    pub(crate) knowledge: Arc<Knowledge>,
    /// The limits of a request that no gate and no scope guards.
    pub(crate) plan: Plan,
    /// Whether the request's path is exempt from them.
    pub(crate) exempt: bool,
}

/// The endpoints that one worker has met.
pub(crate) struct Endpoints {
    by_path: Vec<Option<CachedPath>>,
    by_pattern: HashMap<EndpointKey, Rc<Endpoint>>,
    unmatched: Option<Rc<Endpoint>>,
    hasher: RandomState,
}

struct CachedPath {
    hash: u64,
    method: CountedMethod,
    path: Box<str>,
    endpoint: Rc<Endpoint>,
}

/// How many paths a worker remembers, one per place: a path with an id in it takes the place of
/// another one, which costs a look at the resource map and nothing else.
const CACHED_PATHS: usize = 1024;

/// Longer paths are not remembered: a client may not fill the cache with megabytes.
const LONGEST_CACHED_PATH: usize = 256;

/// What requests are counted as that match no resource.
const UNMATCHED: &str = "unmatched";

impl Endpoints {
    pub(crate) fn new() -> Self {
        Self {
            by_path: (0..CACHED_PATHS).map(|_| None).collect(),
            by_pattern: HashMap::default(),
            unmatched: None,
            hasher: RandomState::new(),
        }
    }

    /// The endpoint of a request.
    #[inline]
    pub(crate) fn of(&mut self, request: &ServiceRequest, limiter: &Inner) -> Rc<Endpoint> {
        let method = CountedMethod::of(request.method());
        // The path as the router reads it: percent-decoded, where `/%77` is `/w`.
        let path = request.match_info().as_str();
        let mut hasher = self.hasher.build_hasher();
        hasher.write(path.as_bytes());
        let hash = hasher.finish();
        // The modulo is less than CACHED_PATHS.
        let place = (hash % CACHED_PATHS as u64) as usize;
        if let Some(cached) = &self.by_path[place]
            && cached.hash == hash
            && cached.method == method
            && &*cached.path == path
        {
            return Rc::clone(&cached.endpoint);
        }
        self.look_up(request, limiter, method, place, hash)
    }

    #[cold]
    fn look_up(
        &mut self,
        request: &ServiceRequest,
        limiter: &Inner,
        method: CountedMethod,
        place: usize,
        hash: u64,
    ) -> Rc<Endpoint> {
        let path = request.match_info().as_str();
        let exempt = limiter.settings.exempt_paths.contains(path);
        let pattern = request.resource_map().match_pattern(path);
        let endpoint = match pattern {
            None if !exempt => return self.unmatched(limiter),
            None => Rc::new(Endpoint { exempt, ..endpoint(limiter, request, path) }),
            Some(pattern) if exempt => {
                Rc::new(Endpoint { exempt, ..endpoint(limiter, request, &pattern) })
            }
            Some(pattern) => Rc::clone(
                self.by_pattern
                    .entry((method, pattern.as_str().into()))
                    .or_insert_with(|| Rc::new(endpoint(limiter, request, &pattern))),
            ),
        };
        if path.len() <= LONGEST_CACHED_PATH {
            let endpoint = Rc::clone(&endpoint);
            self.by_path[place] = Some(CachedPath { hash, method, path: path.into(), endpoint });
        }
        endpoint
    }

    /// All paths without a resource are one endpoint, and none of them is remembered: they are
    /// as many as a client likes.
    fn unmatched(&mut self, limiter: &Inner) -> Rc<Endpoint> {
        let exempt = !limiter.settings.limit_unmatched
            && !limiter.endpoints.misses_resources.load(Ordering::Relaxed);
        self.unmatched.take_if(|known| known.exempt != exempt);
        let endpoint = self.unmatched.get_or_insert_with(|| {
            Rc::new(Endpoint {
                exempt,
                knowledge: limiter.endpoints.knowledge(CountedMethod::Other, UNMATCHED),
                plan: Plan::new(limiter, Target::endpoint(UNMATCHED, &Method::GET, UNMATCHED)),
                name: UNMATCHED.into(),
            })
        });
        Rc::clone(endpoint)
    }
}

impl Endpoint {
    /// Looks whether a request that matched nothing has come to a resource all the same.
    pub(crate) fn check_unmatched(&self, request: &HttpRequest, limiter: &Inner) {
        if &*self.name == UNMATCHED && request.match_pattern().is_some() {
            limiter.endpoints.has_missed(request);
        }
    }
}

fn endpoint(limiter: &Inner, request: &ServiceRequest, pattern: &str) -> Endpoint {
    let method = CountedMethod::of(request.method());
    let name = format!("{} {pattern}", method.name());
    Endpoint {
        knowledge: limiter.endpoints.knowledge(method, pattern),
        plan: Plan::new(limiter, Target::endpoint(&name, request.method(), method.name())),
        name: name.into(),
        exempt: false,
    }
}

/// Whether a refused request goes on all the same: once per endpoint, for a handler known to be
/// decorated or exempt. A health check must not fail after a restart because the limiter has not
/// yet seen that it is exempt. `seen` is what was known when the request came in.
pub(crate) fn goes_on(request: &ServiceRequest, context: &Context, seen: Seen) -> bool {
    if context.goes_on.get() {
        return true;
    }
    let endpoint = context.endpoint.borrow();
    let Some(endpoint) = endpoint.as_ref().filter(|_| seen == Seen::Unknown) else { return false };
    // Another request may have found the gate by now.
    let goes_on = match endpoint.knowledge.seen() {
        Seen::By(enforcer) => enforcer == Enforcer::GATE,
        Seen::Mixed => false,
        Seen::Unknown => {
            may_be_decorated(request, context.worker.limiter()) && endpoint.knowledge.is_first_try()
        }
    };
    context.goes_on.set(goes_on);
    goes_on
}

/// Whether the resource that a request seems to be for has the name of a decorated handler.
fn may_be_decorated(request: &ServiceRequest, limiter: &Inner) -> bool {
    let path = request.match_info().as_str();
    request
        .resource_map()
        .match_name(path)
        .is_some_and(|name| limiter.decorated_names.contains(name))
}
