//! A random app, as data: it can be built with Actix, printed, and made smaller.

use std::{collections::BTreeMap, fmt};

use limiter_actix::Exemption;

use crate::{
    handlers::{Behaviour, Decorated, Handler},
    layer::{Bad, Kind},
    random::Random,
};

/// An app, and the limiter around it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) limiter: LimiterOptions,
    /// The layer between the limiter and the app.
    pub(crate) layer: Kind,
    pub(crate) nodes: Vec<Node>,
    pub(crate) default_service: Option<Handler>,
    /// How many services are made of the app.
    pub(crate) workers: usize,
}

/// What the limiter is told.
#[derive(Clone, Debug)]
pub(crate) struct LimiterOptions {
    pub(crate) defaults: Vec<Quota>,
    pub(crate) application: Option<Quota>,
    pub(crate) limit_unmatched: bool,
    pub(crate) exempt_path: Option<&'static str>,
    pub(crate) headers: bool,
    /// Whether the storage has to be waited for.
    pub(crate) remote: bool,
}

/// So many in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) amount: u64,
    pub(crate) unit: &'static str,
}

/// A part of an app.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Scope(Scope),
    Resource(Resource),
}

/// Which node; 0 is the app.
pub(crate) type NodeId = u32;

/// The number of the app among the nodes.
pub(crate) const APP: NodeId = 0;

/// `web::scope`.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) fence: Fence,
    pub(crate) prefix: &'static str,
    /// A guard on the host.
    pub(crate) host: Option<Host>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) default_service: Option<Handler>,
}

/// `web::resource`.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) fence: Fence,
    pub(crate) pattern: &'static str,
    pub(crate) mounting: Mounting,
    /// One, or several told apart by their guards.
    pub(crate) routes: Vec<Route>,
}

/// How a resource came into the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mounting {
    /// As by `#[get("/x")]`: the resource has the guards and the handler's name, and where they do
    /// not hold the answer is 404.
    Attribute,
    /// As by `web::resource("/x").route(web::get().to(x))`: the route has the guards, the resource
    /// no name, and where they do not hold the answer is 405.
    Hand,
}

/// A handler, and when it is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) method: Option<&'static str>,
    pub(crate) host: Option<Host>,
    pub(crate) handler: Handler,
}

/// The value of the header `x-host`.
pub(crate) type Host = &'static str;

/// What stands around a node, from the inside to the outside.
#[derive(Clone, Debug)]
pub(crate) struct Fence {
    pub(crate) node: NodeId,
    pub(crate) inner: Kind,
    pub(crate) limits: Option<Limits>,
    /// The limiter of the app once more.
    pub(crate) limiter: bool,
    pub(crate) outer: Kind,
}

/// A `ScopeLimits`, named after its node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) quota: Option<Quota>,
    pub(crate) overrides: bool,
    pub(crate) shared: bool,
    pub(crate) exempt: Exemption,
    pub(crate) without_ancestors: bool,
    pub(crate) exempt_descendants: bool,
}

impl World {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut artist = Artist { random, nodes: 0, guards: true };
        artist.guards = artist.random.chance(60);
        let limiter = artist.limiter();
        let layer = artist.layer(50);
        let nodes = (0..1 + artist.random.below(3)).map(|_| artist.node("", 0)).collect();
        let default_service = artist.random.chance(20).then(|| artist.handler());
        let workers = artist.random.pick(&[1, 1, 2, 3]);
        Self { limiter, layer, nodes, default_service, workers }
    }

    /// Every fence, by its node.
    pub(crate) fn fences(&self) -> BTreeMap<NodeId, &Fence> {
        fn collect<'a>(nodes: &'a [Node], fences: &mut BTreeMap<NodeId, &'a Fence>) {
            for node in nodes {
                fences.insert(node.fence().node, node.fence());
                if let Node::Scope(scope) = node {
                    collect(&scope.nodes, fences);
                }
            }
        }
        let mut fences = BTreeMap::new();
        collect(&self.nodes, &mut fences);
        fences
    }

    /// The whole pattern of every resource.
    pub(crate) fn patterns(&self) -> BTreeMap<NodeId, String> {
        fn collect(nodes: &[Node], prefix: &str, patterns: &mut BTreeMap<NodeId, String>) {
            for node in nodes {
                match node {
                    Node::Scope(scope) => {
                        collect(&scope.nodes, &format!("{prefix}{}", scope.prefix), patterns);
                    }
                    Node::Resource(resource) => {
                        let pattern = format!("{prefix}{}", resource.pattern);
                        patterns.insert(resource.fence.node, pattern);
                    }
                }
            }
        }
        let mut patterns = BTreeMap::new();
        collect(&self.nodes, "", &mut patterns);
        patterns
    }

    /// The methods of each resource, with its whole pattern.
    pub(crate) fn targets(&self) -> Vec<(Option<&'static str>, String)> {
        fn collect(
            nodes: &[Node],
            patterns: &BTreeMap<NodeId, String>,
            targets: &mut Vec<(Option<&'static str>, String)>,
        ) {
            for node in nodes {
                match node {
                    Node::Scope(scope) => collect(&scope.nodes, patterns, targets),
                    Node::Resource(resource) => {
                        let pattern = &patterns[&resource.fence.node];
                        let routes = resource.routes.iter();
                        targets.extend(routes.map(|route| (route.method, pattern.clone())));
                    }
                }
            }
        }
        let mut targets = Vec::new();
        collect(&self.nodes, &self.patterns(), &mut targets);
        targets
    }

    /// Whether any part of the app has limits of its own.
    pub(crate) fn has_scope_limits(&self) -> bool {
        self.fences().values().any(|fence| fence.limits.is_some())
    }
}

