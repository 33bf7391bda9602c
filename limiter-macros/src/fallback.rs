//! What is emitted beside the messages, so that one mistake gives one message.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::{errors::Errors, item::Item};

/// The messages, and the function as a handler without our attribute: its uses still compile.
pub(crate) fn unlimited(item: Item, errors: Errors) -> TokenStream {
    beside(&item.repaired(), errors)
}

/// The messages, and what was annotated, as it is.
pub(crate) fn beside(item: &impl ToTokens, errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    quote!(#errors #item)
}
