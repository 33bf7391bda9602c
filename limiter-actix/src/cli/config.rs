//! `limiter config`: how a limiter is configured.

use std::io::Write;

use super::Failure;
use crate::{
    config::{LimitClass, MissingIdentity, Settings},
    function::Cost,
    limiter::Limiter,
    meta::MetaLimit,
    rule::Text,
};

/// The option, as the builder calls it, and what it is.
type Line = (&'static str, String);

pub(super) async fn print(limiter: &Limiter, out: &mut impl Write) -> Result<(), Failure> {
    let settings = &limiter.inner().settings;
    let answer = limiter.inner().ask_storage().await;
    let mut lines: Vec<Line> = vec![
        ("enabled", yes(limiter.is_enabled())),
        ("storage", limiter.inner().storage().name().to_owned()),
        ("storage status", if answer.is_ok() { "OK" } else { "Error" }.to_owned()),
        ("strategy", settings.strategy.name().to_owned()),
        ("key_prefix", or_none(&settings.key_prefix)),
    ];
    lines.extend(of_identity(settings));
    lines.extend(of_class("application_limits", &settings.application));
    lines.extend(of_class("default_limits", &settings.defaults));
    lines.extend(settings.meta_limits.iter().map(|meta| ("meta_limits", of_meta(meta))));
    lines.push(("on_breach", function(settings.on_breach.is_some())));
    lines.push(("on_meta_breach", function(settings.on_meta_breach.is_some())));
    lines.push(("fail_on_first_breach", yes(settings.fail_on_first_breach)));
    lines.push(("invalid_dynamic_limit", format!("{:?}", settings.invalid_dynamic_limit)));
    lines.push(("limit_unmatched", yes(settings.limit_unmatched)));
    let mut paths: Vec<&str> = settings.exempt_paths.written().iter().map(String::as_str).collect();
    paths.sort_unstable();
    lines.push(("exempt_path", or_none(&paths.join(", "))));
    lines.extend(settings.access.described());
    lines.extend(settings.headers.described());
    for (option, value) in lines {
        writeln!(out, "{option:<32} {value}")?;
    }
    answer.map_err(|error| Failure::Refused(error.to_string()))
}

fn of_identity(settings: &Settings) -> Vec<Line> {
    let identity = &settings.identity;
    let missing = match &settings.missing_identity {
        MissingIdentity::Deny => "denied with 403",
        MissingIdentity::Fallback(_) => "counted as one client",
        MissingIdentity::Skip => "limits without key are skipped",
    };
    vec![
        ("key", settings.key_name.to_owned()),
        ("missing_identity", missing.to_owned()),
        ("trusted_proxies", identity.proxies.to_string()),
        ("ipv4_prefix", format!("/{}", identity.ipv4_prefix)),
        ("ipv6_prefix", format!("/{}", identity.ipv6_prefix)),
    ]
}

fn of_class(option: &'static str, class: &LimitClass) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for text in &class.texts {
        match text {
            Text::Known(quotas) => {
                lines.extend(quotas.iter().map(|quota| (option, quota.to_string())));
            }
            Text::Asked(_) => lines.push((option, "a function of the request".to_owned())),
        }
    }
    if lines.is_empty() {
        return vec![(option, "none".to_owned())];
    }
    let cost = match class.terms.cost {
        Cost::Fixed(cost) => cost.to_string(),
        Cost::Function(_) => "a function of the request".to_owned(),
    };
    lines.push(("  cost", cost));
    lines.push(("  per_method", yes(class.terms.per_method)));
    lines.push(("  exempt_when", function(class.terms.exempt_when.is_some())));
    lines.push(("  deduct_when", function(class.terms.deduct_when.is_some())));
    lines
}

fn of_meta(meta: &MetaLimit) -> String {
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
