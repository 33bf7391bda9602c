//! The calls of a user's functions, so that a mistake in one is reported on its own tokens.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Expr, spanned::Spanned};

use crate::model::Function;

/// A function of the request, called through the function of `__private` that declares its type.
pub(super) fn request_fn(name: &str, function: &Function, private: &TokenStream) -> TokenStream {
    let Function { is_async, expr } = function;
    let site = expr.span().resolved_at(Span::mixed_site());
    let private = located_at(expr, private);
    let (variant, name) = match is_async {
        true => ("Async", format!("{name}_async")),
        false => ("Sync", name.to_owned()),
    };
    let (variant, name) = (Ident::new(variant, site), Ident::new(&name, site));
    quote_spanned! {site=>
        #private::RequestFn::#variant(|__limiter_request| #private::#name(__limiter_request, #expr))
    }
}

/// A function of a response or of a breach, in the same way.
pub(super) fn sync_fn(name: &str, function: &Expr, private: &TokenStream) -> TokenStream {
    let site = function.span().resolved_at(Span::mixed_site());
    let private = located_at(function, private);
    let name = Ident::new(name, site);
    quote_spanned!(site=> |__limiter_subject| #private::#name(__limiter_subject, #function))
}

/// Our path with the span of the user's function: the compiler then reports a mistake in the
/// function there, and not on the whole attribute.
fn located_at(function: &Expr, path: &TokenStream) -> TokenStream {
    let located = path.clone().into_iter().map(|mut token| {
        token.set_span(token.span().located_at(function.span()));
        token
    });
    located.collect()
}
