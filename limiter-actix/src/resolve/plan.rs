//! The declarations for one handler or endpoint and one method, and the rule that results.

use std::{borrow::Cow, cell::RefCell, rc::Rc};

use actix_web::HttpRequest;
use ahash::HashMap;

use super::{
    declaration::{
        Answered, Declaration, handler_declarations, limiter_declarations, numbered,
        scope_declarations,
    },
    meta::meta_limits,
    rule::{Rule, RuleLimit},
    target::{Class, Place, Target},
};
use crate::{
    declare::{Function, LimitText, MetaLimit},
    limiter::{InvalidLimit, Limiter},
};

/// The declarations for one handler or endpoint and one method.
pub(crate) struct Plan {
    declarations: Vec<Declaration>,
    /// Meta limits of the limiter; `None` where the handler is exempt from all meta limits.
    metas: Option<Vec<MetaLimit>>,
    /// The rule, if no function returns limits or scopes.
    fixed: Option<Rc<Rule>>,
    /// The rules for the results of functions.
    dynamic: RefCell<HashMap<Answers, Rc<Rule>>>,
}

/// The results of a plan's functions, in the order of the declarations.
type Answers = Vec<Cow<'static, str>>;

/// How many rules of one plan a worker caches. If functions return more different texts, the cache
/// is cleared.
const REMEMBERED: usize = 512;

/// Results with more bytes in total are not cached: a scope may be named by a header, and a client
/// must not fill the memory with those.
const LONGEST_REMEMBERED: usize = 1024;

impl Plan {
    pub(crate) fn new(limiter: &Limiter, target: Target<'_>) -> Self {
        let settings = limiter.settings();
        let exemption = target.exemption();
        let mut declarations = Vec::new();
        if !exemption.application && !target.exempt_path {
            declarations.extend(limiter_declarations(
                settings,
                &settings.limits.application,
                Class::Application,
                target,
            ));
        }
        if !exemption.defaults && !target.exempt_path {
            declarations.extend(limiter_declarations(
                settings,
                &settings.limits.defaults,
                Class::Default,
                target,
            ));
        }
        for (class, scope) in target.limiting_scopes() {
            declarations.extend(scope_declarations(settings, scope, class, target));
        }
        match target.place {
            Place::Handler(record) => {
                declarations.extend(handler_declarations(settings, record, target));
            }
            Place::Endpoint { gate: Some(record), .. } => {
                declarations.extend(handler_declarations(settings, record, target));
            }
            Place::Endpoint { gate: None, .. } => {}
        }
        let mut plan = Self {
            declarations,
            metas: (!exemption.meta).then(|| settings.limits.metas.clone()),
            fixed: None,
            dynamic: RefCell::default(),
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

    /// The rule of a request; `None` if a function is async.
    #[inline]
    pub(crate) fn rule_now(&self, limiter: &Limiter, request: &HttpRequest) -> Option<Rc<Rule>> {
        match &self.fixed {
            Some(rule) => Some(Rc::clone(rule)),
            None => self.call_now(limiter, request),
        }
    }

    /// The rule without a request: as if functions returned nothing.
    #[cfg(feature = "cli")]
    pub(crate) fn known(&self, limiter: &Limiter) -> Rc<Rule> {
        match &self.fixed {
            Some(rule) => Rc::clone(rule),
            None => {
                let blanks: Answers = self.functions().map(|_| Cow::Borrowed("")).collect();
                Rc::new(self.rule(limiter, &blanks))
            }
        }
    }

    /// The functions that return limits, by their names in the log.
    #[cfg(feature = "cli")]
    pub(crate) fn dynamic(&self) -> impl Iterator<Item = &str> {
        self.declarations
            .iter()
            .filter(|declaration| {
                declaration.applies && matches!(declaration.text, LimitText::Dynamic(_))
            })
            .map(|declaration| &*declaration.about)
    }

    fn call_now(&self, limiter: &Limiter, request: &HttpRequest) -> Option<Rc<Rule>> {
        let answers: Option<Answers> =
            self.functions().map(|function| function.now(request)).collect();
        answers.map(|answers| self.remembered(limiter, answers))
    }

    /// The rule of a request, awaiting functions if necessary.
    pub(crate) async fn rule_for(&self, limiter: &Limiter, request: &HttpRequest) -> Rc<Rule> {
        if let Some(rule) = &self.fixed {
            return Rc::clone(rule);
        }
        let mut answers = Answers::new();
        for function in self.functions() {
            answers.push(function.call(request).await);
        }
        self.remembered(limiter, answers)
    }

    /// The functions that return limits and scopes.
    fn functions(&self) -> impl Iterator<Item = &Function<Cow<'static, str>>> {
        self.declarations.iter().filter(|declaration| declaration.applies).flat_map(|declaration| {
            let text = match &declaration.text {
                LimitText::Dynamic(function) => Some(function),
                LimitText::Fixed(_) => None,
            };
            text.into_iter().chain(&declaration.part)
        })
    }

    fn remembered(&self, limiter: &Limiter, answers: Answers) -> Rc<Rule> {
        if let Some(rule) = self.dynamic.borrow().get(&answers) {
            return Rc::clone(rule);
        }
        let rule = Rc::new(self.rule(limiter, &answers));
        if answers.iter().map(|answer| answer.len()).sum::<usize>() > LONGEST_REMEMBERED {
            return rule;
        }
        let mut dynamic = self.dynamic.borrow_mut();
        if dynamic.len() >= REMEMBERED {
            dynamic.clear();
        }
        dynamic.insert(answers, Rc::clone(&rule));
        rule
    }

    /// The rule for the results of the functions.
    fn rule(&self, limiter: &Limiter, answers: &[Cow<'static, str>]) -> Rule {
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
            invalid && matches!(limiter.settings().limits.invalid_dynamic, InvalidLimit::Deny);

        let overridden = |class: Class| {
            let overrides = |answered: &&Answered<'_>| {
                answered.applies() && answered.declaration.options.overrides_defaults
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
            .filter(|(index, ..)| {
                let answered = &answered[*index];
                answered.declaration.applies && !overridden(answered.declaration.class)
            })
            .map(|(index, limit, shadow)| (index, answered[index].declaration.limit(limit, shadow)))
            .collect();
        limits.sort_by_key(|(_, limit)| limit.policy.limit().quota().window_micros());
        let metas = self.metas.as_ref().map_or_else(Vec::new, |global| {
            meta_limits(limiter.settings(), &self.declarations, global, &mut limits)
        });
        let limits = limits.into_iter().map(|(_, limit)| limit).chain(metas).collect();
        Rule::new(limits, invalid)
    }
}
