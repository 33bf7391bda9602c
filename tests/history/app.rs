//! A world, built with Actix: with the limiter, or without any limits.

use std::rc::Rc;

use actix_http::Request;
use actix_web::{
    App, Error,
    body::BoxBody,
    dev::{Service, ServiceResponse},
    guard::{self, Guard},
    http::Method,
    middleware::Condition,
    test::init_service,
    web::{self, ServiceConfig},
};
use futures_util::future::LocalBoxFuture;
use limiter_actix::{Limiter, ScopeLimits};

use crate::{
    handlers::Handler,
    layer::Layer,
    trail::{self, Event, Seeming, Side},
    world::{APP, Fence, Host, Limits, Mounting, Node, Resource, Route, Scope, World},
};

/// A started app. Each is what one worker of a server has.
pub(crate) type Site = Rc<dyn Fn(Request) -> Answer>;

/// What an app answers.
pub(crate) type Answer = LocalBoxFuture<'static, Result<ServiceResponse<BoxBody>, Error>>;

/// How a world is built.
enum Build<'a> {
    /// As it is, behind this limiter.
    Limited(&'a Limiter),
    /// Without limiter and limits, and with undecorated handlers. All else is the same.
    Unlimited,
}

pub(crate) async fn limited(world: &World, limiter: &Limiter) -> Site {
    let app = App::new()
        .configure(|config| configure_app(world, &Build::Limited(limiter), config))
        .wrap(Layer { node: APP, side: Side::Inner, kind: world.layer })
        .wrap(limiter.middleware());
    site(init_service(app).await)
}

/// The app without limits, which also writes down what the resource map says of each path.
pub(crate) async fn unlimited(world: &World) -> Site {
    let app = App::new()
        .configure(|config| configure_app(world, &Build::Unlimited, config))
        .wrap(Layer { node: APP, side: Side::Inner, kind: world.layer })
        .wrap_fn(|request, next| {
            let path = request.match_info().as_str();
            let seeming = Seeming {
                path: path.to_owned(),
                pattern: request.resource_map().match_pattern(path),
                name: request.resource_map().match_name(path).map(str::to_owned),
            };
            trail::push(trail::number(request.headers()), Event::Seemed(seeming));
            next.call(request)
        });
    site(init_service(app).await)
}

fn site<S, B>(service: S) -> Site
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: actix_web::body::MessageBody + 'static,
{
    let service = Rc::new(service);
    Rc::new(move |request| {
        let service = Rc::clone(&service);
        Box::pin(async move { Ok(service.call(request).await?.map_into_boxed_body()) })
    })
}

/// Wraps a scope or resource with what stands around it, and registers it.
macro_rules! fenced {
    ($config:expr, $service:expr, $fence:expr, $build:expr) => {{
        let (node, fence): (_, &Fence) = ($fence.node, $fence);
        let service = $service.wrap(Layer { node, side: Side::Inner, kind: fence.inner });
        let outer = Layer { node, side: Side::Outer, kind: fence.outer };
        match $build {
            Build::Limited(limiter) => {
                let limits = scope_limits(fence);
                let service = service
                    .wrap(Condition::new(limits.is_some(), limits.unwrap_or(ScopeLimits::new(""))))
                    .wrap(Condition::new(fence.limiter, limiter.middleware()));
                $config.service(service.wrap(outer));
            }
            Build::Unlimited => {
                $config.service(service.wrap(outer));
            }
        }
    }};
}

fn configure_app(world: &World, build: &Build<'_>, config: &mut ServiceConfig) {
    configure(&world.nodes, world.default_service, build, config);
}

fn configure(
    nodes: &[Node],
    default_service: Option<Handler>,
    build: &Build<'_>,
    config: &mut ServiceConfig,
) {
    for node in nodes {
        match node {
            Node::Scope(scope) => {
                fenced!(config, web_scope(scope, build), &scope.fence, build);
            }
            Node::Resource(resource) => {
                fenced!(config, web_resource(resource, build), &resource.fence, build);
            }
        }
    }
    if let Some(handler) = default_service {
        config.default_service(mount(handler, build, web::route()));
    }
}

fn web_scope(scope: &Scope, build: &Build<'_>) -> actix_web::Scope {
    let built = web::scope(scope.prefix)
        .configure(|config| configure(&scope.nodes, scope.default_service, build, config));
    match scope.host {
        Some(host) => built.guard(is_for(host)),
        None => built,
    }
}

fn web_resource(resource: &Resource, build: &Build<'_>) -> actix_web::Resource {
    let mut built = web::resource(resource.pattern);
    for route in &resource.routes {
        match resource.mounting {
            Mounting::Attribute => {
                built = built.name(&resource_name(resource, route));
                if let Some(method) = route.method {
                    built = built.guard(guard::Method(parsed(method)));
                }
                if let Some(host) = route.host {
                    built = built.guard(is_for(host));
                }
                built = built.route(mount(route.handler, build, web::route()));
            }
            Mounting::Hand => {
                let mut by_hand = web::route();
                if let Some(method) = route.method {
                    by_hand = by_hand.method(parsed(method));
                }
                if let Some(host) = route.host {
                    by_hand = by_hand.guard(is_for(host));
                }
                built = built.route(mount(route.handler, build, by_hand));
            }
        }
    }
    built
}

/// The name that a route attribute gives to its resource: that of the function.
fn resource_name(resource: &Resource, route: &Route) -> String {
    match route.handler {
        Handler::Decorated(decorated) => decorated.name().to_owned(),
        Handler::Undecorated(_) => format!("undecorated_{}", resource.fence.node),
    }
}

fn mount(handler: Handler, build: &Build<'_>, route: actix_web::Route) -> actix_web::Route {
    match build {
        Build::Limited(_) => handler.mount(route),
        Build::Unlimited => handler.stand_in(route),
    }
}

fn scope_limits(fence: &Fence) -> Option<ScopeLimits> {
    let Limits { quota, overrides, shared, exempt, without_ancestors, exempt_descendants } =
        fence.limits?;
    let mut limits = ScopeLimits::new(scope_name(fence))
        .override_defaults(overrides)
        .shared(shared)
        .exempt(exempt);
    if let Some(quota) = quota {
        limits = limits.limits([quota.to_string()]);
    }
    if without_ancestors {
        limits = limits.without_ancestors();
    }
    if exempt_descendants {
        limits = limits.exempt_descendants();
    }
    Some(limits)
}

/// The name of a node's limits.
pub(crate) fn scope_name(fence: &Fence) -> String {
    format!("scope {}", fence.node)
}

fn is_for(host: Host) -> impl Guard {
    guard::fn_guard(move |context| {
        context.head().headers().get("x-host").is_some_and(|value| value == host)
    })
}

/// A method by its name.
pub(crate) fn parsed(method: &str) -> Method {
    method.parse().expect("the name of a method")
}
