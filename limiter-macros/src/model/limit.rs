//! The limits of one attribute.

use proc_macro2::Span;
use syn::{Error, Expr, LitStr};

use super::{
    kind::Kind,
    options::{Options, expectation},
    source::{Limits, Source},
    value::{Cost, Meta},
};
use crate::{args::Value, errors::Errors};

/// The limits of one attribute, with their options.
pub(crate) struct Limit {
    pub(crate) source: Source,
    pub(crate) options: Options,
}

impl Limit {
    pub(super) fn read(
        kind: Kind,
        span: Span,
        positional: &[Value],
        mut options: Options,
        errors: &mut Errors,
    ) -> Option<Self> {
        for surplus in positional.iter().skip(1) {
            errors.at(surplus, surplus_message(surplus));
        }
        let source = match positional.first() {
            Some(first) => Source::read(kind, first, &mut options, errors),
            // An argument that could not be read may have been the limit.
            None => {
                if errors.is_empty() {
                    errors.push(Error::new(span, Source::missing_message(kind)));
                }
                None
            }
        };
        let limit = Self { source: source?, options };
        limit.check(errors);
        Some(limit)
    }

    /// Checks the limits and the named arguments against each other.
    fn check(&self, errors: &mut Errors) {
        if let Source::Own(Limits::Text(text)) | Source::Shared(Limits::Text(text), _) =
            &self.source
        {
            self.check_quotas(text, errors);
        }
        if let Some(candidate) = &self.options.candidate {
            self.check_quotas(candidate, errors);
        }
        self.check_meta(errors);
        self.check_shadow(errors);
    }

    /// Checks that quotas are well-formed, and that the strategy and the cost permit them.
    fn check_quotas(&self, text: &LitStr, errors: &mut Errors) {
        let quotas = match limiter_core::notation::parse_many(&text.value()) {
            Ok(quotas) => quotas,
            Err(error) => return errors.at(text, error),
        };

        if let Some(strategy) = &self.options.strategy
            && !strategy.has_burst()
            && let Some(quota) = quotas.iter().find(|quota| quota.burst().is_some())
        {
            let name = strategy.literal.value();
            errors.at(
                &strategy.literal,
                format!(
                    "expected no burst for the strategy `{name}`, found `{quota}`: write \
                     `strategy = \"token-bucket\"`, or leave the burst out"
                ),
            );
        }

        // A quota of zero admits nothing, on purpose.
        if let Some(Cost::Fixed(cost, literal)) = &self.options.cost
            && let Some(quota) =
                quotas.iter().find(|quota| quota.amount() > 0 && *cost > quota.capacity())
        {
            errors.at(
                literal,
                format!(
                    "expected a cost of at most {}, found {cost}: under `{quota}` no request would \
                     ever be admitted",
                    quota.capacity()
                ),
            );
        }
    }

    fn check_meta(&self, errors: &mut Errors) {
        let Options { meta, block, .. } = &self.options;
        let metas = meta.as_deref().unwrap_or_default();
        for meta in metas {
            match meta {
                Meta::Text(text) => {
                    if let Err(error) = limiter_core::notation::parse_many(&text.value()) {
                        errors.at(text, error);
                    }
                }
                Meta::Declared(path) if block.is_some() => errors.at(
                    path,
                    "`block` does not apply to a declared `MetaLimit`: call `.block(…)` where it \
                     is declared",
                ),
                Meta::Declared(_) => {}
            }
        }
        if let Some(block) = block
            && metas.is_empty()
        {
            errors.at(
                block,
                "`block` has no effect without `meta`: add the limit on breaches after which a \
                 client is locked out, such as `meta = \"5/minute\"`",
            );
        }
    }

    /// Reports options that only matter on a denial, where there is none.
    fn check_shadow(&self, errors: &mut Errors) {
        let Options {
            shadow, override_defaults, candidate, on_breach, error_message, meta, ..
        } = &self.options;
        if !shadow.as_ref().is_some_and(|shadow| shadow.value) {
            return;
        }
        let useless = "`shadow = true` never denies, so this has no effect: remove one of the two";
        if let Some(literal) = override_defaults.as_ref().filter(|overrides| overrides.value) {
            errors.at(
                literal,
                "`shadow = true` never denies, so it cannot replace the default limits: remove \
                 `override_defaults`",
            );
        }
        if let Some(candidate) = candidate {
            errors.at(candidate, useless);
        }
        if let Some(on_breach) = on_breach {
            errors.at(on_breach, useless);
        }
        if let Some(message) = error_message {
            errors.at(message, useless);
        }
        if let Some(meta) = meta.as_deref().and_then(<[Meta]>::first) {
            errors.at(meta, useless);
        }
    }
}

/// The message for a second value without a name.
fn surplus_message(surplus: &Value) -> String {
    if surplus.as_string().is_some() {
        return "expected one string with all limits, such as `\"100/day; 10/minute\"`, found \
                another string"
            .to_owned();
    }
    let forgotten = match &surplus.expr {
        Expr::Path(path) => expectation(&path.path),
        _ => None,
    };
    match forgotten {
        Some(expects) => format!("{} needs a value: expected {expects}", surplus.describe()),
        None => format!("expected `name = value`, found {}", surplus.describe()),
    }
}
