//! The limits of each endpoint, and what a client has used of them.

use std::{net::IpAddr, rc::Rc};

use actix_web::http::Method;
use limiter_core::{Decision, Key, Limit, StorageError};
use serde::Serialize;

use super::{
    routing::{Configure, Routing},
    subject::{Endpoint, METHODS, Selection, Subject, endpoints},
};
use crate::{
    answer::seconds_up,
    declare::{Cost, CountedMethod, Exemption, ScopeDeclaration},
    limit::{LimitOrigin, MetaRole, Role},
    limiter::Limiter,
    resolve::{LimitKey, Place, Plan, RuleLimit, Target, global_metas},
};

/// What is limited in an app, or in the part of it that was selected.
pub(crate) struct Survey {
    limiter: Limiter,
    /// Whether every endpoint is selected.
    is_general: bool,
    /// Whether every method is selected, too.
    is_total: bool,
    endpoints: Vec<Endpoint>,
    scopes: Vec<ScopeDeclaration>,
}

/// The limits that apply to the methods of one endpoint.
#[derive(Serialize)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) limits: Vec<Line>,
    pub(crate) remarks: Vec<String>,
}

/// One limit.
#[derive(Serialize)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// Its counters; or why they are not known.
    #[serde(skip)]
    counted: Result<Counted, &'static str>,
}

/// The limits from which the state of a client is read.
#[derive(Clone)]
struct Counted {
    limit: Limit,
    /// The counter of breaches that leads to a block.
    breaches: Option<Limit>,
    cost: u64,
}

/// Why the state of a limit is not known.
const BY_ENDPOINT: &str = "one counter for each endpoint: use --path to see it";

const BY_ENDPOINT_INSIDE: &str = "one counter for each endpoint inside";

const BY_REQUEST: &str = "not known without a request";

/// What a client has left of one limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub(crate) enum State {
    /// The client may pass.
    Pass { left: u64, amount: u64 },
    /// The client may not pass, and the seconds until it may; `None` if it never may.
    Fail { left: u64, amount: u64, retry_after: Option<u64> },
    /// No counter is known.
    Unknown { reason: &'static str },
}

impl Survey {
    /// A survey of an app with these routes, or of one whose routes are not known.
    ///
    /// # Errors
    /// The selection is empty, or the app does not start.
    pub(crate) async fn new(
        limiter: &Limiter,
        routes: Option<Configure>,
        selection: Selection<'_>,
    ) -> Result<Self, String> {
        let (routing, scopes) = Routing::new(routes).await?;
        let is_general = selection.handler.is_none() && selection.path.is_none();
        Ok(Self {
            limiter: limiter.clone(),
            is_general,
            is_total: is_general && selection.method.is_none(),
            endpoints: endpoints(limiter, &routing, selection)?,
            scopes,
        })
    }

    /// Whether every endpoint and method is selected.
    pub(crate) fn is_total(&self) -> bool {
        self.is_total
    }

