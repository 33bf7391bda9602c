//! A world, drawn for people.

use std::fmt::{self, Display, Formatter};

use crate::{
    handlers::{Behaviour, Handler},
    layer::{Bad, Kind},
    world::{Fence, LimiterOptions, Limits, Mounting, Node, Resource, Route, Scope, World},
};

impl Display for World {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}, {} workers", self.limiter, self.workers)?;
        if self.layer != Kind::NONE {
            writeln!(f, "  layer: {}", self.layer)?;
        }
        write_nodes(f, &self.nodes, 1)?;
        match self.default_service {
            Some(handler) => writeln!(f, "  default service: {handler}"),
            None => Ok(()),
        }
    }
}

impl Display for LimiterOptions {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { defaults, application, limit_unmatched, exempt_path, headers, remote } = self;
        write!(f, "limiter:")?;
        defaults.iter().try_for_each(|quota| write!(f, " default {quota}"))?;
        application.iter().try_for_each(|quota| write!(f, " application {quota}"))?;
        exempt_path.iter().try_for_each(|path| write!(f, " exempt path {path}"))?;
        let flags = [
            (!limit_unmatched, "limit_unmatched(false)"),
            (*headers, "headers"),
            (*remote, "remote"),
        ];
        let mut on = flags.iter().filter(|(is_on, _)| *is_on);
        on.try_for_each(|(_, flag)| write!(f, " {flag}"))
    }
}

fn write_nodes(f: &mut Formatter<'_>, nodes: &[Node], depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    for node in nodes {
        match node {
            Node::Scope(Scope { fence, prefix, host, nodes, default_service }) => {
                write!(f, "{indent}scope {} {prefix:?}", fence.node)?;
                host.iter().try_for_each(|host| write!(f, " x-host: {host}"))?;
                writeln!(f, "{fence}")?;
                write_nodes(f, nodes, depth + 1)?;
                if let Some(handler) = default_service {
                    writeln!(f, "{indent}  default service: {handler}")?;
                }
            }
            Node::Resource(Resource { fence, pattern, mounting, routes }) => {
                let mounting = match mounting {
                    Mounting::Attribute => "by attribute",
                    Mounting::Hand => "by hand",
                };
                write!(f, "{indent}resource {} {pattern:?} {mounting}{fence}:", fence.node)?;
                routes.iter().try_for_each(|route| write!(f, " [{route}]"))?;
                writeln!(f)?;
            }
        }
    }
    Ok(())
}

impl Display for Route {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.method.unwrap_or("any method"))?;
        self.host.iter().try_for_each(|host| write!(f, " x-host: {host}"))?;
        write!(f, " -> {}", self.handler)
    }
}

impl Display for Handler {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decorated(decorated) => write!(f, "#[limit] {}", decorated.name()),
            Self::Undecorated(Behaviour::AnswersAtOnce) => write!(f, "undecorated"),
            Self::Undecorated(Behaviour::Waits(_)) => write!(f, "undecorated, slow"),
            Self::Undecorated(Behaviour::Panics) => write!(f, "undecorated, panics"),
        }
    }
}

/// From the inside to the outside.
impl Display for Fence {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.inner != Kind::NONE {
            write!(f, " .wrap(layer: {})", self.inner)?;
        }
        if let Some(limits) = self.limits {
            write!(f, " .wrap(ScopeLimits{limits})")?;
        }
        if self.limiter {
            write!(f, " .wrap(the limiter again)")?;
        }
        if self.outer != Kind::NONE {
            write!(f, " .wrap(layer: {})", self.outer)?;
        }
        Ok(())
    }
}

impl Display for Limits {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.quota.iter().try_for_each(|quota| write!(f, " {quota}"))?;
        let flags = [
            (!self.overrides, "override_defaults(false)"),
            (self.shared, "shared"),
            (self.exempt.defaults, "exempt from defaults"),
            (self.exempt.application, "exempt from application"),
            (self.without_ancestors, "without_ancestors"),
            (self.exempt_descendants, "exempt_descendants"),
        ];
        let mut on = flags.iter().filter(|(is_on, _)| *is_on);
        on.try_for_each(|(_, flag)| write!(f, " {flag}"))
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} polls", self.polls)?;
        match self.bad {
            Bad::PassOn => Ok(()),
            Bad::Answer => write!(f, ", answers `x-auth: bad` with 401"),
            Bad::Fail => write!(f, ", fails `x-auth: bad` with 401"),
        }
    }
}
