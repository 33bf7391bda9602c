//! The limits that an attribute, a scope or the limiter declares, and their numbers.

use std::{borrow::Cow, cell::Cell};

use limiter_core::{Limit, Quota, Scope, Strategy, notation};

use super::{
    rule::{LimitKey, RuleLimit},
    target::{Class, Place, Target},
};
use crate::{
    declare::{
        Function, HandlerRecord, LimitOptions, LimitRecord, LimitText, ScopeDeclaration,
        ScopeRecord, check_enforceable, is_listed,
    },
    limit::{Policy, Role, policy_name},
    limiter::{LimitClass, Limiter, Settings, namespace},
};

/// The limits of one attribute, of one scope or of the limiter itself.
pub(super) struct Declaration {
    pub(super) class: Class,
    pub(super) text: LimitText,
    scope: Scope,
    /// A function that returns part of the scope.
    pub(super) part: Option<Function<Cow<'static, str>>>,
    /// The method, if each method has separate counters.
    method: Option<&'static str>,
    pub(super) options: LimitOptions,
    strategy: Strategy,
    shared: bool,
    /// Whether it applies to the method of the plan.
    pub(super) applies: bool,
    /// The first part of the policies' names.
    label: Box<str>,
    /// Its name in the log: `a function that limits shop::search (src/shop.rs:7)`.
    pub(super) about: Box<str>,
    /// Whether an invalid limit was logged.
    is_reported: Cell<bool>,
}

/// A declaration, and the results of its functions.
pub(super) struct Answered<'a> {
    pub(super) declaration: &'a Declaration,
    pub(super) quotas: Vec<Quota>,
    pub(super) scope: Scope,
}

impl Answered<'_> {
    /// Whether it limits anything.
    pub(super) fn applies(&self) -> bool {
        self.declaration.applies && !self.quotas.is_empty()
    }
}

impl Declaration {
    pub(super) fn quotas<'a>(
        &self,
        limiter: &Limiter,
        answers: &mut impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Quota>, ()> {
        let answer = match &self.text {
            LimitText::Fixed(quotas) => return Ok(quotas.clone()),
            LimitText::Dynamic(_) if !self.applies => return Ok(Vec::new()),
            LimitText::Dynamic(_) => answers.next().unwrap_or_default(),
        };
        if answer.is_empty() {
            return Ok(Vec::new());
        }
        self.parse(limiter, answer).map_err(|problem| {
            if !self.is_reported.replace(true) {
                tracing::error!(
                    limit = answer,
                    "{} returned an invalid limit, which does not apply: {problem}",
                    self.about
                );
            }
        })
    }

    fn parse(&self, limiter: &Limiter, text: &str) -> Result<Vec<Quota>, String> {
        let quotas = notation::parse_many(text).map_err(|error| error.to_string())?;
        for quota in &quotas {
            // A cost above the amount is not an error here: such a limit denies all requests.
            check_enforceable(quota, self.strategy, limiter.storage())?;
        }
        Ok(quotas)
    }

    pub(super) fn full_scope<'a>(&self, answers: &mut impl Iterator<Item = &'a str>) -> Scope {
        let mut scope = self.scope.clone();
        if self.part.is_some() && self.applies {
            scope = scope.part(answers.next().unwrap_or_default());
        }
        match self.method {
            Some(method) => scope.part(method),
            None => scope,
        }
    }

    pub(super) fn limit(&self, limit: Limit, is_candidate: bool) -> RuleLimit {
        let options = &self.options;
        let mut name = match &options.name {
            Some(name) => name.as_ref().into(),
            None => policy_name(&self.label, limit.quota()),
        };
        if is_candidate {
            name = format!("{name}-candidate").into();
        }
        let is_shadow = is_candidate || options.shadow;
        let role = if is_shadow { Role::Shadow } else { Role::Enforce };
        let policy = Policy::new(name, limit, role, self.class.origin()).shared(self.shared);
        RuleLimit {
            has_dynamic_scope: self.part.is_some(),
            cost: options.cost.clone(),
            exempt_when: options.exempt_when.clone(),
            deduct_when: options.deduct_when.clone(),
            cost_after: options.cost_after.clone(),
            on_breach: options.on_breach.clone(),
            error_message: options.error_message.clone(),
            on_store_error: options.on_store_error,
            ..RuleLimit::plain(policy, options.key.clone().map_or(LimitKey::Limiter, LimitKey::Own))
        }
    }
}

