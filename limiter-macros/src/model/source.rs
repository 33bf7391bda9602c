//! The quotas of one attribute, and which handlers share their counters.

use proc_macro2::Span;
use syn::{Expr, LitStr, Path};

use super::{function::Function, kind::Kind, options::Options, value::ScopeName};
use crate::{args::Value, errors::Errors};

/// The quotas of one attribute, with the scope that handlers share, if they do.
pub(crate) enum Source {
    /// `#[limit("10/minute")]`.
    Own(Limits),
    /// `#[shared_limit("100/hour", scope = "mysql")]`.
    Shared(Limits, ScopeName),
    /// `#[shared_limit(DATABASE)]`.
    Declared(Path),
}

/// `"10/minute"` or `tier_of`.
pub(crate) enum Limits {
    Text(LitStr),
    Function(Function),
}

impl Source {
    pub(super) fn read(
        kind: Kind,
        first: &Value,
        options: &mut Options,
        errors: &mut Errors,
    ) -> Option<Self> {
        let limits = match Limits::read(first) {
            Ok(Some(limits)) => limits,
            Ok(None) => {
                let expected = Self::expected(kind);
                errors.at(first, format!("expected {expected}, found {}", first.describe()));
                return None;
            }
            Err(error) => {
                errors.push(error);
                return None;
            }
        };
        if kind != Kind::SharedLimit {
            return Some(Self::Own(limits));
        }
        if let (Expr::Path(declared), None, None) = (&first.expr, first.asyncness, &options.scope)
            && declared.qself.is_none()
        {
            return Some(Self::Declared(declared.path.clone()));
        }
        let scope = options.scope.take();
        if scope.is_none() && errors.is_empty() {
            errors.at(
                first,
                "the scope is missing: add `scope = \"…\"`, the name that the handlers share, or \
                 write a `static` of type `SharedLimit`",
            );
        }
        // The limits are checked even if the scope is missing.
        let nameless = || ScopeName::Text(LitStr::new("", Span::call_site()));
        Some(Self::Shared(limits, scope.unwrap_or_else(nameless)))
    }

    fn expected(kind: Kind) -> &'static str {
        match kind {
            Kind::SharedLimit => {
                "a limit string such as `\"100/hour\"`, a function of the request, or a \
                 `static` of type `SharedLimit`"
            }
            Kind::Limit | Kind::Exempt => {
                "a limit string such as `\"100/day; 10/minute\"`, or a function of the request \
                 such as `tier_of`"
            }
        }
    }

    pub(super) fn missing_message(kind: Kind) -> String {
        let example = match kind {
            Kind::SharedLimit => "#[shared_limit(\"100/hour\", scope = \"mysql\")]",
            Kind::Limit | Kind::Exempt => "#[limit(\"10/minute\")]",
        };
        format!("the limit is missing: write `{example}`")
    }
}

impl Limits {
    fn read(value: &Value) -> syn::Result<Option<Self>> {
        Ok(match value.as_string() {
            Some(text) => Some(Self::Text(text.clone())),
            // A macro such as `concat!`: its result cannot be seen here.
            None if matches!(value.expr, Expr::Macro(_)) => None,
            None => Function::read("limit", value)?.map(Self::Function),
        })
    }
}
