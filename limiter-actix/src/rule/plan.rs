//! What is declared for one handler or endpoint and one method, and the rule that comes of it.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use actix_web::{HttpRequest, http::Method};
use ahash::HashMap;
use limiter_core::{Limit, Quota, Scope, Storage, Strategy, notation};

use super::{
    limit::{Class, LimitKey, MetaRole, Role, Rule, RuleLimit},
    method::{CountedMethod, is_listed},
    terms::{LimitTerms, OnBreach, Text},
};
use crate::{
    config::{InvalidLimit, LimitClass, Settings},
    function::{Cost, Function},
    limiter::Inner,
    meta::MetaLimit,
    record::{Exemption, HandlerRecord, LimitRecord, ScopeRecord},
    scope::ScopeDeclaration,
};

/// What is declared for one handler or endpoint and one method.
pub(crate) struct Plan {
    declarations: Vec<Declaration>,
    /// Meta limits of the limiter; none where the handler is exempt from them.
    metas: Vec<MetaLimit>,
    exempt_from_metas: bool,
    /// The rule, where no function has to be asked for limits or scopes.
    fixed: Option<Rc<Rule>>,
    /// The rules for what functions answered.
    asked: RefCell<HashMap<Answers, Rc<Rule>>>,
}

/// What the functions of a plan answered, in the order of the declarations.
type Answers = Vec<Cow<'static, str>>;

/// How many rules of one plan a worker remembers. When a function answers more than so many
/// different texts, they are forgotten and made anew.
const REMEMBERED: usize = 512;

/// Answers with more bytes together are not remembered: a scope may be named by a header, and a
/// client may not fill the memory with those.
const LONGEST_REMEMBERED: usize = 1024;

/// The limits of one attribute, one scope or the limiter itself.
struct Declaration {
    class: Class,
    text: Text,
    scope: Scope,
    /// A function that names a part of the scope.
    part: Option<Function<Cow<'static, str>>>,
    /// The method, where each has counters of its own.
    method: Option<&'static str>,
    terms: LimitTerms,
    strategy: Strategy,
    shared: bool,
    /// Whether it applies to the method of the plan.
    applies: bool,
    /// The first half of the policies' names.
    label: Box<str>,
    /// What a log calls it: `the limit of shop::search (src/shop.rs:7)`.
    about: Box<str>,
    /// Whether a limit that cannot be parsed was logged.
    complained: Cell<bool>,
}

/// For whom a plan is made.
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

