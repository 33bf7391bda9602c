//! Endpoints as one worker knows them.

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

/// An endpoint as one worker knows it.
pub(crate) struct Endpoint {
    /// `GET /users/{id}`.
    pub(crate) name: Rc<str>,
    method: CountedMethod,
    http_method: Method,
    /// `None` for what matches no resource.
    pattern: Option<Box<str>>,
    pub(crate) knowledge: Arc<Knowledge>,
    /// The limits of a request that no gate and no scope guards.
    pub(crate) plan: Rc<Plan>,
    /// Whether it is exempt from the limiter's own limits.
    pub(crate) exempt: Exempt,
    /// Who may stand further inside, as far as its resource shows.
    insiders: OnceCell<Insiders>,
    named_gate: Option<&'static HandlerRecord>,
}

/// Whether an endpoint is exempt from the limiter's own limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exempt {
    No,
    /// Its path is exempt, wherever it leads.
    Path,
    /// It matches no resource, as far as that is known before routing.
    Unmatched,
}

impl Endpoint {
    /// A method of its requests.
    pub(crate) fn method(&self) -> &Method {
        &self.http_method
    }

    /// Whether it is that of requests without a resource.
    pub(crate) fn matches_nothing(&self) -> bool {
        self.pattern.is_none()
    }

    /// The gate of this endpoint: the one that was met first, or the one that has the name of its
    /// resource.
    #[inline]
    pub(crate) fn gate(&self) -> Option<&'static HandlerRecord> {
        self.knowledge.gate(self.named_gate)
    }

    /// Who may stand further inside, as far as the program shows.
    pub(crate) fn insiders<'a>(&'a self, request: &HttpRequest, gates: &'a Gates) -> &'a Insiders {
        match self.pattern.as_deref() {
            Some(pattern) if self.knowledge.is_confirmed() || !pattern.contains('{') => {
                self.insiders.get_or_init(|| gates.at(request, pattern))
            }
            // It may be a resource that is hidden behind this one.
            _ => gates.anywhere(),
        }
    }
}

/// Where a path leads.
pub(crate) struct Location {
    endpoint: Rc<Endpoint>,
    /// Whether the path leads to several endpoints, between which guards decide.
    is_ambiguous: bool,
    /// How routing left the path when the endpoint turned out to be right: the same again needs no
    /// second look.
    confirmed: Cell<Option<u64>>,
}

impl Location {
    /// Whether somebody further inside than `enforcer` may charge the request, or somebody here for
    /// another endpoint.
    #[inline]
    pub(crate) fn leaves_to_others(&self, enforcer: Enforcer) -> bool {
        self.is_ambiguous || self.knowledge.leaves_to_others(enforcer)
    }

    /// Whether nobody knows yet who charges here.
    #[inline]
    pub(crate) fn is_uncertain(&self) -> bool {
        !self.knowledge.is_open() && !self.leaves_to_others(Enforcer::MIDDLEWARE)
    }
}

impl Deref for Location {
    type Target = Endpoint;

    #[inline]
    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// The endpoints that one worker has met.
pub(crate) struct Endpoints {
    by_path: Vec<Option<CachedPath>>,
    by_pattern: HashMap<EndpointKey, Rc<Endpoint>>,
    unmatched: HashMap<CountedMethod, Rc<Location>>,
    hasher: RandomState,
    /// Of the limiter's table, when the paths were remembered.
    generation: u32,
}

struct CachedPath {
    hash: u64,
    method: CountedMethod,
    path: Box<str>,
    location: Rc<Location>,
}

/// How many paths a worker remembers, one per place: a path with an id in it takes the place of
/// another one, which costs a look at the resource map and nothing else.
const CACHED_PATHS: usize = 1024;

/// Longer paths are not remembered: a client may not fill the cache with megabytes.
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

    /// Where a request seems to lead, before it is routed.
    #[inline]
    pub(crate) fn of(&mut self, request: &HttpRequest, limiter: &Limiter) -> Rc<Location> {
        if self.generation != limiter.endpoints().generation() {
            self.forget_paths(limiter);
        }
        let method = CountedMethod::of(request.method());
        // The path as the router reads it: percent-decoded, where `/%77` is `/w`.
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

    /// All paths without a resource are one endpoint, and none of them is remembered: they are
    /// as many as a client likes.
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

    /// The endpoint that a request was routed to, where that is not the one it seemed to be for.
    /// `None` where it is, and where no resource was reached.
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
        // Where none was reached after all, Actix looks the path up as it was sent, and not as the
        // router reads it: nothing is to be learnt from that.
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

/// Whether a request has come to a resource: nothing of its path is left to be routed. (Nor is it
/// where the path is the very prefix of a scope.)
#[inline]
pub(crate) fn is_routed(request: &HttpRequest) -> bool {
    request.match_info().unprocessed().is_empty()
}

/// How routing has left a path: where its parameters are, and their names. Two resources that leave
/// it alike have the same pattern, but for regular expressions.
#[inline]
fn trace(request: &HttpRequest) -> u64 {
    let mut trace: u64 = 1;
    let mut mix = |byte: u64| trace = (trace ^ byte).wrapping_mul(PRIME);
    for (name, value) in request.match_info().iter() {
        name.bytes().for_each(|byte| mix(byte.into()));
        // Of a text that is no part of the path, which nobody but a middleware adds, any number: it
        // is looked at again.
        let path = request.match_info().as_str();
        mix((value.as_ptr() as u64).wrapping_sub(path.as_ptr() as u64));
        mix(value.len() as u64);
    }
    trace
}

/// Of the hash FNV-1a with 64 bits.
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

/// The gate that has the name of the resource, where that is the resource which its path shows.
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
