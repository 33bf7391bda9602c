//! `limiter limits` and `limiter clear`: the limits of each endpoint, and what a client has used.

use std::{io::Write, rc::Rc, time::Duration};

use actix_web::http::Method;
use clap::ArgMatches;
use limiter_core::{Key, Limit, StorageError};

use super::{
    Configure, Failure,
    endpoint::{Endpoint, METHODS, Subject, endpoints},
    is_confirmed, key_of,
    routing::Routing,
};
use crate::{
    answer,
    function::Cost,
    limiter::{LimitOrigin, Limiter},
    record::Exemption,
    rule::{CountedMethod, LimitKey, MetaRole, Place, Plan, Role, RuleLimit, Target, global_metas},
    scope::ScopeDeclaration,
};

/// What is asked: which endpoints, and about which client.
pub(super) struct Question<'a> {
    limiter: &'a Limiter,
    key: Option<Key>,
    /// The client as it was written.
    client: String,
    /// Whether every endpoint is asked for.
    is_general: bool,
    /// Whether every method is asked for, too.
    is_total: bool,
    endpoints: Vec<Endpoint>,
    scopes: Vec<ScopeDeclaration>,
}

/// The limits that the methods of one endpoint meet.
struct Section {
    title: String,
    limits: Vec<Line>,
    remarks: Vec<String>,
}

/// One limit.
struct Line {
    text: String,
    /// Its counters; or why they cannot be told.
    counted: Result<Counted, &'static str>,
}

/// What is looked at to tell a client's state.
#[derive(Clone)]
struct Counted {
    limit: Limit,
    /// The counter of breaches behind a block.
    breaches: Option<Limit>,
    cost: u64,
}

/// Why the state of a limit cannot be told.
const BY_ENDPOINT: &str = "one counter for each endpoint: --path shows it";
const BY_ENDPOINT_INSIDE: &str = "one counter for each endpoint inside";
const BY_REQUEST: &str = "not known without a request";

impl<'a> Question<'a> {
    pub(super) async fn new(
        limiter: &'a Limiter,
        routes: Option<Configure>,
        matches: &ArgMatches,
    ) -> Result<Self, Failure> {
        let (routing, scopes) = Routing::new(routes).await?;
        let method = matches.get_one::<Method>("method");
        let handler = matches.get_one::<String>("endpoint");
        let path = matches.get_one::<String>("path");
        let endpoints = endpoints(limiter, &routing, handler, path, method)?;
        let words: Vec<&str> =
            matches.get_many::<String>("key").unwrap_or_default().map(String::as_str).collect();
        Ok(Self {
            limiter,
            key: key_of(limiter, matches)?,
            client: words.join(" "),
            is_general: handler.is_none() && path.is_none(),
            is_total: handler.is_none() && path.is_none() && method.is_none(),
            endpoints,
            scopes,
        })
    }

    pub(super) async fn print(self, out: &mut impl Write) -> Result<(), Failure> {
        let mut silence = match &self.key {
            Some(_) => self.limiter.inner().ask_storage().await.err(),
            None => None,
        };
        for remark in self.remarks() {
            writeln!(out, "{remark}")?;
        }
        for section in self.sections() {
            self.print_section(&section, &mut silence, out).await?;
        }
        match silence {
            Some(error) => Err(Failure::Refused(error.to_string())),
            None => Ok(()),
        }
    }

    pub(super) async fn clear(self, unasked: bool, out: &mut impl Write) -> Result<(), Failure> {
        let failed = |error: StorageError| Failure::Refused(error.to_string());
        self.limiter.inner().ask_storage().await.map_err(failed)?;
        let Some(key) = &self.key else { return Ok(()) };
        let sections = self.sections();
        if !unasked {
            for section in &sections {
                self.print_section(section, &mut None, out).await?;
            }
            let question = format!("Forget what {} has used?", self.client);
            if !is_confirmed(&question, out)? {
                return Err(Failure::Refused("nothing was forgotten".to_owned()));
            }
        }
        for remark in self.remarks() {
            writeln!(out, "{remark}")?;
        }
        // Some storages find whatever a client has used, also where it takes a request to know.
        let storage = self.limiter.inner().storage();
        let all = self.is_total && storage.forget(key).await.map_err(failed)?;
        for section in sections.iter().filter(|section| !section.limits.is_empty()) {
            writeln!(out, "{}", section.title)?;
            for line in &section.limits {
                let cleared = match &line.counted {
                    _ if all => "Cleared",
                    Ok(counted) => {
                        for limit in [&counted.limit].into_iter().chain(&counted.breaches) {
                            self.limiter.reset(limit, key).await.map_err(failed)?;
                        }
                        "Cleared"
                    }
                    Err(reason) => reason,
                };
                writeln!(out, "  {}: {cleared}", line.text)?;
            }
            for remark in section.remarks.iter().filter(|_| !all) {
                writeln!(out, "  {remark}")?;
            }
        }
        Ok(())
    }