/// Where a request is going.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// To a decorated handler.
    Handler(&'static HandlerRecord),
    /// To an endpoint of this name, `GET /users/{id}`, where it met no gate; that of `gate` is
    /// there for others, and counts what was answered in front of it.
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
    fn exemption(&self) -> Exemption {
        let mut exemption = self.own_exemption();
        if let Some((innermost, ancestors)) = self.scopes.split_last() {
            exemption = exemption.and(innermost.exempt);
            for ancestor in ancestors.iter().filter(|ancestor| ancestor.reaches_descendants) {
                exemption = exemption.and(ancestor.exempt);
            }
        }
        exemption
    }

    /// The scopes whose limits may apply: the innermost, and all ancestors but those that say that
    /// their descendants are exempt. Whether the innermost overrides them is known only when its
    /// functions were asked.
    fn limiting_scopes(&self) -> impl Iterator<Item = (Class, &'a Rc<ScopeDeclaration>)> {
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

impl Plan {
    pub(crate) fn new(limiter: &Inner, target: Target<'_>) -> Self {
        let settings = &limiter.settings;
        let exemption = target.exemption();
        let mut declarations = Vec::new();
        if !exemption.application && !target.exempt_path {
            declarations.extend(of_class(
                settings,
                &settings.application,
                Class::Application,
                target,
            ));
        }
        if !exemption.defaults && !target.exempt_path {
            declarations.extend(of_class(settings, &settings.defaults, Class::Default, target));
        }
        for (class, scope) in target.limiting_scopes() {
            declarations.extend(of_scope(settings, scope, class, target));
        }
        match target.place {
            Place::Handler(record) => declarations.extend(of_handler(settings, record, target)),
            Place::Endpoint { gate: Some(record), .. } => {
                declarations.extend(of_handler(settings, record, target));
            }
            Place::Endpoint { gate: None, .. } => {}
        }
        let mut plan = Self {
            declarations,
            metas: if exemption.meta { Vec::new() } else { settings.meta_limits.clone() },
            exempt_from_metas: exemption.meta,
            fixed: None,
            asked: RefCell::default(),
        };
        if plan.functions().next().is_none() {
            plan.fixed = Some(Rc::new(plan.rule(limiter, &[])));
        }
        plan
    }

    /// Whether functions have to be called with the request.
    #[inline]
    pub(crate) fn needs_request(&self) -> bool {
        self.fixed.as_ref().is_none_or(|rule| rule.needs_request())
    }

    /// Whether no request is ever charged anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.fixed.as_ref().is_some_and(|rule| rule.limits().is_empty())
    }

    /// The rule of every request, if it is the same for all.
    #[inline]
    pub(crate) fn fixed(&self) -> Option<&Rc<Rule>> {
        self.fixed.as_ref()
    }

    /// The rule of a request; `None` where a function has to be waited for.
    #[inline]
    pub(crate) fn rule_now(&self, limiter: &Inner, request: &HttpRequest) -> Option<Rc<Rule>> {
        match &self.fixed {
            Some(rule) => Some(Rc::clone(rule)),
            None => self.ask_now(limiter, request),
        }
    }

    /// What can be said without a request: the rule for functions that return nothing.
    #[cfg(feature = "cli")]
    pub(crate) fn known(&self, limiter: &Inner) -> Rc<Rule> {
        match &self.fixed {
            Some(rule) => Rc::clone(rule),
            None => {
                let blanks: Answers = self.functions().map(|_| Cow::Borrowed("")).collect();
                Rc::new(self.rule(limiter, &blanks))
            }
        }
    }

    /// The functions that return limits: who declared each, and what a log calls it.
    #[cfg(feature = "cli")]
    pub(crate) fn asked(&self) -> impl Iterator<Item = (Class, &str)> {
        self.declarations
            .iter()
            .filter(|declaration| declaration.applies && matches!(declaration.text, Text::Asked(_)))
            .map(|declaration| (declaration.class, &*declaration.about))
    }

    fn ask_now(&self, limiter: &Inner, request: &HttpRequest) -> Option<Rc<Rule>> {
        let answers: Option<Answers> =
            self.functions().map(|function| function.now(request)).collect();
        answers.map(|answers| self.remembered(limiter, answers))
    }

    /// The rule of a request, whatever has to be waited for.
    pub(crate) async fn rule_for(&self, limiter: &Inner, request: &HttpRequest) -> Rc<Rule> {
        if let Some(rule) = &self.fixed {
            return Rc::clone(rule);
        }
        let mut answers = Answers::new();
        for function in self.functions() {
            answers.push(function.call(request).await);
        }
        self.remembered(limiter, answers)
    }

    /// The functions that are asked for limits and scopes.
    fn functions(&self) -> impl Iterator<Item = &Function<Cow<'static, str>>> {
        self.declarations.iter().filter(|declaration| declaration.applies).flat_map(|declaration| {
            let text = match &declaration.text {
                Text::Asked(function) => Some(function),
                Text::Known(_) => None,
            };
            text.into_iter().chain(&declaration.part)
        })
    }

    fn remembered(&self, limiter: &Inner, answers: Answers) -> Rc<Rule> {
        if let Some(rule) = self.asked.borrow().get(&answers) {
            return Rc::clone(rule);
        }
        let rule = Rc::new(self.rule(limiter, &answers));
        if answers.iter().map(|answer| answer.len()).sum::<usize>() > LONGEST_REMEMBERED {
            return rule;
        }
        let mut asked = self.asked.borrow_mut();
        if asked.len() >= REMEMBERED {
            asked.clear();
        }
        asked.insert(answers, Rc::clone(&rule));
        rule
    }

    /// The rule for what the functions answered.
    fn rule(&self, limiter: &Inner, answers: &[Cow<'static, str>]) -> Rule {
        let mut answers = answers.iter().map(|answer| &**answer);
        let mut invalid = false;
        let answered: Vec<Answered<'_>> = self
            .declarations
            .iter()
            .map(|declaration| {
                let quotas = declaration.quotas(limiter, &mut answers);
                invalid |= quotas.is_err();
                let scope = declaration.full_scope(&mut answers);
                Answered { declaration, quotas: quotas.unwrap_or_default(), scope }
            })
            .collect();
        let invalid =
            invalid && matches!(limiter.settings.invalid_dynamic_limit, InvalidLimit::Deny);

        let overridden = |class: Class| {
            let overrides = |answered: &&Answered<'_>| {
                answered.applies() && answered.declaration.terms.overrides_defaults
            };
            let overriding = |classes: &[Class]| {
                answered
                    .iter()
                    .filter(|other| classes.contains(&other.declaration.class))
                    .any(|other| overrides(&other))
            };
            match class {
                Class::Application | Class::Own => false,
                Class::Scope => overriding(&[Class::Own]),
                Class::OuterScope => overriding(&[Class::Own, Class::Scope]),
                Class::Default => overriding(&[Class::Own, Class::Scope, Class::OuterScope]),
            }
        };
        let mut limits: Vec<(usize, RuleLimit)> = numbered(&answered)
            .filter(|(place, ..)| {
                let answered = &answered[*place];
                answered.declaration.applies && !overridden(answered.declaration.class)
            })
            .map(|(place, limit, shadow)| (place, answered[place].declaration.limit(limit, shadow)))
            .collect();
        limits.sort_by_key(|(_, limit)| limit.limit.quota().window_micros());
        let metas = self.meta_limits(&limiter.settings, &mut limits);
        let limits = limits.into_iter().map(|(_, limit)| limit).chain(metas).collect();
        Rule::new(limits, invalid)
    }

    /// The meta limits for the breaches of these limits, which are told where to find them.
    fn meta_limits(
        &self,
        settings: &Settings,
        limits: &mut [(usize, RuleLimit)],
    ) -> Vec<RuleLimit> {
        let mut metas = Vec::new();
        if self.exempt_from_metas || !limits.iter().any(|(_, limit)| limit.is_enforced()) {
            return metas;
        }
        let first = limits.len();
        let mut declared: HashMap<usize, Box<[usize]>> = HashMap::default();
        for (index, (place, limit)) in limits.iter().enumerate() {
            if !limit.is_enforced() || declared.contains_key(place) {
                continue;
            }
            let of_limit = &self.declarations[*place].terms.meta;
            let before = metas.len();
            for meta in of_limit {
                metas.extend(of_meta(settings, meta, LimitKey::SameAs(index), false));
            }
            declared.insert(*place, (first + before..first + metas.len()).collect());
        }
        for (place, limit) in limits.iter_mut().filter(|(_, limit)| limit.is_enforced()) {
            limit.metas = declared.get(place).cloned().unwrap_or_default();
        }
        for meta in &self.metas {
            metas.extend(of_meta(settings, meta, LimitKey::Limiter, true));
        }
        metas
    }
}

