//! What the routes of an app tell without calling a handler: patterns and names of resources.

use std::{cell::RefCell, future::ready, rc::Rc};

use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    dev::{Service, ServiceRequest},
    rt, test,
};

use super::{Configure, Failure};
use crate::{
    record::HandlerRecord,
    scope::{self, ScopeDeclaration},
};

/// The most parameters of a path that a handler can be found by.
const PARAMETERS: usize = 32;

/// Stands for a parameter: no URL encodes it, and most patterns match it.
const PLACEHOLDER: &str = "*";

/// The resources of an app.
pub(super) struct Routing {
    /// A request that came to the app, and went no further.
    request: Option<HttpRequest>,
}

/// Where a path leads to.
pub(super) struct Resource {
    /// With the prefixes of all scopes around it.
    pub(super) pattern: String,
    /// That of the handler, where a route attribute gave it.
    pub(super) name: Option<String>,
}

impl Routing {
    /// The resources of an app, and the limits of its scopes, the innermost first.
    ///
    /// # Errors
    /// The app does not start.
    pub(super) async fn new(
        configure: Option<Configure>,
    ) -> Result<(Self, Vec<ScopeDeclaration>), Failure> {
        let Some(configure) = configure else { return Ok((Self { request: None }, Vec::new())) };
        let seen = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&seen);
        // In a task, so that the panic of an app that does not start ends there.
        let asked = rt::spawn(async move {
            let app = App::new()
                .wrap_fn(move |request: ServiceRequest, _| {
                    *kept.borrow_mut() = Some(request.request().clone());
                    ready(Ok::<_, Error>(request.into_response(HttpResponse::Ok().finish())))
                })
                .configure(configure);
            let (app, scopes) = scope::collected(test::init_service(app)).await;
            app.call(test::TestRequest::default().to_request()).await.map(|_| scopes)
        });
        match asked.await {
            Ok(Ok(scopes)) => Ok((Self { request: seen.take() }, scopes)),
            _ => Err(Failure::Refused(
                "expected routes that an app starts with; the log says why it does not".to_owned(),
            )),
        }
    }

    pub(super) fn are_known(&self) -> bool {
        self.request.is_some()
    }

    /// The resource that serves a path.
    pub(super) fn by_path(&self, path: &str) -> Option<Resource> {
        let resources = self.request.as_ref()?.resource_map();
        let pattern = resources.match_pattern(path)?;
        Some(Resource { pattern, name: resources.match_name(path).map(str::to_owned) })
    }

    /// The pattern of the resource that has the name of a handler.
    pub(super) fn pattern_of(&self, record: &HandlerRecord) -> Option<String> {
        let request = self.request.as_ref()?;
        let url = request.url_for(record.name(), [PLACEHOLDER; PARAMETERS]).ok()?;
        // Where a parameter is particular the placeholder stays.
        let pattern = request.resource_map().match_pattern(url.path());
        Some(pattern.unwrap_or_else(|| url.path().to_owned()))
    }
}