    /// Remarks that change the meaning of the limits below.
    pub(crate) fn remarks(&self, client: Option<(&Key, Option<IpAddr>)>) -> Vec<&'static str> {
        let mut remarks = Vec::new();
        if !self.limiter.is_enabled() {
            remarks.push("the limiter is disabled: nothing is limited");
        }
        let Some((key, address)) = client else { return remarks };
        let access = &self.limiter.settings().access;
        if access.denied.has(address, Some(key)) {
            remarks.push("this client is on a deny list: every request is answered with 403");
        } else if access.allowed.has(address, Some(key)) {
            remarks.push("this client is on an allow list: it is never limited");
        }
        if self.limiter.storage().name() == "memory" {
            remarks.push(
                "counters are in memory: these belong to this process, not to the serving one",
            );
        }
        remarks
    }

    pub(crate) fn sections(&self) -> Vec<Section> {
        let mut sections = Vec::new();
        if self.is_general {
            sections.push(self.application());
        }
        sections.extend(self.endpoints.iter().map(|endpoint| self.endpoint(endpoint)));
        if self.is_general {
            sections.extend(self.scopes.iter().map(|scope| self.scope(scope)));
            sections.push(self.undecorated());
        }
        sections
    }

    /// The limits that all endpoints have in common.
    fn application(&self) -> Section {
        let settings = &self.limiter.settings();
        let per_method = settings.limits.application.options.per_method;
        let methods = if per_method { &METHODS[..] } else { &METHODS[..1] };
        let plans = methods.iter().map(|method| (method, self.plan_of("", method, &[])));
        let is_common = |limit: &RuleLimit| limit.policy.origin() == LimitOrigin::Application;
        let mut section = self.section("all endpoints together".to_owned(), plans, is_common);
        section.limits.extend(global_metas(settings).iter().map(line_of));
        section.remarks.retain(|remark| remark.contains("application_limits"));
        section
    }

    /// The limits of endpoints that declare nothing; their counters depend on the path.
    fn undecorated(&self) -> Section {
        let plans = [(&Method::GET, self.plan_of("", &Method::GET, &[]))];
        let is_default = |limit: &RuleLimit| limit.policy.origin() == LimitOrigin::Default;
        let title = "every other endpoint, each with its own counters".to_owned();
        let mut section = self.section(title, plans, is_default);
        section.limits.iter_mut().for_each(|line| line.counted = Err(BY_ENDPOINT));
        section.remarks.retain(|remark| remark.contains("default_limits"));
        section
    }

    fn scope(&self, scope: &ScopeDeclaration) -> Section {
        let scopes = [Rc::new(scope.clone())];
        let differ = scope.options.per_method || !scope.options.methods.is_empty();
        let methods = if differ { &METHODS[..] } else { &METHODS[..1] };
        let plans = methods.iter().map(|method| (method, self.plan_of("", method, &scopes)));
        let is_own = |limit: &RuleLimit| limit.policy.origin() == LimitOrigin::Scope;
        let title = match scope.shared {
            true => format!("scope `{}`, one counter for all its endpoints", scope.name),
            false => format!("scope `{}`, one counter for each of its endpoints", scope.name),
        };
        let mut section = self.section(title, plans, is_own);
        if !scope.shared {
            section.limits.iter_mut().for_each(|line| line.counted = Err(BY_ENDPOINT_INSIDE));
        }
        section.remarks.retain(|remark| remark.contains(&format!("scope `{}`", scope.name)));
        section.remarks.extend(exemption_of(scope.exempt));
        section
    }

    fn endpoint(&self, endpoint: &Endpoint) -> Section {
        let plans: Vec<(&Method, Plan)> = endpoint
            .methods
            .iter()
            .map(|method| {
                let plan = match &endpoint.subject {
                    Subject::Handler(record) => {
                        let target = Target::handler(record, method);
                        self.plan(Target { exempt_path: endpoint.exempt_path, ..target })
                    }
                    Subject::Resource(pattern) => {
                        let counted = CountedMethod::of(method).name();
                        let name = format!("{counted} {pattern}");
                        let target = Target::endpoint(&name, method, counted);
                        self.plan(Target { exempt_path: endpoint.exempt_path, ..target })
                    }
                };
                (method, plan)
            })
            .collect();
        // Limits that all endpoints have in common are listed separately.
        let is_general = self.is_general;
        let is_listed = |limit: &RuleLimit| {
            let global = matches!(limit.policy.role(), Role::Meta(meta) if meta.global);
            !(is_general && (global || limit.policy.origin() == LimitOrigin::Application))
        };
        let mut section = self.section(endpoint.title.clone(), plans, is_listed);
        if is_general {
            section.remarks.retain(|remark| !remark.contains("application_limits"));
        }
        if let Subject::Handler(record) = &endpoint.subject {
            section.remarks.extend(exemption_of(record.exempt()));
        }
        if endpoint.exempt_path {
            section.remarks.push("exempt path: no default and application limits".to_owned());
        }
        if endpoint.has_namesake {
            let remark =
                "another handler has the same name: it is not known which of them serves a path";
            section.remarks.push(remark.to_owned());
        }
        if !is_general && !self.scopes.is_empty() {
            let remark =
                "plus the limits of scopes around it: run `limits` without a filter to list them";
            section.remarks.push(remark.to_owned());
        }
        section
    }

    fn section<'m>(
        &self,
        title: String,
        plans: impl IntoIterator<Item = (&'m Method, Plan)>,
        is_listed: impl Fn(&RuleLimit) -> bool,
    ) -> Section {
        let mut section = Section { title, limits: Vec::new(), remarks: Vec::new() };
        let mut methods: Vec<(Limit, String, Vec<&Method>, Line)> = Vec::new();
        let plans: Vec<(&Method, Plan)> = plans.into_iter().collect();
        let asked_for = plans.len();
        for (method, plan) in &plans {
            for about in plan.dynamic() {
                let remark = format!("plus the limits of {about}, not known without a request");
                if !section.remarks.contains(&remark) {
                    section.remarks.push(remark);
                }
            }
            for limit in plan.known(&self.limiter).limits().iter().filter(|l| is_listed(l)) {
                let line = line_of(limit);
                let known = methods.iter_mut().find(|(counter, text, of, _)| {
                    counter.id() == limit.policy.limit().id()
                        && *text == line.text
                        && !of.contains(method)
                });
                match known {
                    Some((.., of, _)) => of.push(method),
                    None => {
                        methods.push((
                            limit.policy.limit().clone(),
                            line.text.clone(),
                            vec![method],
                            line,
                        ));
                    }
                }
            }
        }
        section.limits = methods
            .into_iter()
            .map(|(.., of, line)| match of.len() == asked_for {
                true => line,
                false => {
                    let of: Vec<&str> = of.into_iter().map(Method::as_str).collect();
                    Line { text: format!("{} ({})", line.text, of.join(", ")), ..line }
                }
            })
            .collect();
        section
    }

    fn plan_of(&self, name: &str, method: &Method, scopes: &[Rc<ScopeDeclaration>]) -> Plan {
        let counted = CountedMethod::of(method).name();
        let place = Place::Endpoint { name, gate: None };
        self.plan(Target { place, method, counted, exempt_path: false, scopes })
    }

    fn plan(&self, target: Target<'_>) -> Plan {
        Plan::new(&self.limiter, target)
    }

    /// What a client has left of one limit.
    ///
    /// # Errors
    /// The storage did not answer.
    pub(crate) async fn state(&self, line: &Line, key: &Key) -> Result<State, StorageError> {
        let Counted { limit, breaches, cost } = match &line.counted {
            Ok(counted) => counted,
            Err(reason) => return Ok(State::Unknown { reason }),
        };
        let decision = self.limiter.test(limit, key, *cost).await?;
        let shown = breaches.as_ref().unwrap_or(limit);
        let left = self.limiter.peek(shown, key).await?.remaining();
        Ok(State::new(&decision, left, shown.quota().amount()))
    }

    /// Resets what a client has used of one limit.
    ///
    /// # Errors
    /// Why its counters are not known; or the storage did not answer.
    pub(crate) async fn clear(
        &self,
        line: &Line,
        key: &Key,
    ) -> Result<Result<(), &'static str>, StorageError> {
        let counted = match &line.counted {
            Ok(counted) => counted,
            Err(reason) => return Ok(Err(reason)),
        };
        for limit in [&counted.limit].into_iter().chain(&counted.breaches) {
            self.limiter.reset(limit, key).await?;
        }
        Ok(Ok(()))
    }
}