/// A declaration, and what its functions answered.
struct Answered<'a> {
    declaration: &'a Declaration,
    quotas: Vec<Quota>,
    scope: Scope,
}

impl Answered<'_> {
    /// Whether it limits anything.
    fn applies(&self) -> bool {
        self.declaration.applies && !self.quotas.is_empty()
    }
}

impl Declaration {
    fn quotas<'a>(
        &self,
        limiter: &Inner,
        answers: &mut impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Quota>, ()> {
        let answer = match &self.text {
            Text::Known(quotas) => return Ok(quotas.clone()),
            Text::Asked(_) if !self.applies => return Ok(Vec::new()),
            Text::Asked(_) => answers.next().unwrap_or_default(),
        };
        if answer.is_empty() {
            return Ok(Vec::new());
        }
        self.parse(limiter, answer).map_err(|problem| {
            if !self.complained.replace(true) {
                tracing::error!(
                    limit = answer,
                    "{} was not understood and does not apply: {problem}",
                    self.about
                );
            }
        })
    }

    fn parse(&self, limiter: &Inner, text: &str) -> Result<Vec<Quota>, String> {
        let quotas = notation::parse_many(text).map_err(|error| error.to_string())?;
        for quota in &quotas {
            // A cost above the amount is no mistake here: such a limit admits nobody.
            check_enforceable(quota, self.strategy, limiter.storage())?;
        }
        Ok(quotas)
    }

