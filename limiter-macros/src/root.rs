//! The path by which generated code reaches `limiter_actix`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Path;

/// The path in `crate = …`, or else `::limiter_actix`.
#[derive(Default)]
pub(crate) struct Root(Option<Path>);

impl Root {
    pub(crate) fn new(written: Option<Path>) -> Self {
        Self(written)
    }

    /// The path of `crate = …`, if it was written.
    pub(crate) fn written(&self) -> Option<&Path> {
        self.0.as_ref()
    }
}

impl ToTokens for Root {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match &self.0 {
            Some(path) => path.to_tokens(tokens),
            None => tokens.extend(quote_spanned!(Span::mixed_site()=> ::limiter_actix)),
        }
    }
}