pub(super) fn limiter_declarations(
    settings: &Settings,
    limits: &LimitClass,
    class: Class,
    target: Target<'_>,
) -> Vec<Declaration> {
    let (label, scope) = match (class, target.place) {
        (Class::Application, _) => ("application", settings.namespace.application()),
        (_, Place::Handler(record)) => ("default", settings.namespace.default_of_handler(record)),
        (_, Place::Endpoint { name, .. }) => {
            ("default", settings.namespace.default_of_endpoint(name))
        }
    };
    // The name of an endpoint without a gate contains the method.
    let has_method = class == Class::Default && matches!(target.place, Place::Endpoint { .. });
    let method = (limits.options.per_method && !has_method).then_some(target.counted);
    let mut listed: Vec<Quota> = Vec::new();
    limits
        .texts
        .iter()
        .enumerate()
        .map(|(index, text)| Declaration {
            class,
            // "A default repeated in the list counts once", as in the reference.
            text: match text {
                LimitText::Fixed(quotas) => {
                    let new: Vec<Quota> =
                        quotas.iter().filter(|quota| !listed.contains(quota)).copied().collect();
                    listed.extend(&new);
                    LimitText::Fixed(new)
                }
                LimitText::Dynamic(_) => text.clone(),
            },
            scope: scope_of(text, scope.clone(), index),
            part: None,
            method,
            strategy: settings.limits.strategy,
            shared: class == Class::Application,
            applies: true,
            label: label.into(),
            about: format!("a function of `{label}_limits`").into(),
            is_reported: Cell::new(false),
            options: LimitOptions { overrides_defaults: false, ..limits.options.clone() },
        })
        .collect()
}

pub(super) fn scope_declarations(
    settings: &Settings,
    declared: &ScopeDeclaration,
    class: Class,
    target: Target<'_>,
) -> Vec<Declaration> {
    let namespace = &settings.namespace;
    let scope = match (declared.shared, target.place) {
        (true, _) => namespace.shared_scope(&declared.name),
        (false, Place::Handler(record)) => namespace.scope_of_handler(&declared.name, record),
        (false, Place::Endpoint { name, .. }) => namespace.scope_of_endpoint(&declared.name, name),
    };
    let options = &declared.options;
    declared
        .texts
        .iter()
        .enumerate()
        .map(|(index, text)| Declaration {
            class,
            text: text.clone(),
            scope: scope_of(text, scope.clone(), index),
            part: None,
            method: options.per_method.then_some(target.counted),
            strategy: options.strategy.unwrap_or(settings.limits.strategy),
            shared: declared.shared,
            applies: is_listed(&options.methods, target.method),
            label: declared.name.clone(),
            about: format!("a function of the scope `{}`", declared.name).into(),
            is_reported: Cell::new(false),
            options: options.clone(),
        })
        .collect()
}

pub(super) fn handler_declarations(
    settings: &Settings,
    record: &'static HandlerRecord,
    target: Target<'_>,
) -> Vec<Declaration> {
    let own = |(index, declared): (usize, &LimitRecord)| {
        let namespace = &settings.namespace;
        let (scope, shared, label) = match declared.scope {
            ScopeRecord::Handler => (namespace.handler(record), false, record.name()),
            ScopeRecord::HandlerPart(part) => {
                (namespace.handler_part(record, part), false, record.name())
            }
            ScopeRecord::HandlerPartBy => (namespace.handler_part_by(record), false, record.name()),
            ScopeRecord::Shared(name) => (namespace.shared(name), true, name),
            ScopeRecord::SharedBy => (namespace.shared_by(), true, record.name()),
        };
        let text = LimitText::from(declared.source);
        let mut options = LimitOptions::from(declared);
        let mut applies = is_listed(&options.methods, target.method);
        if let Place::Endpoint { .. } = target.place {
            // In front of the gate it counts, but overrides nothing.
            applies &= declared.counts_in_front();
            options.overrides_defaults = false;
        }
        Declaration {
            class: Class::Own,
            scope: scope_of(&text, scope, index),
            text,
            part: declared.scope_by.map(Function::Declared),
            method: declared.per_method.then_some(target.counted),
            strategy: declared.strategy.unwrap_or(settings.limits.strategy),
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
            is_reported: Cell::new(false),
            options,
        }
    };
    record.limits().iter().enumerate().map(own).collect()
}

fn scope_of(text: &LimitText, scope: Scope, index: usize) -> Scope {
    match text {
        LimitText::Fixed(_) => scope,
        LimitText::Dynamic(_) => namespace::dynamic(scope, index),
    }
}

/// Numbers the limits of one scope, strategy and window: `10/minute;5/minute` are two counters.
/// Exactly the same quota twice is one counter, charged twice, as in the reference.
///
/// Limits that do not apply to the method are numbered too, so that a limit has the same counter
/// whatever the method. Returns the index of the declaration, the limit, and whether it is a
/// candidate.
pub(super) fn numbered<'a>(
    answered: &'a [Answered<'_>],
) -> impl Iterator<Item = (usize, Limit, bool)> + 'a {
    let mut seen: Vec<(Quota, Strategy, Scope)> = Vec::new();
    let quotas = answered.iter().enumerate().flat_map(|(place, answered)| {
        let live = answered.quotas.iter().map(|quota| (quota, answered.scope.clone(), false));
        let candidate = namespace::candidate(&answered.scope);
        let tried = answered.declaration.options.candidate.iter();
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
