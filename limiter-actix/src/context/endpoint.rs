//! Endpoints, as one worker knows them.

use std::{
    cell::{Cell, OnceCell},
    hash::{BuildHasher, Hasher},
    ops::Deref,
    rc::Rc,
    sync::Arc,
};

use actix_web::{HttpRequest, http::Method};
use ahash::{HashMap, RandomState};

use crate::{
    declare::{CountedMethod, HandlerRecord},
    limiter::{
        EndpointKey, Enforcer, Gates, Insiders, Knowledge, Limiter, forget_started_scopes,
        namespace::UNMATCHED,
    },
    resolve::{Plan, Target},
};

/// An endpoint, as one worker knows it.
pub(crate) struct Endpoint {
    /// `GET /users/{id}`.
    pub(crate) name: Rc<str>,
    method: CountedMethod,
    http_method: Method,
    /// `None` if no resource matches.
    pattern: Option<Box<str>>,
    pub(crate) knowledge: Arc<Knowledge>,
    /// The limits of a request that passes no gate and no scope.
    pub(crate) plan: Rc<Plan>,
    /// Whether it is exempt from the limiter's own limits.
    pub(crate) exempt: Exempt,
    /// Which inner enforcers the program may have here, as far as its resource tells.
    insiders: OnceCell<Insiders>,
    named_gate: Option<&'static HandlerRecord>,
}

/// Why an endpoint is exempt from the limiter's own limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exempt {
    No,
    /// Its path is exempt, whatever serves it.
    Path,
    /// It matches no resource, as far as is known before routing.
    Unmatched,
}

impl Endpoint {
    /// A method of its requests.
    pub(crate) fn method(&self) -> &Method {
        &self.http_method
    }

    /// Whether it stands for all requests without a resource.
    pub(crate) fn matches_nothing(&self) -> bool {
        self.pattern.is_none()
    }

    /// The gate of this endpoint: the first one that a request has reached, or the one that has the
    /// name of its resource.
    #[inline]
    pub(crate) fn gate(&self) -> Option<&'static HandlerRecord> {
        self.knowledge.gate(self.named_gate)
    }

    /// Which inner enforcers may be here, according to the program.
    pub(crate) fn insiders<'a>(&'a self, request: &HttpRequest, gates: &'a Gates) -> &'a Insiders {
        match self.pattern.as_deref() {
            Some(pattern) if self.knowledge.is_confirmed() || !pattern.contains('{') => {
                self.insiders.get_or_init(|| gates.at(request, pattern))
            }
            // The request may be for a resource that is hidden behind this one.
            _ => gates.anywhere(),
        }
    }
}

/// The endpoint that a path seems to lead to.
pub(crate) struct Location {
    endpoint: Rc<Endpoint>,
    /// Whether the path leads to several endpoints, of which guards select one.
    is_ambiguous: bool,
    /// The state of the path after routing when the endpoint turned out to be right: the same state
    /// need not be checked again.
    confirmed: Cell<Option<u64>>,
}

impl Location {
    /// Whether an enforcer further inside than `enforcer` may charge the request, or one at another
    /// endpoint with the same path.
    #[inline]
    pub(crate) fn is_left_to_inner(&self, enforcer: Enforcer) -> bool {
        self.is_ambiguous || self.knowledge.is_left_to_inner(enforcer)
    }

    /// Whether it is not known yet which enforcer charges here.
    #[inline]
    pub(crate) fn is_uncertain(&self) -> bool {
        !self.knowledge.is_open() && !self.is_left_to_inner(Enforcer::MIDDLEWARE)
    }
}

impl Deref for Location {
    type Target = Endpoint;

