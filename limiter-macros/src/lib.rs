//! The attributes of `limiter-actix`.

mod args;
mod attribute;
mod errors;
mod expand;
mod fallback;
mod item;
mod model;
mod options;

use proc_macro::TokenStream;

use crate::model::Kind;

/// Limits a handler.
#[proc_macro_attribute]
pub fn limit(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Limit, args.into(), item.into()).into()
}

/// Limits a handler together with others.
#[proc_macro_attribute]
pub fn shared_limit(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::SharedLimit, args.into(), item.into()).into()
}

/// Exempts a handler.
#[proc_macro_attribute]
pub fn exempt(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Exempt, args.into(), item.into()).into()
}