    fn full_scope<'a>(&self, answers: &mut impl Iterator<Item = &'a str>) -> Scope {
        let mut scope = self.scope.clone();
        if self.part.is_some() && self.applies {
            scope = scope.part(answers.next().unwrap_or_default());
        }
        match self.method {
            Some(method) => scope.part(method),
            None => scope,
        }
    }

    fn limit(&self, limit: Limit, is_candidate: bool) -> RuleLimit {
        let terms = &self.terms;
        let mut rule_limit = RuleLimit::plain(&self.label, limit, LimitKey::Limiter);
        if let Some(name) = &terms.name {
            rule_limit.name = name.as_ref().into();
        }
        if is_candidate {
            rule_limit.name = format!("{}-candidate", rule_limit.name).into();
        }
        if is_candidate || terms.shadow {
            rule_limit.role = Role::Shadow;
        }
        RuleLimit {
            class: self.class,
            shared: self.shared,
            scope_is_asked: self.part.is_some(),
            key: terms.key.clone().map_or(LimitKey::Limiter, LimitKey::Own),
            cost: terms.cost.clone(),
            exempt_when: terms.exempt_when.clone(),
            deduct_when: terms.deduct_when.clone(),
            cost_after: terms.cost_after.clone(),
            on_breach: terms.on_breach.clone(),
            error_message: terms.error_message.clone(),
            on_store_error: terms.on_store_error,
            ..rule_limit
        }
    }
}

fn of_class(
    settings: &Settings,
    limits: &LimitClass,
    class: Class,
    target: Target<'_>,
) -> Vec<Declaration> {
    let (label, scope) = match (class, target.place) {
        (Class::Application, _) => ("application", settings.scope("application")),
        (_, Place::Handler(record)) => ("default", settings.scope_of_handler("default", record)),
        (_, Place::Endpoint { name, .. }) => ("default", settings.scope("default").part(name)),
    };
    // The name of an endpoint without a gate has the method in it.
    let has_method = class == Class::Default && matches!(target.place, Place::Endpoint { .. });
    let method = (limits.terms.per_method && !has_method).then_some(target.counted);
    let mut listed: Vec<Quota> = Vec::new();
    limits
        .texts
        .iter()
        .enumerate()
        .map(|(index, text)| Declaration {
            class,
            // "A default repeated in the list counts once", as in the reference.
            text: match text {
                Text::Known(quotas) => {
                    let new: Vec<Quota> =
                        quotas.iter().filter(|quota| !listed.contains(quota)).copied().collect();
                    listed.extend(&new);
                    Text::Known(new)
                }
                Text::Asked(_) => text.clone(),
            },
            scope: dynamic_part(scope.clone(), text, index),
            part: None,
            method,
            strategy: settings.strategy,
            shared: class == Class::Application,
            applies: true,
            label: label.into(),
            about: format!("a function of `{label}_limits`").into(),
            complained: Cell::new(false),
            terms: LimitTerms { overrides_defaults: false, ..limits.terms.clone() },
        })
        .collect()
}

