//! The annotated function: its signature, and the attributes that stand beside ours.

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

/// The argument of a handler that has its gate already.
pub(crate) const GATE: &str = "__limiter_gate";

/// A function whose body stays unread: what is not changed need not be understood.
pub(crate) struct Item {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
}

/// One of our own attributes that has already moved down, and now waits to be folded.
pub(crate) struct Sibling {
    pub(crate) kind: Kind,
    pub(crate) args: TokenStream,
}

impl Item {
    /// Reports everything that keeps the function from being a handler.
    pub(crate) fn check(&self, errors: &mut Errors) {
        let Signature {
            constness, asyncness, safety, abi, fn_token, ident, inputs, variadic, ..
        } = &self.sig;
        if let Some(constness) = constness {
            errors.at(constness, format!("a handler cannot be `const`: write `async fn {ident}`"));
        } else if asyncness.is_none() {
            errors.at(
                quote!(#fn_token #ident),
                format!("a handler is an `async fn`: write `async fn {ident}`"),
            );
        }
        if let Safety::Unsafe(unsafety) = safety {
            errors.at(
                unsafety,
                "a handler cannot be `unsafe`, because Actix calls it: remove it, and \
                 write the `unsafe` block inside",
            );
        }
        if let Some(abi) = abi {
            errors.at(abi, "a handler cannot be `extern`, because Actix calls it: remove it");
        }
        if let Some(variadic) = variadic {
            errors.at(variadic, "a handler cannot be variadic: write an argument for each value");
        }
        for input in inputs {
            check_argument(input, errors);
        }
    }

    /// The function as it would be without our attribute, repaired so far that it is a handler:
    /// a mistake already reported should not be followed by ten that come of it.
    pub(crate) fn repaired(mut self) -> Self {
        let sig = &mut self.sig;
        sig.constness = None;
        sig.asyncness.get_or_insert(Token![async](sig.fn_token.span));
        sig.safety = Safety::Default;
        sig.abi = None;
        sig.variadic = None;
        self
    }

    /// Removes attributes with the names of ours: the mistake that was reported is one of the
    /// function, and each of them would report it again.
    pub(crate) fn without_siblings(mut self) -> Self {
        self.attrs.retain(|attribute| Kind::of_path(attribute.path()).is_none());
        self
    }

    /// Takes our attributes that have moved down already, in their order.
    ///
    /// They are told by their marker, never by their name: an attribute called `limit` may belong
    /// to another crate, and ours may be imported under another name.
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

    /// Whether an attribute is left that may be a macro, and so may change the function or turn
    /// out to be one of ours.
    pub(crate) fn has_unknown_attribute(&self) -> bool {
        self.attrs.iter().any(|attribute| {
            !INERT.iter().any(|name| attribute.path().is_ident(name))
                && Sibling::recognise(attribute).is_none()
        })
    }

    /// The methods and paths of the route attributes that can be seen.
    pub(crate) fn routes(&self) -> Vec<Route> {
        self.attrs.iter().flat_map(Route::of).collect()
    }

    /// Puts one of our attributes below all others, where it is expanded last.
    pub(crate) fn push_attribute(&mut self, declaration: &Declaration, marker: &Marker) {
        let Declaration { kind, root, args, .. } = declaration;
        let name = Ident::new(kind.name(), Span::mixed_site());
        let attribute = Attribute::parse_outer.parse2(quote!(#[#root::#name(#marker #args)]));
        // Cannot fail: any tokens make an attribute, if a path stands before them.
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
                "limits go on a handler: expected an `async fn`; to limit several handlers, \
                 annotate each with the same `#[shared_limit]`",
            ));
        }
        let sig: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(Error::new_spanned(
                &sig.ident,
                "limits go on a handler with a body: annotate the function that implements this",
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
                "a handler has no `self`: take what it needs as arguments, for example \
                 `state: web::Data<State>`",
            );
        }
        FnArg::Typed(typed) => typed,
    };
    if matches!(&*typed.pat, Pat::Ident(name) if name.ident == GATE) {
        errors.at(
            &typed.ty,
            "this handler is limited already, by an attribute that was added after its limits \
             were read: write all limits of a handler beside each other",
        );
    }
    for attribute in &typed.attrs {
        if attribute.path().is_ident("cfg") {
            errors.at(
                attribute,
                "a handler cannot have an argument under `#[cfg]`: write the function \
                 twice, each under its `#[cfg]`",
            );
        }
    }
}

/// Attributes known to be no macros. The list only saves a step: with an attribute that is
/// missing here, ours moves down once more than it must.
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
