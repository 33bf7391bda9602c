//! The limits of one attribute.

use proc_macro2::Span;
use syn::{Error, Expr, LitInt, LitStr, Path};

use super::declaration::Kind;
use crate::{
    args::Value,
    errors::Errors,
    options::{Options, expectation},
};

/// The limits of one attribute, and everything said about them.
pub(crate) struct Limit {
    pub(crate) source: Source,
    pub(crate) options: Options,
}

/// Where the quotas come from, and whose counters they share.
pub(crate) enum Source {
    /// `#[limit("10/minute")]`.
    Own(LitStr),
    /// `#[shared_limit("100/hour", scope = "mysql")]`.
    Shared(LitStr, LitStr),
    /// `#[shared_limit(DATABASE)]`.
    Declared(Path),
}

/// `cost = 5` or `cost = cost_of`.
pub(crate) enum Cost {
    Fixed(u64, LitInt),
    Function(Function),
}

/// A function of the request.
pub(crate) struct Function {
    pub(crate) is_async: bool,
    pub(crate) expr: Expr,
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
            // What could not be read is not missing.
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

    /// The rules between the limits and the named arguments.
    fn check(&self, errors: &mut Errors) {
        let (Source::Own(text) | Source::Shared(text, _)) = &self.source else { return };
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
                    "`{quota}` has a burst, which `{name}` cannot keep: write `strategy = \
                     \"token-bucket\"`, or leave the burst out"
                ),
            );
        }

        // A quota of zero blocks whatever the cost is: that was meant.
        if let Some(Cost::Fixed(cost, literal)) = &self.options.cost
            && let Some(quota) =
                quotas.iter().find(|quota| quota.amount() > 0 && *cost > quota.capacity())
        {
            errors.at(
                literal,
                format!(
                    "a cost of {cost} could never be admitted by `{quota}`: write at most {}, or \
                     raise the limit",
                    quota.capacity()
                ),
            );
        }
    }
}

/// What to do about a second value without a name.
fn surplus_message(surplus: &Value) -> String {
    if surplus.as_string().is_some() {
        return "one string holds all limits: write `\"100/day; 10/minute\"`".to_owned();
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

impl Source {
    fn read(kind: Kind, first: &Value, options: &mut Options, errors: &mut Errors) -> Option<Self> {
        match (kind, first.as_string(), &first.expr) {
            (Kind::Limit, Some(text), _) => Some(Self::Own(text.clone())),
            (Kind::SharedLimit, Some(text), _) => {
                let scope = options.scope.take();
                if scope.is_none() && errors.is_empty() {
                    errors.at(
                        text,
                        "a shared limit needs the name its handlers share: add `scope = \"…\"`, \
                         or name a `static` of type `SharedLimit`",
                    );
                }
                // Without a scope, the limits are still checked.
                Some(Self::Shared(text.clone(), scope.unwrap_or_else(|| text.clone())))
            }
            (Kind::SharedLimit, None, Expr::Path(declared))
                if first.asyncness.is_none() && declared.qself.is_none() =>
            {
                if let Some(scope) = options.scope.take() {
                    errors.at(
                        scope,
                        format!(
                            "`{}` has its scope already, from where it is declared: remove \
                             `scope`",
                            first.describe().trim_matches('`')
                        ),
                    );
                }
                Some(Self::Declared(declared.path.clone()))
            }
            _ => {
                let expected = Self::expected(kind);
                errors.at(first, format!("expected {expected}, found {}", first.describe()));
                None
            }
        }
    }

    fn expected(kind: Kind) -> &'static str {
        match kind {
            Kind::SharedLimit => {
                "limits in a string such as `\"100/hour\"`, or a `static` of type `SharedLimit`"
            }
            Kind::Limit | Kind::Exempt => "limits in a string such as `\"100/day; 10/minute\"`",
        }
    }

    fn missing_message(kind: Kind) -> String {
        let example = match kind {
            Kind::SharedLimit => "#[shared_limit(\"100/hour\", scope = \"mysql\")]",
            Kind::Limit | Kind::Exempt => "#[limit(\"10/minute\")]",
        };
        format!("the limit is missing: write `{example}`")
    }
}