fn of_scope(
    settings: &Settings,
    declared: &ScopeDeclaration,
    class: Class,
    target: Target<'_>,
) -> Vec<Declaration> {
    let base = match (declared.shared, target.place) {
        (true, _) => settings.scope("scope"),
        (false, Place::Handler(record)) => settings.handler_scope(record).part("scope"),
        (false, Place::Endpoint { name, .. }) => {
            settings.scope("endpoint").part(name).part("scope")
        }
    };
    let scope = base.part(&declared.name);
    let terms = &declared.terms;
    declared
        .texts
        .iter()
        .enumerate()
        .map(|(index, text)| Declaration {
            class,
            text: text.clone(),
            scope: dynamic_part(scope.clone(), text, index),
            part: None,
            method: terms.per_method.then_some(target.counted),
            strategy: terms.strategy.unwrap_or(settings.strategy),
            shared: declared.shared,
            applies: is_listed(&terms.methods, target.method),
            label: declared.name.clone(),
            about: format!("a function of the scope `{}`", declared.name).into(),
            complained: Cell::new(false),
            terms: terms.clone(),
        })
        .collect()
}

fn of_handler(
    settings: &Settings,
    record: &'static HandlerRecord,
    target: Target<'_>,
) -> Vec<Declaration> {
    let own = |(index, declared): (usize, &LimitRecord)| {
        let handler = settings.handler_scope(record);
        let (scope, shared, label) = match declared.scope {
            ScopeRecord::Handler => (handler, false, record.name()),
            ScopeRecord::HandlerPart(part) => (handler.part(part), false, record.name()),
            ScopeRecord::HandlerPartBy => (handler.part("function"), false, record.name()),
            ScopeRecord::Shared(name) => (settings.scope("shared").part(name), true, name),
            ScopeRecord::SharedBy => (settings.scope("shared-by"), true, record.name()),
        };
        let text = Text::from(declared.source);
        let mut terms = LimitTerms::from(declared);
        let mut applies = is_listed(&terms.methods, target.method);
        if let Place::Endpoint { .. } = target.place {
            // In front of the gate it counts, and overrides nothing.
            applies &= declared.counts_in_front();
            terms.overrides_defaults = false;
        }
        Declaration {
            class: Class::Own,
            scope: dynamic_part(scope, &text, index),
            text,
            part: declared.scope_by.map(Function::Declared),
            method: declared.per_method.then_some(target.counted),
            strategy: declared.strategy.unwrap_or(settings.strategy),
            shared,
            applies,
            label: label.into(),
            about: format!(
                "a function that limits `{}` ({}:{})",
                record.handler(),
                record.file(),
                record.line()
            )
            .into(),
            complained: Cell::new(false),
            terms,
        }
    };
    record.limits().iter().enumerate().map(own).collect()
}

/// A dynamic limit has counters apart from others of its scope, so that the number of another
/// limit never depends on what a function says.
fn dynamic_part(scope: Scope, text: &Text, index: usize) -> Scope {
    match text {
        Text::Known(_) => scope,
        Text::Asked(_) => scope.part("dynamic").part(&index.to_string()),
    }
}

/// The limiter's limits on the breaches of all others.
#[cfg(feature = "cli")]
pub(crate) fn global_metas(settings: &Settings) -> Vec<RuleLimit> {
    let of_all = |meta| of_meta(settings, meta, LimitKey::Limiter, true);
    settings.meta_limits.iter().flat_map(of_all).collect()
}

