//! What is emitted after a mistake: the messages, and the function without its limits.
//!
//! The function is kept so that its uses still compile: one mistake gives one message.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::{errors::Errors, item::Item};

/// The messages, and the function as a handler without our attribute.
pub(crate) fn unlimited(item: Item, errors: Errors) -> TokenStream {
    unchanged(&item.repaired(), errors)
}

/// The messages, and what was annotated, unchanged.
pub(crate) fn unchanged(item: &impl ToTokens, errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    quote!(#errors #item)
}