    /// What makes the limits below mean something else.
    fn remarks(&self) -> Vec<&'static str> {
        let mut remarks = Vec::new();
        if !self.limiter.is_enabled() {
            remarks.push("the limiter is disabled: nothing is limited");
        }
        let Some(key) = &self.key else { return remarks };
        let access = &self.limiter.inner().settings.access;
        let address = self.client.parse().ok();
        if access.denied.has(address, Some(key)) {
            remarks.push("this client is on a deny list: every request is answered with 403");
        } else if access.allowed.has(address, Some(key)) {
            remarks.push("this client is on an allow list: it is never limited");
        }
        if self.limiter.inner().storage().name() == "memory" {
            remarks
                .push("counters are in memory: these are of this process, not of one that serves");
        }
        remarks
    }

    fn sections(&self) -> Vec<Section> {
        let mut sections = Vec::new();
        if self.is_general {
            sections.push(self.of_all());
        }
        sections.extend(self.endpoints.iter().map(|endpoint| self.of_endpoint(endpoint)));
        if self.is_general {
            sections.extend(self.scopes.iter().map(|scope| self.of_scope(scope)));
            sections.push(self.of_others());
        }
        sections
    }

    /// The limits that all endpoints have in common.
    fn of_all(&self) -> Section {
        let settings = &self.limiter.inner().settings;
        let per_method = settings.application.terms.per_method;
        let methods = if per_method { &METHODS[..] } else { &METHODS[..1] };
        let plans = methods.iter().map(|method| (method, self.plan_of("", method, &[])));
        let is_common = |limit: &RuleLimit| LimitOrigin::of(limit) == LimitOrigin::Application;
        let mut section = self.section("all endpoints together".to_owned(), plans, is_common);
        section.limits.extend(global_metas(settings).iter().map(line_of));
        section.remarks.retain(|remark| remark.contains("application_limits"));
        section
    }

    /// The limits of endpoints that declare nothing; where their counters are depends on the path.
    fn of_others(&self) -> Section {
        let plans = [(&Method::GET, self.plan_of("", &Method::GET, &[]))];
        let is_default = |limit: &RuleLimit| LimitOrigin::of(limit) == LimitOrigin::Default;
        let title = "every other endpoint, each by itself".to_owned();
        let mut section = self.section(title, plans, is_default);
        section.limits.iter_mut().for_each(|line| line.counted = Err(BY_ENDPOINT));
        section.remarks.retain(|remark| remark.contains("default_limits"));
        section
    }

    fn of_scope(&self, scope: &ScopeDeclaration) -> Section {
        let scopes = [Rc::new(scope.clone())];
        let differ = scope.terms.per_method || !scope.terms.methods.is_empty();
        let methods = if differ { &METHODS[..] } else { &METHODS[..1] };
        let plans = methods.iter().map(|method| (method, self.plan_of("", method, &scopes)));
        let is_own = |limit: &RuleLimit| LimitOrigin::of(limit) == LimitOrigin::Scope;
        let title = match scope.shared {
            true => format!("scope `{}`, all endpoints in it together", scope.name),
            false => format!("scope `{}`, each endpoint in it by itself", scope.name),
        };
        let mut section = self.section(title, plans, is_own);
        if !scope.shared {
            section.limits.iter_mut().for_each(|line| line.counted = Err(BY_ENDPOINT_INSIDE));
        }
        section.remarks.retain(|remark| remark.contains(&format!("scope `{}`", scope.name)));
        section.remarks.extend(exemption_of(scope.exempt));
        section
    }

    fn of_endpoint(&self, endpoint: &Endpoint) -> Section {
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
        // What all endpoints have in common was told before.
        let is_general = self.is_general;
        let is_told = |limit: &RuleLimit| {
            let global = matches!(&limit.role, Role::Meta(meta) if meta.global);
            !(is_general && (global || LimitOrigin::of(limit) == LimitOrigin::Application))
        };
        let mut section = self.section(endpoint.title.clone(), plans, is_told);
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
            let remark = "another handler has this name: which of them serves a path is not known";
            section.remarks.push(remark.to_owned());
        }
        if !is_general && !self.scopes.is_empty() {
            let remark = "and what a scope around it says: `limits` without a filter lists them";
            section.remarks.push(remark.to_owned());
        }
        section
    }

    fn section<'m>(
        &self,
        title: String,
        plans: impl IntoIterator<Item = (&'m Method, Plan)>,
        is_told: impl Fn(&RuleLimit) -> bool,
    ) -> Section {
        let mut section = Section { title, limits: Vec::new(), remarks: Vec::new() };
        let mut methods: Vec<(Limit, String, Vec<&Method>, Line)> = Vec::new();
        let plans: Vec<(&Method, Plan)> = plans.into_iter().collect();
        let asked_for = plans.len();
        for (method, plan) in &plans {
            for (_, about) in plan.asked() {
                let remark = format!("and the limits of {about}, which takes a request");
                if !section.remarks.contains(&remark) {
                    section.remarks.push(remark);
                }
            }
            for limit in plan.known(self.limiter.inner()).limits().iter().filter(|l| is_told(l)) {
                let line = line_of(limit);
                let known = methods.iter_mut().find(|(counter, text, of, _)| {
                    counter.id() == limit.limit.id() && *text == line.text && !of.contains(method)
                });
                match known {
                    Some((.., of, _)) => of.push(method),
                    None => {
                        methods.push((limit.limit.clone(), line.text.clone(), vec![method], line));
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
        Plan::new(self.limiter.inner(), target)
    }

    async fn print_section(
        &self,
        section: &Section,
        silence: &mut Option<StorageError>,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        if section.limits.is_empty() && section.remarks.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}", section.title)?;
        for line in &section.limits {
            let state = match &self.key {
                None => String::new(),
                Some(key) => format!(": {}", self.state_of(line, key, silence).await),
            };
            writeln!(out, "  {}{state}", line.text)?;
        }
        for remark in &section.remarks {
            writeln!(out, "  {remark}")?;
        }
        Ok(())
    }

    async fn state_of(&self, line: &Line, key: &Key, silence: &mut Option<StorageError>) -> String {
        let counted = match &line.counted {
            Ok(counted) => counted,
            Err(reason) => return (*reason).to_owned(),
        };
        if silence.is_none() {
            match self.state(counted, key).await {
                Ok(state) => return state,
                Err(error) => *silence = Some(error),
            }
        }
        "Storage not available".to_owned()
    }

    async fn state(&self, counted: &Counted, key: &Key) -> Result<String, StorageError> {
        let Counted { limit, breaches, cost } = counted;
        let decision = self.limiter.test(limit, key, *cost).await?;
        let shown = breaches.as_ref().unwrap_or(limit);
        let left = self.limiter.peek(shown, key).await?.remaining();
        let amount = shown.quota().amount();
        Ok(match (decision.admitted(), decision.retry_after()) {
            (true, _) => format!("Pass ({left} of {amount} remaining)"),
            (false, Some(wait)) => {
                format!("Fail ({left} of {amount} remaining, again in {})", spoken(wait))
            }
            (false, None) => format!("Fail ({left} of {amount} remaining, never)"),
        })
    }
}

fn exemption_of(exempt: Exemption) -> Option<String> {
    let of =
        [(exempt.defaults, "default"), (exempt.application, "application"), (exempt.meta, "meta")];
    let of: Vec<&str> = of.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
    (!of.is_empty()).then(|| format!("exempt from {} limits", of.join(", ")))
}

fn line_of(limit: &RuleLimit) -> Line {
    let mut notes = vec![limit.limit.strategy().name().to_owned()];
    let mut note = |is: bool, text: &str| {
        if is {
            notes.push(text.to_owned());
        }
    };
    note(limit.is_meta(), "meta");
    note(LimitOrigin::of(limit) == LimitOrigin::Default, "default");
    note(LimitOrigin::of(limit) == LimitOrigin::Application, "application");
    note(limit.shared && LimitOrigin::of(limit) == LimitOrigin::Handler, "shared");
    note(matches!(limit.role, Role::Shadow), "shadow");
    note(matches!(limit.key, LimitKey::Own(_)), "own key");
    note(limit.scope_is_asked, "scope of a function");
    let cost = match limit.cost {
        Cost::Fixed(cost) => {
            note(cost != 1, &format!("cost {cost}"));
            cost
        }
        Cost::Function(_) => {
            note(true, "cost of a function");
            1
        }
    };
    note(limit.exempt_when.is_some(), "exempt_when");
    note(limit.deduct_when.is_some(), "deduct_when");
    note(limit.cost_after.is_some(), "cost_after");
    note(limit.on_breach.is_some(), "on_breach");
    let breaches = match &limit.role {
        Role::Meta(MetaRole { counter, .. }) => counter.clone(),
        _ => None,
    };
    if let Some(block) = breaches.as_ref().map(|_| limit.limit.quota()) {
        notes.push(format!("blocks for {} {}", block.multiples(), block.unit()));
    }
    // A block is one or none, whatever a breach costs.
    let cost = if breaches.is_some() { 1 } else { cost };
    let counted = Counted { limit: limit.limit.clone(), breaches, cost };
    Line {
        text: format!("{} `{}` [{}]", limit.quota(), limit.name, notes.join(", ")),
        counted: if limit.scope_is_asked { Err(BY_REQUEST) } else { Ok(counted) },
    }
}

/// A wait in its two largest units, rounded up.
fn spoken(wait: Duration) -> String {
    let seconds = answer::seconds_up(wait);
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let parts: Vec<String> = units
        .iter()
        .scan(seconds, |rest, (name, length)| {
            let whole = *rest / length;
            *rest %= length;
            Some((whole, name))
        })
        .filter(|(whole, _)| *whole > 0)
        .take(2)
        .map(|(whole, name)| format!("{whole} {name}"))
        .collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}
