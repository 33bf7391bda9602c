//! Random requests, as data.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use actix_http::Request;
use actix_web::test::TestRequest;
use limiter_actix::Key;

use crate::{app::parsed, random::Random, trail, world::World};

/// One request; it can be sent often.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) client: u8,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    /// The value of `x-host`.
    pub(crate) host: Option<&'static str>,
    /// Whether `x-auth` is `bad`.
    pub(crate) is_bad: bool,
    /// Whether `x-user` names the client.
    pub(crate) has_user: bool,
}

/// A step of a history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A request is sent to a worker, and answered.
    Send { worker: usize, call: Call },
    /// The client goes away after so many polls.
    HangUp { worker: usize, call: Call, polls: usize },
    /// So many requests are polled in turns, to all workers.
    Burst { call: Call, requests: usize },
    /// The clock moves on.
    Wait { seconds: u64 },
}

/// Draws the steps of one history.
pub(crate) struct Traffic<'a> {
    random: &'a mut Random,
    clients: &'a [u8],
    workers: usize,
    /// Methods and paths.
    targets: Vec<(&'static str, String)>,
    /// What most requests are for, so that counters are used up.
    favourites: Vec<(&'static str, String)>,
}

const METHODS: [&str; 8] = ["GET", "GET", "GET", "POST", "POST", "HEAD", "OPTIONS", "FROB"];

/// Some of them are unknown in most worlds.
const PATHS: [&str; 4] = ["/a", "/b", "/s/a", "/n/o/n/e"];

impl<'a> Traffic<'a> {
    pub(crate) fn new(world: &World, random: &'a mut Random, clients: &'a [u8]) -> Self {
        let of_world = world.targets().into_iter().map(|(method, pattern)| {
            let method = method.unwrap_or_else(|| random.pick(&METHODS));
            (method, path(&pattern, random))
        });
        let mut targets: Vec<_> = of_world.collect();
        targets.push((random.pick(&METHODS), random.pick(&PATHS).to_owned()));
        let favourites = 1 + random.below(3);
        let favourites =
            (0..favourites).map(|_| targets[random.below(targets.len())].clone()).collect();
        Self { random, clients, workers: world.workers, targets, favourites }
    }

    pub(crate) fn steps(&mut self, steps: usize) -> Vec<Step> {
        (0..steps).map(|_| self.step()).collect()
    }

    fn step(&mut self) -> Step {
        let call = self.call();
        let worker = self.random.below(self.workers);
        match self.random.below(100) {
            0..12 => Step::HangUp { worker, call, polls: 1 + self.random.below(6) },
            12..20 => Step::Burst { call, requests: self.random.pick(&[2, 3, 5, 8, 15]) },
            20 => Step::Burst { call, requests: 20 },
            21..25 => Step::Wait { seconds: self.random.pick(&[20, 60, 3600]) },
            _ => Step::Send { worker, call },
        }
    }

    fn call(&mut self) -> Call {
        let random = &mut *self.random;
        let (mut method, path) = match random.below(100) {
            0..75 => self.favourites[random.below(self.favourites.len())].clone(),
            75..95 => self.targets[random.below(self.targets.len())].clone(),
            _ => (random.pick(&METHODS), random.pick(&PATHS).to_owned()),
        };
        if random.chance(15) {
            method = random.pick(&METHODS);
        }
        let path = if random.chance(8) { path.replacen('a', "%61", 1) } else { path };
        Call {
            client: random.pick(self.clients),
            method,
            path,
            host: random.pick(&[None, Some("one"), Some("one"), Some("two")]),
            is_bad: random.chance(20),
            has_user: random.chance(70),
        }
    }
}

/// A path that a pattern matches.
fn path(pattern: &str, random: &mut Random) -> String {
    let mut path = String::new();
    for part in pattern.split('/').skip(1) {
        path.push('/');
        path.push_str(if part.starts_with('{') { random.pick(&["a", "b", "1"]) } else { part });
    }
    path
}

impl Step {
    /// Who sends it.
    pub(crate) fn client(&self) -> Option<u8> {
        match self {
            Self::Send { call, .. } | Self::HangUp { call, .. } | Self::Burst { call, .. } => {
                Some(call.client)
            }
            Self::Wait { .. } => None,
        }
    }
}

impl Call {
    pub(crate) fn request(&self, number: u32) -> Request {
        let mut request = TestRequest::with_uri(&self.path)
            .method(parsed(self.method))
            .peer_addr(SocketAddr::new(self.address(), 40_000))
            .insert_header((trail::HEADER, number.to_string()));
        if let Some(host) = self.host {
            request = request.insert_header(("x-host", host));
        }
        if self.is_bad {
            request = request.insert_header(("x-auth", "bad"));
        }
        if self.has_user {
            request = request.insert_header(("x-user", self.user()));
        }
        request.to_request()
    }

    /// Whether Actix cannot tell two requests apart while it routes them.
    pub(crate) fn is_routed_like(&self, other: &Self) -> bool {
        let told = |call: &Self| (call.method, call.host, call.is_bad);
        told(self) == told(other) && self.path == other.path
    }

    /// The method in the names of counters: `HEAD` is counted as `GET`, all unknown methods as one.
    pub(crate) fn counted_method(&self) -> &'static str {
        match self.method {
            "HEAD" => "GET",
            "FROB" => "other",
            method => method,
        }
    }

    /// Whom the limiter counts.
    pub(crate) fn key(&self) -> Key {
        Key::ip(self.address())
    }

    /// Whom handlers count that look at `x-user`.
    pub(crate) fn user_key(&self) -> Option<Key> {
        self.has_user.then(|| Key::text(&self.user()))
    }

    fn address(&self) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, self.client).into()
    }

    fn user(&self) -> String {
        format!("user {}", self.client)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {}: {} {}", self.client, self.method, self.path)?;
        if let Some(host) = self.host {
            write!(f, " x-host: {host}")?;
        }
        if self.is_bad {
            write!(f, " x-auth: bad")?;
        }
        if self.has_user {
            write!(f, " x-user: {}", self.user())?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { worker, call } => write!(f, "{call} (worker {worker})"),
            Self::HangUp { worker, call, polls } => {
                write!(f, "{call} (worker {worker}), hangs up after {polls} polls")
            }
            Self::Burst { call, requests } => write!(f, "{call}, {requests} at once"),
            Self::Wait { seconds } => write!(f, "{seconds} seconds later"),
        }
    }
}