    #[inline]
    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// The endpoints that one worker has seen.
pub(crate) struct Endpoints {
    by_path: Vec<Option<CachedPath>>,
    by_pattern: HashMap<EndpointKey, Rc<Endpoint>>,
    unmatched: HashMap<CountedMethod, Rc<Location>>,
    hasher: RandomState,
    /// The generation of the limiter's table when the paths were cached.
    generation: u32,
}

struct CachedPath {
    hash: u64,
    method: CountedMethod,
    path: Box<str>,
    location: Rc<Location>,
}

/// How many paths a worker caches, one per slot: a path with an id in it replaces another path,
/// which costs a lookup in the resource map and nothing else.
const CACHED_PATHS: usize = 1024;

/// Longer paths are not cached: a client must not fill the cache with megabytes.
const LONGEST_CACHED_PATH: usize = 256;

impl Endpoints {
    pub(crate) fn new() -> Self {
        Self {
            by_path: (0..CACHED_PATHS).map(|_| None).collect(),
            by_pattern: HashMap::default(),
            unmatched: HashMap::default(),
            hasher: RandomState::new(),
            generation: 0,
        }
    }

    /// The endpoint that a request seems to be for, before routing.
    #[inline]
    pub(crate) fn of(&mut self, request: &HttpRequest, limiter: &Limiter) -> Rc<Location> {
        if self.generation != limiter.endpoints().generation() {
            self.forget_paths(limiter);
        }
        let method = CountedMethod::of(request.method());
        // The path as the router reads it: percent-decoded, so that `/%77` is `/w`.
        let path = request.match_info().as_str();
        let mut hasher = self.hasher.build_hasher();
        hasher.write(path.as_bytes());
        hasher.write_u8(method as u8);
        let hash = hasher.finish();
        // The modulo is less than CACHED_PATHS.
        let place = (hash % CACHED_PATHS as u64) as usize;
        if let Some(cached) = &self.by_path[place]
            && cached.hash == hash
            && cached.method == method
            && &*cached.path == path
        {
            return Rc::clone(&cached.location);
        }
        self.look_up(request, limiter, method, place, hash)
    }

    #[cold]
    fn forget_paths(&mut self, limiter: &Limiter) {
        self.generation = limiter.endpoints().generation();
        self.by_path.fill_with(|| None);
    }

    #[cold]
    fn look_up(
        &mut self,
        request: &HttpRequest,
        limiter: &Limiter,
        method: CountedMethod,
        place: usize,
        hash: u64,
    ) -> Rc<Location> {
        forget_started_scopes();
        let path = request.match_info().as_str();
        let seemed = request.resource_map().match_pattern(path);
        let (pattern, is_ambiguous) = limiter.endpoints().pattern(method, path, seemed);
        let endpoint = if limiter.settings().limits.exempt_paths.contains(path) {
            let pattern = pattern.as_deref();
            Rc::new(Endpoint { exempt: Exempt::Path, ..endpoint(limiter, request, pattern) })
        } else if let Some(pattern) = pattern {
            self.by_pattern(request, limiter, &pattern)
        } else {
            return self.unmatched(request, limiter);
        };
        let location = Rc::new(Location { endpoint, is_ambiguous, confirmed: Cell::new(None) });
        if path.len() <= LONGEST_CACHED_PATH {
            let location = Rc::clone(&location);
            self.by_path[place] = Some(CachedPath { hash, method, path: path.into(), location });
        }
        location
    }

    fn by_pattern(
        &mut self,
        request: &HttpRequest,
        limiter: &Limiter,
        pattern: &str,
    ) -> Rc<Endpoint> {
        let key = (CountedMethod::of(request.method()), pattern.into());
        let new = || Rc::new(endpoint(limiter, request, Some(pattern)));
        Rc::clone(self.by_pattern.entry(key).or_insert_with(new))
    }

    /// All paths without a resource are one endpoint, and none of them is cached: a client can
    /// invent any number.
    fn unmatched(&mut self, request: &HttpRequest, limiter: &Limiter) -> Rc<Location> {
        let method = CountedMethod::of(request.method());
        let new = || {
            let exempt = if limiter.settings().limits.count_unmatched {
                Exempt::No
            } else {
                Exempt::Unmatched
            };
            let endpoint = Rc::new(Endpoint { exempt, ..endpoint(limiter, request, None) });
            Rc::new(Location { endpoint, is_ambiguous: false, confirmed: Cell::new(None) })
        };
        Rc::clone(self.unmatched.entry(method).or_insert_with(new))
    }

