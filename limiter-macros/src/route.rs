//! The routes of a handler, as the route attributes of Actix declare them.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, LitStr, Path, Token,
    parse::{Parse, ParseStream},
};

/// The method and path of a route attribute.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
}

impl Route {
    /// The routes of one attribute, if it is a route attribute of Actix.
    pub(crate) fn of(attribute: &Attribute) -> Vec<Self> {
        let segments = &attribute.path().segments;
        if segments.len() > 1 && segments[0].ident != "actix_web" {
            return Vec::new();
        }
        let Some(name) = segments.last().map(|segment| segment.ident.to_string()) else {
            return Vec::new();
        };
        let Ok((path, methods)) = attribute.parse_args_with(parse_arguments) else {
            return Vec::new();
        };
        let methods = match name.as_str() {
            "route" => methods,
            name => METHODS
                .iter()
                .filter(|method| method.to_ascii_lowercase() == name)
                .map(|method| (*method).to_owned())
                .collect(),
        };
        methods.into_iter().map(|method| Self { method, path: path.clone() }).collect()
    }
}

/// The form in which the marker of an attribute carries a route: `"GET" "/users/{id}"`.
impl Parse for Route {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (method, path): (LitStr, LitStr) = (input.parse()?, input.parse()?);
        Ok(Self { method: method.value(), path: path.value() })
    }
}

impl ToTokens for Route {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { method, path } = self;
        tokens.extend(quote!(#method #path));
    }
}

/// `"/path"`, and the methods of any `method = "…"` after it.
fn parse_arguments(input: ParseStream<'_>) -> syn::Result<(String, Vec<String>)> {
    let path: LitStr = input.parse()?;
    let mut methods = Vec::new();
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            break;
        }
        let name: Path = input.parse()?;
        input.parse::<Token![=]>()?;
        let value: LitStr = input.parse()?;
        if name.is_ident("method") {
            methods.push(value.value());
        }
    }
    Ok((path.value(), methods))
}

/// The methods that Actix has route attributes for.
pub(crate) const METHODS: [&str; 10] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE", "QUERY"];
