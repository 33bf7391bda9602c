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
        atomic::{AtomicU8, Ordering},
    },
};

use actix_web::{HttpRequest, http::Method};
use ahash::{HashMap, RandomState};
use parking_lot::RwLock;

use crate::{
    context::Enforcer,
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
pub(crate) struct Knowledge(AtomicU8);

/// The numbers between are those of the enforcers, plus one.
const UNKNOWN: u8 = 0;
const MIXED: u8 = u8::MAX;

impl Knowledge {
    #[inline]
    pub(crate) fn seen(&self) -> Seen {
        match self.0.load(Ordering::Relaxed) {
            UNKNOWN => Seen::Unknown,
            MIXED => Seen::Mixed,
            number => Seen::By(Enforcer::from_number(number - 1)),
        }
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
        self.0.store(next, Ordering::Relaxed);
    }
}

/// What all workers know about all endpoints. As large as the app has resources and methods.
#[derive(Debug, Default)]
pub(crate) struct EndpointTable {
    endpoints: RwLock<HashMap<EndpointKey, Arc<Knowledge>>>,
}

/// The counted method and the path pattern.
type EndpointKey = (CountedMethod, Box<str>);

impl EndpointTable {
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
    pub(crate) fn of(&mut self, request: &HttpRequest, limiter: &Inner) -> Rc<Endpoint> {
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
        request: &HttpRequest,
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
        let endpoint = self.unmatched.get_or_insert_with(|| {
            Rc::new(Endpoint {
                exempt: !limiter.settings.limit_unmatched,
                knowledge: limiter.endpoints.knowledge(CountedMethod::Other, UNMATCHED),
                plan: Plan::new(limiter, Target::endpoint(UNMATCHED, &Method::GET, UNMATCHED)),
                name: UNMATCHED.into(),
            })
        });
        Rc::clone(endpoint)
    }
}

fn endpoint(limiter: &Inner, request: &HttpRequest, pattern: &str) -> Endpoint {
    let method = CountedMethod::of(request.method());
    let name = format!("{} {pattern}", method.name());
    Endpoint {
        knowledge: limiter.endpoints.knowledge(method, pattern),
        plan: Plan::new(limiter, Target::endpoint(&name, request.method(), method.name())),
        name: name.into(),
        exempt: false,
    }
}

/// Whether the resource that a request seems to be for has the name of a decorated handler.
pub(crate) fn may_be_decorated(request: &HttpRequest, limiter: &Inner) -> bool {
    let path = request.match_info().as_str();
    request
        .resource_map()
        .match_name(path)
        .is_some_and(|name| limiter.decorated_names.contains(name))
}