impl Line {
    /// Whether its counter is known.
    pub(crate) fn has_counter(&self) -> bool {
        self.counted.is_ok()
    }
}

impl State {
    fn new(decision: &Decision, left: u64, amount: u64) -> Self {
        match decision.admitted() {
            true => Self::Pass { left, amount },
            false => {
                let retry_after = decision.retry_after().map(seconds_up);
                Self::Fail { left, amount, retry_after }
            }
        }
    }
}

fn exemption_of(exempt: Exemption) -> Option<String> {
    let of =
        [(exempt.defaults, "default"), (exempt.application, "application"), (exempt.meta, "meta")];
    let of: Vec<&str> = of.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
    (!of.is_empty()).then(|| format!("exempt from {} limits", of.join(", ")))
}

fn line_of(limit: &RuleLimit) -> Line {
    let mut notes = vec![limit.policy.limit().strategy().name().to_owned()];
    let mut note = |is: bool, text: &str| {
        if is {
            notes.push(text.to_owned());
        }
    };
    note(limit.is_meta(), "meta");
    note(limit.policy.origin() == LimitOrigin::Default, "default");
    note(limit.policy.origin() == LimitOrigin::Application, "application");
    note(limit.policy.is_shared() && limit.policy.origin() == LimitOrigin::Handler, "shared");
    note(limit.policy.is_shadow(), "shadow");
    note(matches!(limit.key, LimitKey::Own(_)), "own key");
    note(limit.has_dynamic_scope, "dynamic scope");
    let cost = match limit.cost {
        Cost::Fixed(cost) => {
            note(cost != 1, &format!("cost {cost}"));
            cost
        }
        Cost::Function(_) => {
            note(true, "dynamic cost");
            1
        }
    };
    note(limit.exempt_when.is_some(), "exempt_when");
    note(limit.deduct_when.is_some(), "deduct_when");
    note(limit.cost_after.is_some(), "cost_after");
    note(limit.on_breach.is_some(), "on_breach");
    let breaches = match limit.policy.role() {
        Role::Meta(MetaRole { counter, .. }) => counter.clone(),
        _ => None,
    };
    if let Some(block) = breaches.as_ref().map(|_| limit.policy.limit().quota()) {
        notes.push(format!("blocks for {} {}", block.multiples(), block.unit()));
    }
    // A client is blocked or not, whatever the cost of a breach.
    let cost = if breaches.is_some() { 1 } else { cost };
    let counted = Counted { limit: limit.policy.limit().clone(), breaches, cost };
    Line {
        text: format!("{} `{}` [{}]", limit.policy.quota(), limit.policy.name(), notes.join(", ")),
        counted: if limit.has_dynamic_scope { Err(BY_REQUEST) } else { Ok(counted) },
    }
}
