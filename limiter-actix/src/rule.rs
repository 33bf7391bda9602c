//! Which limits apply: declarations made ready to be charged.

use actix_web::http::Method;
use limiter_core::{Limit, Quota, Scope, Strategy};

use crate::{
    config::{LimitClass, Settings},
    headers,
    record::{CostRecord, HandlerRecord, KeyFn, LimitRecord, ScopeRecord},
};

/// Every limit that applies to the requests of one handler and method, or of one undecorated
/// endpoint: shortest window first.
#[derive(Debug)]
pub(crate) struct Rule {
    limits: Box<[RuleLimit]>,
    /// The `RateLimit-Policy` field, the same for all responses.
    policy_field: Option<actix_web::http::header::HeaderValue>,
    /// Whether every key and cost is known without waiting.
    immediate: bool,
}

/// One limit of a rule.
pub(crate) struct RuleLimit {
    pub(crate) limit: Limit,
    /// The policy's name in headers, bodies and reports: printable ASCII.
    pub(crate) name: Box<str>,
    /// Whether handlers share its counter.
    pub(crate) shared: bool,
    /// The limit's own key function; the limiter's where there is none.
    pub(crate) key: Option<KeyFn>,
    pub(crate) cost: CostRecord,
    pub(crate) error_message: Option<&'static str>,
}

impl Rule {
    /// The rule of an endpoint without a gate: application and default limits.
    pub(crate) fn of_endpoint(settings: &Settings, endpoint: &str, method: &str) -> Self {
        let mut limits = application_limits(settings, method);
        // The endpoint's name already has the method in it.
        limits.extend(class_limits(settings, &settings.defaults, Class::Default(endpoint), ""));
        Self::new(limits)
    }

    /// The rule of a decorated handler; on an exempt path, only the handler's own limits.
    pub(crate) fn of_handler(
        settings: &Settings,
        record: &'static HandlerRecord,
        method: &Method,
        exempt_path: bool,
    ) -> Self {
        let counted = CountedMethod::of(method).name();
        let mut limits = Vec::new();
        if !record.exempt().application && !exempt_path {
            limits.extend(application_limits(settings, counted));
        }
        let keeps_defaults = record
            .limits()
            .iter()
            .filter(|limit| applies_to(limit, method))
            .all(|limit| !limit.override_defaults);
        if keeps_defaults && !record.exempt().defaults && !exempt_path {
            let class = Class::Default(record.handler());
            limits.extend(class_limits(settings, &settings.defaults, class, counted));
        }
        limits.extend(own_limits(settings, record, method));
        Self::new(limits)
    }

    fn new(mut limits: Vec<RuleLimit>) -> Self {
        limits.sort_by_key(|limit| limit.limit.quota().window_micros());
        let immediate = limits.iter().all(|limit| {
            !matches!(limit.key, Some(KeyFn::Async(_)))
                && !matches!(limit.cost, CostRecord::Async(_))
        });
        let policy_field = headers::policy_field(&limits);
        Self { limits: limits.into_boxed_slice(), policy_field, immediate }
    }

    pub(crate) fn limits(&self) -> &[RuleLimit] {
        &self.limits
    }

    pub(crate) fn policy_field(&self) -> Option<&actix_web::http::header::HeaderValue> {
        self.policy_field.as_ref()
    }

    pub(crate) fn is_immediate(&self) -> bool {
        self.immediate
    }
}

impl std::fmt::Debug for RuleLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleLimit")
            .field("name", &self.name)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The method under which a request is counted: `HEAD` is `GET` without a body, so it may not be
/// a second budget. Methods that Actix has no name for count as one, so that a client cannot
/// invent budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum CountedMethod {
    Get,
    Post,
    Put,
    Delete,
    Patch,
    Options,
    Connect,
    Trace,
    Query,
    Other,
}

impl CountedMethod {
    #[inline]
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Get,
            Method::POST => Self::Post,
            Method::PUT => Self::Put,
            Method::DELETE => Self::Delete,
            Method::PATCH => Self::Patch,
            Method::OPTIONS => Self::Options,
            Method::CONNECT => Self::Connect,
            Method::TRACE => Self::Trace,
            // `http` 0.2 has no constant for it.
            _ if method.as_str() == "QUERY" => Self::Query,
            _ => Self::Other,
        }
    }

    /// The name in counters.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Options => "OPTIONS",
            Self::Connect => "CONNECT",
            Self::Trace => "TRACE",
            Self::Query => "QUERY",
            Self::Other => "other",
        }
    }
}

/// Where a limiter-wide limit counts.
#[derive(Clone, Copy)]
enum Class<'a> {
    /// One counter for the whole application.
    Application,
    /// One counter per endpoint.
    Default(&'a str),
}

fn application_limits(settings: &Settings, method: &str) -> Vec<RuleLimit> {
    class_limits(settings, &settings.application, Class::Application, method)
}

