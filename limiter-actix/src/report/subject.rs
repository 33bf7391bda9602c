//! Which endpoints a report covers.

use actix_web::http::Method;

use super::routing::{Resource, Routing};
use crate::{
    declare::{HandlerRecord, LimitRecord, handlers},
    limiter::Limiter,
};

/// Which endpoints a report covers.
#[derive(Clone, Copy)]
pub(crate) struct Selection<'a> {
    /// The name of a handler, or its whole path.
    pub(crate) handler: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
    pub(crate) method: Option<&'a Method>,
}

/// A handler or an undecorated endpoint.
pub(crate) struct Endpoint {
    pub(crate) title: String,
    pub(crate) subject: Subject,
    /// The method under which it is looked up.
    pub(crate) methods: Vec<Method>,
    pub(crate) exempt_path: bool,
    /// Whether another handler has the same name, so that it is not known which of them serves a
    /// path.
    pub(crate) has_namesake: bool,
}

pub(crate) enum Subject {
    Handler(&'static HandlerRecord),
    /// The pattern of an undecorated resource.
    Resource(String),
}

/// The methods to list for a handler whose routes are not known, if they make a difference.
pub(crate) const METHODS: [Method; 5] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

pub(crate) fn endpoints(
    limiter: &Limiter,
    routing: &Routing,
    selection: Selection<'_>,
) -> Result<Vec<Endpoint>, String> {
    let Selection { handler, path, method } = selection;
    let all = handlers();
    let mut records = all.clone();
    if let Some(wanted) = handler {
        let names: Vec<&str> = records.iter().map(|record| record.handler()).collect();
        let known = names.join(", ");
        let suffix = format!("::{wanted}");
        records.retain(|record| record.handler() == wanted || record.handler().ends_with(&suffix));
        if records.is_empty() {
            return Err(format!(
                "--endpoint: expected a decorated handler, found `{wanted}`; known \
                 handlers: {known}"
            ));
        }
    }
    let resource = path.map(|path| resource_of(routing, path)).transpose()?;
    if let Some(resource) = &resource {
        records.retain(|record| {
            resource.name.as_deref() == Some(record.name())
                || routing.leads_to(&resource.path, record)
        });
    }
    if let Some(method) = method {
        records.retain(|record| serves(record, method));
    }
    if let (Some(wanted), true) = (handler, records.is_empty()) {
        return Err(format!(
            "--endpoint: expected a handler that serves this path and method, found `{wanted}`"
        ));
    }
    let exempt_path =
        path.is_some_and(|path| limiter.settings().limits.exempt_paths.contains(path));
    let mut endpoints: Vec<Endpoint> = records
        .into_iter()
        .map(|record| {
            let has_namesake = all.iter().filter(|other| other.name() == record.name()).count() > 1;
            let pattern = match &resource {
                _ if has_namesake => None,
                Some(resource) if resource.name.as_deref() == Some(record.name()) => {
                    Some(resource.pattern.clone())
                }
                _ => routing.pattern_of(record),
            };
            Endpoint {
                title: title_of(record, pattern),
                subject: Subject::Handler(record),
                methods: method.map_or_else(|| methods_of(record), |method| vec![method.clone()]),
                exempt_path,
                has_namesake,
            }
        })
        .collect();
    if let (Some(resource), true) = (resource, endpoints.is_empty()) {
        let method = method.unwrap_or(&Method::GET);
        endpoints.push(Endpoint {
            title: format!("{method} {} (no decorated handler is known)", resource.pattern),
            subject: Subject::Resource(resource.pattern),
            methods: vec![method.clone()],
            exempt_path,
            has_namesake: false,
        });
    }
    Ok(endpoints)
}

fn resource_of(routing: &Routing, path: &str) -> Result<Resource, String> {
    if !routing.are_known() {
        return Err(
            "--path: expected the app to pass its routes to `Cli::routes`, found none".to_owned()
        );
    }
    routing
        .by_path(path)
        .ok_or_else(|| format!("--path: expected a path that a route serves, found `{path}`"))
}

/// Whether a handler may serve a method: if its routes are not known, it may serve any.
fn serves(record: &HandlerRecord, method: &Method) -> bool {
    let mut routes = record.routes().iter();
    record.routes().is_empty() || routes.any(|route| route.method() == method.as_str())
}

fn methods_of(record: &HandlerRecord) -> Vec<Method> {
    let mut methods: Vec<Method> =
        record.routes().iter().filter_map(|route| route.method().parse().ok()).collect();
    methods.dedup();
    if !methods.is_empty() {
        return methods;
    }
    let differ = |limit: &LimitRecord| limit.per_method || !limit.methods.is_empty();
    if record.limits().iter().any(differ) { METHODS.to_vec() } else { vec![Method::GET] }
}

fn title_of(record: &HandlerRecord, pattern: Option<String>) -> String {
    let place = format!("{}:{}", record.file(), record.line());
    let methods: Vec<&str> = record.routes().iter().map(|route| route.method()).collect();
    let pattern = pattern.or_else(|| record.routes().first().map(|route| route.path().to_owned()));
    match pattern {
        Some(pattern) if methods.is_empty() => format!("{pattern}  {} ({place})", record.handler()),
        Some(pattern) => {
            format!("{} {pattern}  {} ({place})", methods.join(", "), record.handler())
        }
        None => format!("{} ({place})", record.handler()),
    }
}
