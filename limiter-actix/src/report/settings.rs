//! The configuration of a limiter: each option, under its name in the builder, and its value.

use serde::Serialize;

use crate::{
    declare::{Cost, LimitText, MetaLimit},
    identify::MissingIdentity,
    limiter::{LimitClass, Limiter, Settings},
};

/// One option and its value, in readable form.
#[derive(Debug, Serialize)]
pub(crate) struct OptionValue {
    pub(crate) option: &'static str,
    pub(crate) value: String,
}

/// Every option, group by group as in [`Settings`].
pub(crate) fn options(limiter: &Limiter) -> Vec<OptionValue> {
    let settings = limiter.settings();
    let mut lines: Vec<Line> = vec![("enabled", yes(limiter.is_enabled()))];
    lines.extend(identity(settings));
    lines.extend(settings.access.described());
    lines.extend(limits(settings));
    lines.extend(settings.answers.headers.described());
    lines.push(("on_breach", function(settings.answers.on_breach.is_some())));
    lines.push(("on_meta_breach", function(settings.answers.on_meta_breach.is_some())));
    lines.push(("fail_on_first_breach", yes(settings.answers.fail_on_first_breach)));
    lines.push(("key_prefix", or_none(&settings.namespace.prefix)));
    lines.push(("storage", limiter.storage().name().to_owned()));
    lines.into_iter().map(|(option, value)| OptionValue { option, value }).collect()
}

type Line = (&'static str, String);

fn limits(settings: &Settings) -> Vec<Line> {
    let limits = &settings.limits;
    let mut lines = vec![("strategy", limits.strategy.name().to_owned())];
    lines.extend(class("application_limits", &limits.application));
    lines.extend(class("default_limits", &limits.defaults));
    lines.extend(limits.metas.iter().map(|limit| ("meta_limits", meta(limit))));
    lines.push(("invalid_dynamic_limit", format!("{:?}", limits.invalid_dynamic)));
    lines.push(("limit_unmatched", yes(limits.count_unmatched)));
    let mut paths: Vec<&str> = limits.exempt_paths.written().iter().map(String::as_str).collect();
    paths.sort_unstable();
    lines.push(("exempt_path", or_none(&paths.join(", "))));
    lines
}

fn identity(settings: &Settings) -> Vec<Line> {
    let identity = &settings.identity.addresses;
    let missing = match &settings.identity.missing {
        MissingIdentity::Deny => "denied with 403",
        MissingIdentity::Fallback(_) => "counted as one client",
        MissingIdentity::Skip => "limits without key are skipped",
    };
    vec![
        ("key", public_name(settings.identity.key_name)),
        ("missing_identity", missing.to_owned()),
        ("trusted_proxies", identity.proxies.to_string()),
        ("ipv4_prefix", format!("/{}", identity.ipv4_prefix)),
        ("ipv6_prefix", format!("/{}", identity.ipv6_prefix)),
    ]
}

fn class(option: &'static str, class: &LimitClass) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for text in &class.texts {
        match text {
            LimitText::Fixed(quotas) => {
                lines.extend(quotas.iter().map(|quota| (option, quota.to_string())));
            }
            LimitText::Dynamic(_) => lines.push((option, "a function of the request".to_owned())),
        }
    }
    if lines.is_empty() {
        return vec![(option, "none".to_owned())];
    }
    let cost = match class.options.cost {
        Cost::Fixed(cost) => cost.to_string(),
        Cost::Function(_) => "a function of the request".to_owned(),
    };
    lines.push(("  cost", cost));
    lines.push(("  per_method", yes(class.options.per_method)));
    lines.push(("  exempt_when", function(class.options.exempt_when.is_some())));
    lines.push(("  deduct_when", function(class.options.deduct_when.is_some())));
    lines
}

fn meta(meta: &MetaLimit) -> String {
    match meta.blocks_for() {
        Some(duration) => format!("{}, blocks for {duration}", meta.text()),
        None => meta.text().to_owned(),
    }
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

fn function(is: bool) -> String {
    if is { "a function" } else { "none" }.to_owned()
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "none" } else { text }.to_owned()
}

/// The public path of one of our key functions, whatever its module.
fn public_name(key: &str) -> String {
    match (key.strip_prefix("limiter_actix::"), key.rsplit("::").next()) {
        (Some(_), Some(name)) => format!("limiter_actix::{name}"),
        _ => key.to_owned(),
    }
}
