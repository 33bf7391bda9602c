//! The annotated function: its signature, and the attributes beside ours.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, FnArg, Ident, Meta, Pat, Safety, Signature, Token, Visibility,
    parse::{Parse, ParseStream, Parser},
};

use crate::{
    args::{MARKER, Marker, peek_name},
    errors::Errors,
    model::{Declaration, Kind},
    route::Route,
};

/// The name of the argument that the gate of a handler has.
pub(crate) const GATE: &str = "__limiter_gate";

/// A function whose body is not parsed, because it is not changed.
pub(crate) struct Item {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
}

/// One of our own attributes that has moved down and is to be folded.
pub(crate) struct Sibling {
    pub(crate) kind: Kind,
    pub(crate) args: TokenStream,
}

impl Item {
    /// Reports each reason why the function cannot be a handler.
    pub(crate) fn check(&self, errors: &mut Errors) {
        let Signature {
            constness, asyncness, safety, abi, fn_token, ident, inputs, variadic, ..
        } = &self.sig;
        if let Some(constness) = constness {
            errors.at(constness, format!("a handler cannot be `const`: write `async fn {ident}`"));
        } else if asyncness.is_none() {
            errors.at(
                quote!(#fn_token #ident),
                format!("a handler must be an `async fn`: write `async fn {ident}`"),
            );
        }
        if let Safety::Unsafe(unsafety) = safety {
            errors.at(
                unsafety,
                "a handler cannot be `unsafe`, because Actix calls it: remove `unsafe`, \
                 and write an `unsafe` block in the body",
            );
        }
        if let Some(abi) = abi {
            errors.at(abi, "a handler cannot be `extern`, because Actix calls it: remove `extern`");
        }
        if let Some(variadic) = variadic {
            errors.at(variadic, "a handler cannot be variadic: write an argument for each value");
        }
        for input in inputs {
            check_argument(input, errors);
        }
    }

    /// The function without our attribute, changed where it could not be a handler, so that the
    /// compiler does not report the consequences of a mistake that was reported.
    pub(crate) fn repaired(mut self) -> Self {
        let sig = &mut self.sig;
        sig.constness = None;
        sig.asyncness.get_or_insert(Token![async](sig.fn_token.span));
        sig.safety = Safety::Default;
        sig.abi = None;
        sig.variadic = None;
        self
    }

    /// Removes attributes with the names of ours: each would report the mistakes of the function
    /// again.
    pub(crate) fn without_siblings(mut self) -> Self {
        self.attrs.retain(|attribute| Kind::of_path(attribute.path()).is_none());
        self
    }

    /// Takes our attributes that have moved down, in their order.
    ///
    /// They are recognised by their marker, never by their name alone: an attribute called `limit`
    /// may belong to another crate.
    pub(crate) fn take_siblings(&mut self) -> Vec<Sibling> {
        let mut siblings = Vec::new();
        self.attrs.retain(|attribute| match Sibling::recognise(attribute) {
            Some(sibling) => {
                siblings.push(sibling);
                false
            }
            None => true,
        });
        siblings
    }

    /// Whether an attribute is left that may be a macro. It may change the function, or be one of
    /// ours under another name.
    pub(crate) fn has_unknown_attribute(&self) -> bool {
        self.attrs.iter().any(|attribute| {
            !INERT.iter().any(|name| attribute.path().is_ident(name))
                && Sibling::recognise(attribute).is_none()
        })
    }

    /// The routes of the route attributes that have not been expanded yet.
    pub(crate) fn routes(&self) -> Vec<Route> {
        self.attrs.iter().flat_map(Route::of).collect()
    }

    /// Puts one of our attributes below all others, where it is expanded last.
    pub(crate) fn push_attribute(&mut self, declaration: &Declaration, marker: &Marker) {
        let Declaration { kind, root, args, .. } = declaration;
        let name = Ident::new(kind.name(), Span::mixed_site());
        let attribute = Attribute::parse_outer.parse2(quote!(#[#root::#name(#marker #args)]));
        // Cannot fail: an attribute is a path followed by any tokens.
        self.attrs.extend(attribute.unwrap_or_default());
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        let is_function = input.peek(Token![fn])
            || input.peek(Token![async])
            || input.peek(Token![unsafe])
            || input.peek(Token![extern])
            || (input.peek(Token![const]) && !input.peek2(Ident) && !input.peek2(Token![_]));
        if !is_function {
            return Err(input.error(
                "expected a handler, which is an `async fn`: to limit several handlers together, \
                 annotate each with the same `#[shared_limit]`",
            ));
        }
        let sig: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(Error::new_spanned(
                &sig.ident,
                "expected a handler with a body: annotate the function that implements this one",
            ));
        }
        let body = match input.parse()? {
            TokenTree::Group(body) => body,
            other => return Err(Error::new_spanned(other, "expected the body of a function")),
        };
        Ok(Self { attrs, vis, sig, body })
    }
}

impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

impl Sibling {
    fn recognise(attribute: &Attribute) -> Option<Self> {
        let Meta::List(list) = &attribute.meta else { return None };
        let kind = Kind::of_path(&list.path)?;
        let is_marked = |input: ParseStream<'_>| {
            let marked = peek_name(input, MARKER);
            input.parse::<TokenStream>().map(|_| marked)
        };
        match is_marked.parse2(list.tokens.clone()) {
            Ok(true) => Some(Self { kind, args: list.tokens.clone() }),
            _ => None,
        }
    }
}

fn check_argument(argument: &FnArg, errors: &mut Errors) {
    let typed = match argument {
        FnArg::Receiver(receiver) => {
            return errors.at(
                receiver,
                "a handler cannot take `self`: take what it needs as arguments, for example \
                 `state: web::Data<State>`",
            );
        }
        FnArg::Typed(typed) => typed,
    };
    if matches!(&*typed.pat, Pat::Ident(name) if name.ident == GATE) {
        errors.at(
            &typed.ty,
            "this handler is already limited by attributes that were expanded before this one: \
             write all limits of a handler next to each other",
        );
    }
    for attribute in &typed.attrs {
        if attribute.path().is_ident("cfg") {
            errors.at(
                attribute,
                "a handler cannot have an argument under `#[cfg]`: write the function \
                 twice, each with its own `#[cfg]`",
            );
        }
    }
}

/// Attributes that are known not to be macros. The list saves a step and nothing else: below an
/// attribute that is missing here, ours moves down once without need.
const INERT: &[&str] = &[
    "allow",
    "cfg",
    "cold",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "forbid",
    "inline",
    "must_use",
    "no_mangle",
    "track_caller",
    "warn",
];