impl Node {
    pub(crate) fn fence(&self) -> &Fence {
        match self {
            Self::Scope(scope) => &scope.fence,
            Self::Resource(resource) => &resource.fence,
        }
    }

    pub(crate) fn fence_mut(&mut self) -> &mut Fence {
        match self {
            Self::Scope(scope) => &mut scope.fence,
            Self::Resource(resource) => &mut resource.fence,
        }
    }
}

impl Quota {
    pub(crate) fn window_micros(self) -> u64 {
        match self.unit {
            "hour" => 3_600_000_000,
            _ => 60_000_000,
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.amount, self.unit)
    }
}

/// Draws the parts of an app.
struct Artist<'a> {
    random: &'a mut Random,
    nodes: NodeId,
    /// Whether there are guards on anything but the method.
    guards: bool,
}

impl Artist<'_> {
    fn limiter(&mut self) -> LimiterOptions {
        let random = &mut *self.random;
        let mut defaults = Vec::new();
        if random.chance(85) {
            defaults.push(Quota { amount: 1 + random.below(4) as u64, unit: "minute" });
        }
        if random.chance(15) {
            defaults.push(Quota { amount: 2 + random.below(6) as u64, unit: "hour" });
        }
        LimiterOptions {
            defaults,
            application: random.chance(50).then(|| Quota {
                amount: 1 + random.below(12) as u64,
                unit: random.pick(&["minute", "minute", "hour"]),
            }),
            limit_unmatched: !random.chance(10),
            exempt_path: random.chance(10).then(|| random.pick(&["/a", "/s/a", "/s/*"])),
            headers: random.chance(30),
            remote: random.chance(25),
        }
    }

    fn node(&mut self, prefix: &str, depth: usize) -> Node {
        if self.random.chance([60, 30, 0][depth]) {
            Node::Scope(self.scope(depth))
        } else {
            Node::Resource(self.resource(prefix))
        }
    }

    fn scope(&mut self, depth: usize) -> Scope {
        let fence = self.fence(40, 30);
        let prefix = match depth {
            0 => self.random.pick(&["", "/s", "/s", "/{p}", "/{x}"]),
            _ => self.random.pick(&["", "/t", "/{q}"]),
        };
        let nodes = 1 + self.random.below(3);
        Scope {
            fence,
            prefix,
            host: self.host(40),
            nodes: (0..nodes).map(|_| self.node(prefix, depth + 1)).collect(),
            default_service: self.random.chance(10).then(|| self.handler()),
        }
    }

    fn resource(&mut self, prefix: &str) -> Resource {
        let fence = self.fence(10, 15);
        let pattern = match prefix {
            "" => self.random.pick(&["/a", "/a", "/b", "/{x}", "/a/{x}", "/{x}/b"]),
            _ => self.random.pick(&["", "/a", "/a", "/b", "/{x}", "/a/{x}", "/{x}/b"]),
        };
        let mounting =
            self.random.pick(&[Mounting::Attribute, Mounting::Attribute, Mounting::Hand]);
        let mut routes = vec![self.route()];
        if mounting == Mounting::Hand && self.random.chance(30) {
            routes.push(self.route());
        }
        Resource { fence, pattern, mounting, routes }
    }

    fn route(&mut self) -> Route {
        Route {
            method: self.random.pick(&[Some("GET"), Some("GET"), Some("POST"), None]),
            host: self.host(25),
            handler: self.handler(),
        }
    }

    fn host(&mut self, percent: usize) -> Option<Host> {
        (self.guards && self.random.chance(percent)).then(|| self.random.pick(&["one", "two"]))
    }

    fn handler(&mut self) -> Handler {
        if self.random.chance(50) {
            return Handler::Decorated(self.random.pick(Decorated::ALL));
        }
        let at_once = Behaviour::AnswersAtOnce;
        let behaviours = [at_once, at_once, at_once, Behaviour::Waits(2), Behaviour::Panics];
        Handler::Undecorated(self.random.pick(&behaviours))
    }

    fn fence(&mut self, limited: usize, layered: usize) -> Fence {
        self.nodes += 1;
        Fence {
            node: self.nodes,
            inner: self.layer(layered),
            limits: self.random.chance(limited).then(|| self.limits()),
            limiter: self.random.chance(5),
            outer: self.layer(layered / 2),
        }
    }

    fn limits(&mut self) -> Limits {
        let random = &mut *self.random;
        let quota =
            random.chance(70).then(|| Quota { amount: 1 + random.below(5) as u64, unit: "minute" });
        let application = Exemption { application: true, ..Exemption::NONE };
        let exempt = match quota {
            Some(_) => random.pick(&[Exemption::NONE, Exemption::NONE, application]),
            None => random.pick(&[Exemption::ALL, Exemption::ALL, application]),
        };
        Limits {
            quota,
            overrides: !random.chance(30),
            shared: random.chance(15),
            exempt,
            without_ancestors: random.chance(10),
            exempt_descendants: random.chance(20),
        }
    }

    fn layer(&mut self, percent: usize) -> Kind {
        if !self.random.chance(percent) {
            return Kind::NONE;
        }
        let bad = self.random.pick(&[Bad::Answer, Bad::Answer, Bad::Fail, Bad::PassOn]);
        Kind { polls: self.random.pick(&[0, 1, 3]), bad }
    }
}
