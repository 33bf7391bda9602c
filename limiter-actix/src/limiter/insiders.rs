//! Which inner enforcers may exist that no request has reached yet: known from the program, not
//! from traffic.

use std::{cell::RefCell, collections::HashMap};

use actix_web::HttpRequest;

use super::settings::Settings;
use crate::{
    declare::{Exemption, HandlerRecord, LimitRecord, LimitText, ScopeDeclaration},
    identify::MissingIdentity,
    limit::LimitOrigin,
};

/// What a gate or scope may admit although it was refused further outside; or what it would have to
/// admit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pardon {
    application: bool,
    /// Default limits, and those of scopes.
    defaults: bool,
    meta: bool,
    /// Whether it has no limit of its own that denies, or none for some requests.
    may_be_unlimited: bool,
    /// Whether all limits that it always has have a key of their own.
    has_own_keys: bool,
    /// Clients without a limiter key.
    missing_identity: bool,
}

/// Gates and scopes, by what they may admit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Insiders(Vec<Pardon>);

/// The decorated handlers of the program.
#[derive(Debug)]
pub(crate) struct Gates {
    /// By the function's name, which a route attribute gives to the resource.
    by_name: HashMap<&'static str, Vec<&'static HandlerRecord>>,
    /// By the path of a route attribute below the limiter's.
    by_path: Vec<(&'static str, Pardon)>,
    /// Those without a route attribute, which are registered by hand.
    unnamed: Insiders,
    /// All gates, and endpoints with separate counters.
    all: Insiders,
}

thread_local! {
    /// The scopes of the apps that are being started in this thread, until one of them serves
    /// requests.
    static STARTED: RefCell<Insiders> = RefCell::default();
}

/// Records that an app that is being started has this scope.
pub(crate) fn add_scope(declaration: &ScopeDeclaration) {
    STARTED.with_borrow_mut(|scopes| scopes.add(Pardon::of_scope(declaration)));
}

/// The scopes of the app that is being started. Inner services start first.
pub(crate) fn started_scopes() -> Insiders {
    STARTED.with_borrow(Clone::clone)
}

/// The apps have started.
pub(crate) fn forget_started_scopes() {
    STARTED.take();
}

impl Gates {
    pub(crate) fn new(records: &[&'static HandlerRecord]) -> Self {
        let mut by_name = HashMap::<_, Vec<_>>::new();
        let (mut by_path, mut unnamed) = (Vec::new(), Insiders::default());
        let other_endpoint = Pardon { defaults: true, ..Pardon::default() };
        let mut all = Insiders(vec![other_endpoint]);
        for record in records {
            let pardon = Pardon::of_handler(record);
            by_name.entry(record.name()).or_default().push(*record);
            all.add(pardon);
            if record.is_within_route_attribute() {
                by_path.extend(record.routes().iter().map(|route| (route.path(), pardon)));
            } else {
                // The name of a handler is needed to know that it has its own key.
                unnamed.add(Pardon { missing_identity: false, ..pardon });
            }
        }
        Self { by_name, by_path, unnamed, all }
    }

    /// The gate of the resource that a request seems to be for, according to the resource's name.
    pub(crate) fn named(&self, name: &str) -> Option<&'static HandlerRecord> {
        match self.by_name.get(name).map(Vec::as_slice) {
            Some([record]) if record.is_within_route_attribute() => Some(record),
            _ => None,
        }
    }

    /// Which gates may be at the resource that a request seems to be for. A route attribute names
    /// its resource, by default after the handler; resources of handlers that are registered by
    /// hand rarely have a name.
    pub(crate) fn at(&self, request: &HttpRequest, pattern: &str) -> Insiders {
        let mut insiders = Insiders::default();
        let path = request.match_info().as_str();
        match request.resource_map().match_name(path) {
            Some(name) => {
                let records = self.by_name.get(name).into_iter().flatten();
                records.for_each(|record| insiders.add(Pardon::of_handler(record)));
            }
            None => insiders.extend(&self.unnamed),
        }
        let ends = self.by_path.iter().filter(|(path, _)| pattern.ends_with(path));
        ends.for_each(|(_, pardon)| insiders.add(*pardon));
        insiders
    }