/// The limits of one meta limit. Its text was checked when it was declared or built.
fn of_meta(
    settings: &Settings,
    meta: &MetaLimit,
    key: LimitKey,
    global: bool,
) -> impl Iterator<Item = RuleLimit> {
    let (quotas, block) = meta.parse().unwrap_or_default();
    let key = meta.own_key().map_or(key, LimitKey::Own);
    // As in the reference: meta limits of the same words count the same breaches.
    let scope = settings.scope("meta").part(meta.text());
    quotas.into_iter().map(move |quota| {
        let counter = Limit::new(quota, settings.strategy, &scope);
        let (limit, counter, tested) = match block {
            Some(block) => {
                let scope = scope.clone().part("block").part(&quota.to_string());
                (Limit::new(block, Strategy::FixedWindow, &scope), Some(counter), 1)
            }
            None => (counter, None, meta.cost),
        };
        let own = meta.on_breach.map(|callback| Arc::new(callback) as OnBreach);
        let on_breach = own.or_else(|| settings.on_meta_breach.clone());
        RuleLimit {
            name: format!("meta-{quota}").replace(' ', "-").into(),
            role: Role::Meta(MetaRole { counter, cost: meta.cost, global }),
            shared: true,
            cost: Cost::Fixed(tested),
            exempt_when: meta.exemption(),
            on_breach,
            ..RuleLimit::plain("meta", limit, key.clone())
        }
    })
}

/// Limits of one scope, strategy and window are numbered: `10/minute;5/minute` are two counters.
/// The very same quota twice is one counter, charged twice, as in the reference.
///
/// Limits that do not apply to the method are numbered too, so that one has the same counter
/// whatever the method. Yields the place of the declaration, the limit, and whether it is but a
/// candidate.
fn numbered<'a>(answered: &'a [Answered<'_>]) -> impl Iterator<Item = (usize, Limit, bool)> + 'a {
    let mut seen: Vec<(Quota, Strategy, Scope)> = Vec::new();
    let quotas = answered.iter().enumerate().flat_map(|(place, answered)| {
        let live = answered.quotas.iter().map(|quota| (quota, answered.scope.clone(), false));
        let candidate = answered.scope.clone().part("candidate");
        let tried = answered.declaration.terms.candidate.iter();
        live.chain(tried.map(move |quota| (quota, candidate.clone(), true))).map(
            move |(quota, scope, candidate)| {
                (place, *quota, scope, answered.declaration.strategy, candidate)
            },
        )
    });
    quotas.map(move |(place, quota, scope, strategy, candidate)| {
        let rivals: Vec<&Quota> = seen
            .iter()
            .filter(|(other, by, within)| {
                (other.window_micros(), *by, within) == (quota.window_micros(), strategy, &scope)
            })
            .map(|(other, ..)| other)
            .collect();
        let ordinal = rivals.iter().position(|rival| **rival == quota).unwrap_or(rivals.len());
        let is_new = ordinal == rivals.len();
        // A list of limits never has four billion entries.
        let limit = Limit::with_ordinal(quota, strategy, &scope, ordinal as u32);
        if is_new {
            seen.push((quota, strategy, scope));
        }
        (place, limit, candidate)
    })
}

/// Whether a quota can be enforced: by its strategy, by the storage, and at its cost.
pub(crate) fn check_quota(
    quota: &Quota,
    strategy: Strategy,
    storage: &dyn Storage,
    cost: &Cost,
) -> Result<(), String> {
    check_enforceable(quota, strategy, storage)?;
    match cost {
        Cost::Fixed(cost) if quota.amount() > 0 && *cost > quota.capacity() => Err(format!(
            "expected a cost of at most {}, found {cost}: under `{quota}` no request would ever be \
             admitted",
            quota.capacity()
        )),
        _ => Ok(()),
    }
}

/// Whether a quota can be enforced by its strategy and by the storage.
fn check_enforceable(
    quota: &Quota,
    strategy: Strategy,
    storage: &dyn Storage,
) -> Result<(), String> {
    strategy.check(quota).map_err(|unsupported| unsupported.to_string())?;
    if !storage.supports(strategy) {
        return Err(format!(
            "expected a strategy that the storage {} supports, found `{strategy}`; choose another \
             strategy or another storage",
            storage.name()
        ));
    }
    storage.check_quota(strategy, quota).map_err(|error| error.to_string())
}
