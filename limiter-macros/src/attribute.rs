//! One attribute from start to end: read, moved below the others, folded with its siblings,
//! expanded.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use crate::{
    args::Marker,
    errors::Errors,
    expand, fallback,
    item::{Item, Sibling},
    model::{Declaration, Handler, Kind},
};

/// Expands an attribute with these `args` on this `annotated` function.
pub(crate) fn expand(kind: Kind, args: TokenStream, annotated: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(item) = errors.take(syn::parse2::<Item>(annotated.clone())) else {
        return fallback::unchanged(annotated, errors);
    };

    // The span of the attribute, without the expansion, which would add a note to every message.
    let span = Span::call_site().resolved_at(item.sig.ident.span());
    item.check(&mut errors);
    let is_valid = errors.is_empty();
    match Declaration::new(kind, span, args, &mut errors) {
        Some(own) if is_valid && own.has_moved => fold(own, item),
        Some(own) if is_valid && !item.has_unknown_attribute() => fold(own, item),
        Some(own) if is_valid => move_down(&own, item),
        // Each sibling of an invalid function would report the same mistakes again.
        _ if !is_valid => fallback::unlimited(item.without_siblings(), errors),
        _ => fallback::unlimited(item, errors),
    }
}

/// Moves the attribute below all others, together with the routes that can be seen only from here.
///
/// The compiler expands attributes from the top. When it arrives at the bottom, route attributes
/// are gone, other macros have seen the function as the user wrote it, and every sibling, under
/// whichever name it was imported, has moved down too or is the one that folds the others.
fn move_down(own: &Declaration, mut item: Item) -> TokenStream {
    let marker = Marker { span: own.span, routes: item.routes() };
    item.push_attribute(own, &marker);
    item.into_token_stream()
}

/// Folds this attribute and its siblings into one gate, in the order in which they were written.
fn fold(own: Declaration, mut item: Item) -> TokenStream {
    let mut errors = Errors::default();
    let siblings = item.take_siblings();
    let siblings = siblings
        .into_iter()
        .filter_map(|Sibling { kind, args }| Declaration::new(kind, own.span, args, &mut errors));
    let mut declarations: Vec<_> = siblings.collect();
    // An attribute that has not moved was written below those that have.
    let position = if own.has_moved { 0 } else { declarations.len() };
    declarations.insert(position, own);

    let handler = Handler::new(declarations, &mut errors);
    if errors.is_empty() {
        expand::gated(&item, &handler)
    } else {
        fallback::unlimited(item, errors)
    }
}

#[cfg(test)]
pub(crate) mod tests;