    /// Which gates may be at a resource that the map does not show.
    pub(crate) fn anywhere(&self) -> &Insiders {
        &self.all
    }
}

impl Insiders {
    /// Whether one of them may admit this, together with whatever the scopes around it exempt.
    pub(crate) fn may_admit(&self, scopes: &Self, needed: Pardon, settings: &Settings) -> bool {
        let around = scopes.0.iter().copied().fold(Pardon::default(), Pardon::and_exemptions);
        let gates = self.0.iter().map(|pardon| pardon.and_exemptions(around));
        let inner_scopes = scopes.0.iter().map(|pardon| pardon.and_exemptions(around));
        gates.chain(inner_scopes).any(|pardon| pardon.covers(needed, settings))
    }

    fn add(&mut self, pardon: Pardon) {
        if !self.0.contains(&pardon) {
            self.0.push(pardon);
        }
    }

    fn extend(&mut self, others: &Self) {
        others.0.iter().for_each(|pardon| self.add(*pardon));
    }
}

impl Pardon {
    fn of_handler(record: &HandlerRecord) -> Self {
        let limits = record.limits();
        let has_own_key = |limit: &LimitRecord| limit.key.is_some();
        let always_limits = |limit: &LimitRecord| {
            limit.text().is_some()
                && limit.exempt_when.is_none()
                && limit.methods.is_empty()
                && !limit.shadow
        };
        Self {
            missing_identity: limits.iter().all(has_own_key),
            may_be_unlimited: !limits.iter().any(always_limits),
            has_own_keys: limits.iter().filter(|limit| always_limits(limit)).all(has_own_key),
            ..Self::new(record.exempt(), limits.iter().any(|limit| limit.override_defaults))
        }
    }

    fn of_scope(declaration: &ScopeDeclaration) -> Self {
        let ScopeDeclaration { texts, options, exempt, .. } = declaration;
        let always_limits = |text: &LimitText| {
            matches!(text, LimitText::Fixed(_))
                && options.exempt_when.is_none()
                && options.methods.is_empty()
        };
        Self {
            missing_identity: texts.is_empty() || options.key.is_some(),
            may_be_unlimited: !texts.iter().any(always_limits),
            has_own_keys: options.key.is_some(),
            ..Self::new(*exempt, !texts.is_empty() && options.overrides_defaults)
        }
    }

    fn new(exempt: Exemption, overrides: bool) -> Self {
        Self {
            application: exempt.application,
            defaults: exempt.defaults || overrides,
            meta: exempt.meta,
            may_be_unlimited: false,
            has_own_keys: false,
            missing_identity: false,
        }
    }

    /// The same within scopes with these exemptions.
    fn and_exemptions(self, scopes: Self) -> Self {
        Self {
            application: self.application || scopes.application,
            defaults: self.defaults || scopes.defaults,
            meta: self.meta || scopes.meta,
            ..self
        }
    }

    /// Adds a limit of this origin; `None` for a handler's own limit, which no gate overrides.
    pub(crate) fn cover(&mut self, origin: LimitOrigin) -> Option<()> {
        match origin {
            LimitOrigin::Meta => self.meta = true,
            LimitOrigin::Application => self.application = true,
            LimitOrigin::Default | LimitOrigin::Scope => self.defaults = true,
            LimitOrigin::Handler => return None,
        }
        Some(())
    }

    /// Adds clients without a key.
    pub(crate) fn cover_missing_identity(&mut self) {
        self.missing_identity = true;
    }

    fn covers(self, needed: Self, settings: &Settings) -> bool {
        (self.application || !needed.application)
            && (self.defaults || !needed.defaults)
            && (self.meta || !needed.meta || self.leaves_no_limit(settings))
            && (self.missing_identity || !needed.missing_identity)
    }

    /// Whether it may be that no limit applies here: then no meta limit applies either.
    fn leaves_no_limit(self, settings: &Settings) -> bool {
        let Settings { limits, identity, .. } = settings;
        let may_skip_all = self.has_own_keys && identity.missing == MissingIdentity::Skip;
        (self.may_be_unlimited || may_skip_all)
            && (self.application || limits.application.texts.is_empty())
            && (self.defaults || limits.defaults.texts.is_empty())
    }
}
