//! The story of one attribute: read, moved below the others, folded with its siblings, expanded.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use crate::{
    args::Marker,
    errors::Errors,
    expand, fallback,
    item::{Item, Sibling},
    model::{Declaration, Handler, Kind},
};

/// What an attribute with these `args`, above this `annotated` function, expands to.
pub(crate) fn expand(kind: Kind, args: TokenStream, annotated: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(item) = errors.take(syn::parse2::<Item>(annotated.clone())) else {
        return fallback::beside(annotated, errors);
    };

    // Where the attribute is, but without a trace of the expansion, which would add notes to
    // messages.
    let span = Span::call_site().resolved_at(item.sig.ident.span());
    item.check(&mut errors);
    let is_sound = errors.is_empty();
    match Declaration::new(kind, span, args, &mut errors) {
        Some(own) if is_sound && own.has_moved => fold(own, item),
        Some(own) if is_sound && !item.has_unknown_attribute() => fold(own, item),
        Some(own) if is_sound => move_down(&own, item),
        // The siblings of an unsound function would only repeat what was said about it.
        _ if !is_sound => fallback::unlimited(item.without_siblings(), errors),
        _ => fallback::unlimited(item, errors),
    }
}

/// Puts the attribute below every other, and with it what can be seen only from up here.
///
/// The compiler expands attributes from the top. Down there, route attributes are gone, other
/// macros have worked on the function as the user wrote it, and every sibling, under whichever
/// name it was imported, has moved down as well or is the one that folds the others.
fn move_down(own: &Declaration, mut item: Item) -> TokenStream {
    let marker = Marker { span: own.span, routes: item.routes() };
    item.push_attribute(own, &marker);
    item.into_token_stream()
}

/// Makes one gate of this attribute and its siblings, in the order in which they were written.
fn fold(own: Declaration, mut item: Item) -> TokenStream {
    let mut errors = Errors::default();
    let siblings = item.take_siblings();
    let siblings = siblings
        .into_iter()
        .filter_map(|Sibling { kind, args }| Declaration::new(kind, own.span, args, &mut errors));
    let mut declarations: Vec<_> = siblings.collect();
    // Those that have moved stood above one that has not.
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
