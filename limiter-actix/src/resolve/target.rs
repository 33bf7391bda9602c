//! The target of a request: a handler or endpoint, and the scopes around it.

use std::rc::Rc;

use actix_web::http::Method;

use crate::{
    declare::{CountedMethod, Exemption, HandlerRecord, ScopeDeclaration},
    limit::LimitOrigin,
};

/// What declared a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Application,
    Default,
    /// A scope around the innermost one.
    OuterScope,
    /// The innermost scope.
    Scope,
    /// The handler, or a block in it.
    Own,
}

impl Class {
    pub(super) fn origin(self) -> LimitOrigin {
        match self {
            Self::Application => LimitOrigin::Application,
            Self::Default => LimitOrigin::Default,
            Self::OuterScope | Self::Scope => LimitOrigin::Scope,
            Self::Own => LimitOrigin::Handler,
        }
    }
}

/// The target that a plan is created for.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) method: &'a Method,
    /// The method's name in counters.
    pub(crate) counted: &'static str,
    pub(crate) exempt_path: bool,
    /// The scopes around the handler, outermost first.
    pub(crate) scopes: &'a [Rc<ScopeDeclaration>],
}

/// The handler or endpoint of a request.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// A decorated handler.
    Handler(&'static HandlerRecord),
    /// An endpoint with this name, `GET /users/{id}`, whose gate was not reached, if it has one.
    /// `gate` is a gate that other requests reach: its handler's limits count requests that are
    /// answered in front of it.
    Endpoint { name: &'a str, gate: Option<&'static HandlerRecord> },
}

impl<'a> Target<'a> {
    /// A decorated handler, without scopes around it.
    pub(crate) fn handler(record: &'static HandlerRecord, method: &'a Method) -> Self {
        let counted = CountedMethod::of(method).name();
        Self { place: Place::Handler(record), method, counted, exempt_path: false, scopes: &[] }
    }

    /// An endpoint without a gate, and without scopes around it.
    pub(crate) fn endpoint(name: &'a str, method: &'a Method, counted: &'static str) -> Self {
        let place = Place::Endpoint { name, gate: None };
        Self { place, method, counted, exempt_path: false, scopes: &[] }
    }

    fn own_exemption(&self) -> Exemption {
        match self.place {
            Place::Handler(record) => record.exempt(),
            Place::Endpoint { .. } => Exemption::NONE,
        }
    }

    /// What the handler and the scopes around it are exempt from.
    pub(super) fn exemption(&self) -> Exemption {
        let mut exemption = self.own_exemption();
        if let Some((innermost, ancestors)) = self.scopes.split_last() {
            exemption = exemption.and(innermost.exempt);
            for ancestor in ancestors.iter().filter(|ancestor| ancestor.reaches_descendants) {
                exemption = exemption.and(ancestor.exempt);
            }
        }
        exemption
    }

    /// The scopes whose limits may apply: the innermost, and all ancestors except those that exempt
    /// their descendants. Whether the innermost overrides them is known only after its functions
    /// were called.
    pub(super) fn limiting_scopes(
        &self,
    ) -> impl Iterator<Item = (Class, &'a Rc<ScopeDeclaration>)> {
        let (innermost, ancestors) = match self.scopes.split_last() {
            Some((innermost, ancestors)) => (Some(innermost), ancestors),
            None => (None, self.scopes),
        };
        let alone = innermost.is_some_and(|innermost| innermost.ignores_ancestors);
        ancestors
            .iter()
            .filter(move |ancestor| !alone && !ancestor.reaches_descendants)
            .map(|ancestor| (Class::OuterScope, ancestor))
            .chain(innermost.map(|innermost| (Class::Scope, innermost)))
    }
}
