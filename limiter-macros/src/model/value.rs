//! The values of named arguments that may be written in more than one form.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Expr, LitInt, LitStr, Path};

use super::function::Function;

/// `scope = "mysql"` or `scope = tenant_of`.
pub(crate) enum ScopeName {
    Text(LitStr),
    Function(Function),
}

/// `cost = 5` or `cost = cost_of`.
pub(crate) enum Cost {
    /// The number, and the literal for messages.
    Fixed(u64, LitInt),
    Function(Function),
}

/// `error_message = "slow down"` or `error_message = excuse`.
pub(crate) enum Message {
    Text(LitStr),
    Function(Expr),
}

/// `meta = "5/minute"` or `meta = PENALTY`.
pub(crate) enum Meta {
    Text(LitStr),
    Declared(Path),
}

/// `strategy = "token-bucket"`.
pub(crate) struct Strategy {
    /// The variant that generated code names.
    pub(crate) variant: &'static str,
    /// As written, for messages.
    pub(crate) literal: LitStr,
}

/// `on_store_error = "deny"`.
pub(crate) struct OnStoreError {
    /// The variant that generated code names.
    pub(crate) variant: &'static str,
}

impl Strategy {
    const VARIANTS: [(&str, &str); 4] = [
        ("fixed-window", "FixedWindow"),
        ("moving-window", "MovingWindow"),
        ("sliding-window-counter", "SlidingWindowCounter"),
        ("token-bucket", Self::TOKEN_BUCKET),
    ];
    const TOKEN_BUCKET: &str = "TokenBucket";

    /// The strategy of this name.
    pub(super) fn named(literal: LitStr) -> Option<Self> {
        let variant = variant(&Self::VARIANTS, &literal)?;
        Some(Self { variant, literal })
    }

    /// Whether the strategy supports quotas with a burst.
    pub(super) fn has_burst(&self) -> bool {
        self.variant == Self::TOKEN_BUCKET
    }
}

impl OnStoreError {
    const VARIANTS: [(&str, &str); 3] = [("local", "Local"), ("deny", "Deny"), ("allow", "Allow")];

    /// The policy of this name.
    pub(super) fn named(literal: &LitStr) -> Option<Self> {
        variant(&Self::VARIANTS, literal).map(|variant| Self { variant })
    }
}

/// The variant that belongs to a name.
fn variant(variants: &[(&str, &'static str)], name: &LitStr) -> Option<&'static str> {
    let name = name.value();
    variants.iter().find(|(known, _)| *known == name).map(|(_, variant)| *variant)
}

impl ToTokens for Message {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Text(text) => text.to_tokens(tokens),
            Self::Function(expr) => expr.to_tokens(tokens),
        }
    }
}

impl ToTokens for Meta {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Text(text) => text.to_tokens(tokens),
            Self::Declared(path) => path.to_tokens(tokens),
        }
    }
}
