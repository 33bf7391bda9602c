//! What the routes of an app show without calling a handler: patterns and names of resources.

use std::{cell::RefCell, future::ready, rc::Rc};

use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    dev::{Service, ServiceRequest},
    rt, test,
    web::ServiceConfig,
};

use crate::declare::{HandlerRecord, ScopeDeclaration, collected};

/// The most path parameters with which a handler can be found.
const PARAMETERS: usize = 32;

/// Replaces a parameter: no URL encodes it, and most patterns match it.
const PLACEHOLDER: &str = "*";

/// The resources of an app.
pub(crate) struct Routing {
    /// A request that has reached the app and was not routed.
    request: Option<HttpRequest>,
}

/// The resource that a path leads to.
pub(super) struct Resource {
    pub(super) path: String,
    /// With the prefixes of all scopes around it.
    pub(super) pattern: String,
    /// The name of the handler, if a route attribute set it.
    pub(super) name: Option<String>,
}

impl Routing {
    /// The resources of an app, and the limits of its scopes, the innermost first.
    ///
    /// # Errors
    /// The app does not start.
    pub(crate) async fn new(
        configure: Option<Configure>,
    ) -> Result<(Self, Vec<ScopeDeclaration>), String> {
        let Some(configure) = configure else { return Ok((Self { request: None }, Vec::new())) };
        let seen = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&seen);
        // In a task, so that the panic of an app that fails to start ends there.
        let started = rt::spawn(async move {
            let app = App::new()
                .wrap_fn(move |request: ServiceRequest, _| {
                    *kept.borrow_mut() = Some(request.request().clone());
                    ready(Ok::<_, Error>(request.into_response(HttpResponse::Ok().finish())))
                })
                .configure(configure);
            let (app, scopes) = collected(test::init_service(app)).await;
            app.call(test::TestRequest::default().to_request()).await.map(|_| scopes)
        });
        match started.await {
            Ok(Ok(scopes)) => Ok((Self { request: seen.take() }, scopes)),
            _ => {
                Err("expected routes with which the app starts; the log says why it did not start"
                    .to_owned())
            }
        }
    }

    pub(super) fn are_known(&self) -> bool {
        self.request.is_some()
    }

    /// The resource that serves a path.
    pub(super) fn by_path(&self, path: &str) -> Option<Resource> {
        let resources = self.request.as_ref()?.resource_map();
        let pattern = resources.match_pattern(path)?;
        let name = resources.match_name(path).map(str::to_owned);
        Some(Resource { path: path.to_owned(), pattern, name })
    }

    /// The pattern of the resource with the name of a handler; or an example of its path, if an
    /// earlier resource hides it.
    pub(super) fn pattern_of(&self, record: &HandlerRecord) -> Option<String> {
        let (path, pattern) = self.place_of(record)?;
        Some(pattern.unwrap_or(path))
    }

    /// Whether a path leads to the resource with the name of a handler, for some requests.
    pub(super) fn leads_to(&self, path: &str, record: &HandlerRecord) -> bool {
        match self.place_of(record) {
            Some((_, Some(pattern))) => {
                self.by_path(path).is_some_and(|resource| resource.pattern == pattern)
            }
            Some((hidden, None)) => looks_like(path, &hidden),
            None => false,
        }
    }

    /// An example of the path of the resource with the name of a handler; and its pattern, if no
    /// other resource hides it and its parameters match the placeholder.
    fn place_of(&self, record: &HandlerRecord) -> Option<(String, Option<String>)> {
        let request = self.request.as_ref()?;
        let url = request.url_for(record.name(), [PLACEHOLDER; PARAMETERS]).ok()?;
        let shown = self.by_path(url.path());
        let own = shown.filter(|resource| resource.name.as_deref() == Some(record.name()));
        Some((url.path().to_owned(), own.map(|resource| resource.pattern)))
    }
}

/// Whether a path matches the segments of a template, in which placeholders match any segment.
fn looks_like(path: &str, template: &str) -> bool {
    let mut segments = path.split('/');
    let alike = template.split('/').all(|wanted| {
        segments.next().is_some_and(|segment| wanted == PLACEHOLDER || wanted == segment)
    });
    alike && segments.next().is_none()
}

pub(crate) type Configure = Box<dyn FnOnce(&mut ServiceConfig)>;