fn class_limits(
    settings: &Settings,
    class: &LimitClass,
    counts: Class<'_>,
    method: &str,
) -> Vec<RuleLimit> {
    let (kind, scope) = match counts {
        Class::Application => ("application", settings.scope("application")),
        Class::Default(endpoint) => ("default", settings.scope("default").part(endpoint)),
    };
    let scope = per_method(scope, class.per_method && !method.is_empty(), method);
    let quotas = class.quotas.iter().map(|quota| (*quota, settings.strategy, &scope));
    // "A default repeated in the list counts once", as in the reference.
    let mut seen = Vec::new();
    numbered(quotas)
        .filter(|(limit, _)| {
            let new = !seen.contains(limit.quota());
            seen.push(*limit.quota());
            new
        })
        .map(|(limit, quota)| RuleLimit {
            name: policy_name(kind, &quota),
            limit,
            shared: matches!(counts, Class::Application),
            key: None,
            cost: CostRecord::Fixed(class.cost),
            error_message: None,
        })
        .collect()
}

fn own_limits(
    settings: &Settings,
    record: &'static HandlerRecord,
    method: &Method,
) -> Vec<RuleLimit> {
    let handler = settings.handler_scope(record);
    let written: Vec<(&LimitRecord, Quota, Scope)> = record
        .limits()
        .iter()
        .flat_map(|limit| {
            let scope = match limit.scope {
                ScopeRecord::Handler => handler.clone(),
                ScopeRecord::HandlerPart(part) => handler.clone().part(part),
                ScopeRecord::Shared(name) => settings.scope("shared").part(name),
            };
            let scope = per_method(scope, limit.per_method, CountedMethod::of(method).name());
            limit.quotas().into_iter().map(move |quota| (limit, quota, scope.clone()))
        })
        .collect();
    let strategy = |limit: &LimitRecord| limit.strategy.unwrap_or(settings.strategy);
    // Numbered before the method filter, so that a limit has one counter whatever the method.
    numbered(written.iter().map(|(limit, quota, scope)| (*quota, strategy(limit), scope)))
        .zip(&written)
        .filter(|(_, (limit, ..))| applies_to(limit, method))
        .map(|((limit, quota), (declared, ..))| RuleLimit {
            name: match declared.name {
                Some(name) => name.into(),
                None => policy_name(short_name(record, declared.scope), &quota),
            },
            limit,
            shared: matches!(declared.scope, ScopeRecord::Shared(_)),
            key: declared.key,
            cost: declared.cost,
            error_message: declared.error_message,
        })
        .collect()
}

/// Limits of one scope, strategy and window are numbered: `10/minute;5/minute` are two counters.
/// The very same quota twice is one counter, charged twice, as in the reference.
fn numbered<'a>(
    quotas: impl Iterator<Item = (Quota, Strategy, &'a Scope)>,
) -> impl Iterator<Item = (Limit, Quota)> {
    let mut seen: Vec<(Quota, Strategy, &Scope)> = Vec::new();
    quotas.map(move |(quota, strategy, scope)| {
        let rivals: Vec<&Quota> = seen
            .iter()
            .filter(|(other, by, within)| {
                (other.window_micros(), by, within) == (quota.window_micros(), &strategy, &scope)
            })
            .map(|(other, ..)| other)
            .collect();
        let ordinal = rivals.iter().position(|rival| **rival == quota).unwrap_or(rivals.len());
        if ordinal == rivals.len() {
            seen.push((quota, strategy, scope));
        }
        // A list of limits never has four billion entries.
        (Limit::with_ordinal(quota, strategy, scope, ordinal as u32), quota)
    })
}

fn per_method(scope: Scope, per_method: bool, method: &str) -> Scope {
    if per_method { scope.part(method) } else { scope }
}

/// Whether a declared limit applies to requests of a method. `GET` in the list means `HEAD` too.
pub(crate) fn applies_to(limit: &LimitRecord, method: &Method) -> bool {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    limit.methods.is_empty() || limit.methods.contains(&method)
}

fn short_name(record: &'static HandlerRecord, scope: ScopeRecord) -> &'static str {
    match scope {
        ScopeRecord::Shared(name) => name,
        ScopeRecord::Handler | ScopeRecord::HandlerPart(_) => record.name(),
    }
}

/// `slow-per-day`, `mysql-per-2-hours`: what a policy is called that was given no name.
///
/// The names travel as RFC 9651 Strings, so anything but printable ASCII becomes a hyphen.
fn policy_name(of: &str, quota: &Quota) -> Box<str> {
    let window = match quota.multiples() {
        1 => quota.unit().to_string(),
        multiples => format!("{multiples}-{}s", quota.unit()),
    };
    let of: String = of
        .chars()
        .map(|char| if char.is_ascii_graphic() && !"\"\\".contains(char) { char } else { '-' })
        .collect();
    format!("{of}-per-{window}").into_boxed_str()
}