    /// The endpoint that a request was routed to, if it differs from the one that it seemed to be
    /// for. `None` if they are the same, and if no resource was reached.
    #[inline]
    pub(crate) fn routed_elsewhere(
        &mut self,
        request: &HttpRequest,
        limiter: &Limiter,
        location: &Location,
    ) -> Option<Rc<Endpoint>> {
        if !is_routed(request) {
            return None;
        }
        let trace = trace(request);
        if location.confirmed.get() == Some(trace) {
            return None;
        }
        self.compare(request, limiter, location, trace)
    }

    #[cold]
    fn compare(
        &mut self,
        request: &HttpRequest,
        limiter: &Limiter,
        location: &Location,
        trace: u64,
    ) -> Option<Rc<Endpoint>> {
        let exact = request.match_pattern()?;
        if location.pattern.as_deref() == Some(&*exact) {
            location.knowledge.confirm();
            location.confirmed.set(Some(trace));
            return None;
        }
        let (method, path) = (location.method, request.match_info().as_str());
        // If no resource was reached, Actix looks up the path as sent, not as the router reads it:
        // the result says nothing about the route.
        let map = request.resource_map();
        let may_be_guessed =
            path != request.path() && map.match_pattern(request.path()).as_ref() == Some(&exact);
        if !may_be_guessed {
            let (seemed, taken_for) = (map.match_pattern(path), &location.knowledge);
            let table = &limiter.endpoints();
            table.routed_elsewhere(method, path, seemed.as_deref(), taken_for, &exact);
        }
        Some(self.by_pattern(request, limiter, &exact))
    }
}

/// Whether a request has reached a resource: no part of its path is left to be routed. (That is
/// also so if the path is exactly the prefix of a scope.)
#[inline]
pub(crate) fn is_routed(request: &HttpRequest) -> bool {
    request.match_info().unprocessed().is_empty()
}

/// A hash of the path's state after routing: where its parameters are, and their names. Two
/// resources with the same state have the same pattern, except for regular expressions.
#[inline]
fn trace(request: &HttpRequest) -> u64 {
    let mut trace: u64 = 1;
    let mut mix = |byte: u64| trace = (trace ^ byte).wrapping_mul(PRIME);
    for (name, value) in request.match_info().iter() {
        name.bytes().for_each(|byte| mix(byte.into()));
        // A parameter value outside of the path, which only a middleware can add, hashes to any
        // number: then the endpoint is checked again.
        let path = request.match_info().as_str();
        mix((value.as_ptr() as u64).wrapping_sub(path.as_ptr() as u64));
        mix(value.len() as u64);
    }
    trace
}

/// The prime of the 64-bit FNV-1a hash.
const PRIME: u64 = 0x100_0000_01b3;

fn endpoint(limiter: &Limiter, request: &HttpRequest, pattern: Option<&str>) -> Endpoint {
    let method = CountedMethod::of(request.method());
    let (name, target_method) = match pattern {
        Some(pattern) => (format!("{} {pattern}", method.name()), request.method()),
        None => (UNMATCHED.to_owned(), &Method::GET),
    };
    let counted = if pattern.is_some() { method.name() } else { UNMATCHED };
    Endpoint {
        knowledge: limiter.endpoints().knowledge(method, pattern.unwrap_or(UNMATCHED)),
        plan: Rc::new(Plan::new(limiter, Target::endpoint(&name, target_method, counted))),
        name: name.into(),
        method,
        http_method: request.method().clone(),
        pattern: pattern.map(Into::into),
        exempt: Exempt::No,
        insiders: OnceCell::new(),
        named_gate: named_gate(limiter, request, pattern),
    }
}

/// The gate that has the name of the resource, if the map shows that resource for its path.
fn named_gate(
    limiter: &Limiter,
    request: &HttpRequest,
    pattern: Option<&str>,
) -> Option<&'static HandlerRecord> {
    let (map, path) = (request.resource_map(), request.match_info().as_str());
    let record = limiter.gates().named(map.match_name(path)?)?;
    let is_routed = |method: &str| record.routes().iter().any(|route| route.method() == method);
    let serves = record.routes().is_empty() || is_routed(request.method().as_str());
    (serves && map.match_pattern(path).as_deref() == pattern).then_some(record)
}
