//! The gate around the arguments of a handler.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{
    AttrStyle, Attribute, FnArg, Pat, PatIdent, PatType, ReturnType, Signature, Type,
    parse::{ParseStream, Parser},
    parse_quote,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use super::record::handler_record;
use crate::{
    item::{GATE, Item},
    model::Handler,
    root::Root,
};

/// The function with its gate.
///
/// Three details keep the user's code compiling as written. Do not undo them by accident:
///
/// * All our names begin with `__limiter`, and our locals have mixed-site hygiene: a route
///   attribute makes the handler's name a unit struct, and a local of that name would be a pattern.
/// * Arguments are bound outside the block of the body. Inside it, up to edition 2021, a temporary
///   in its last expression would outlive them: `state.lock().unwrap().len()` would not compile.
/// * The body is a block inside a block, so that its items precede all statements.
pub(crate) fn gated(item: &Item, handler: &Handler) -> TokenStream {
    let Item { attrs, vis, sig, body } = item;
    let Signature { fn_token, ident, generics, inputs, output, asyncness, .. } = sig;
    let where_clause = &generics.where_clause;
    let root = &handler.root;
    let site = Span::mixed_site();
    let gate = Ident::new(GATE, site);
    let arguments: Vec<_> = inputs.iter().enumerate().filter_map(Argument::new).collect();

    let types = arguments.iter().map(|argument| argument.ty);
    let statics = handler_record(ident, handler);
    let admit = admit(sig, &arguments, root);
    let bind = arguments.iter().filter_map(Argument::bind);
    let returned = returned(output);
    let (inner_attrs, body) = split(body);
    let block = match pin(&returned) {
        Some(pin) => quote_spanned!(site=> { #pin #body }),
        None => body.into_token_stream(),
    };

    quote_spanned! {site=>
        #(#attrs)*
        #(#inner_attrs)*
        #vis #asyncness #fn_token #ident #generics(
            #gate: #root::__private::Gate<(#(#types,)*)>
        ) -> #root::__private::Either<#returned, #root::__private::HttpResponse> #where_clause {
            #statics
            #admit
            #(#bind)*
            #root::__private::Either::Left(async move #block.await)
        }
    }
}

/// One argument of the handler.
struct Argument<'a> {
    attrs: &'a [Attribute],
    pat: &'a Pat,
    ty: &'a Type,
    /// Holds the value until the pattern binds it; not needed if the pattern is a plain name.
    local: Option<Ident>,
}

impl<'a> Argument<'a> {
    fn new((index, argument): (usize, &'a FnArg)) -> Option<Self> {
        let FnArg::Typed(PatType { attrs, pat, ty, .. }) = argument else { return None };
        let is_name = matches!(
            &**pat,
            Pat::Ident(PatIdent { attrs, by_ref: None, subpat: None, .. }) if attrs.is_empty()
        );
        let local = (!is_name || !attrs.is_empty())
            .then(|| Ident::new(&format!("__limiter_argument_{index}"), Span::mixed_site()));
        Some(Self { attrs, pat, ty, local })
    }

    /// Takes the value out of the tuple of all arguments.
    fn take(&self) -> TokenStream {
        self.local.as_ref().map_or_else(|| self.pat.to_token_stream(), ToTokens::to_token_stream)
    }

    /// Binds the pattern, in a statement that can have the attributes of the argument.
    fn bind(&self) -> Option<TokenStream> {
        let Self { attrs, pat, local, .. } = self;
        // `let _ = …` does not bind; the value already lives to the end of the function.
        let local = local.as_ref().filter(|_| !matches!(pat, Pat::Wild(_)))?;
        Some(quote_spanned!(Span::mixed_site()=> #(#attrs)* let #pat = #local;))
    }
}

/// Asks the gate to admit the request: it returns the arguments, or the response of a denial.
fn admit(sig: &Signature, arguments: &[Argument<'_>], root: &Root) -> TokenStream {
    let site = Span::mixed_site();
    let gate = Ident::new(GATE, site);
    // Located at the arguments: one that is not an extractor is reported there, and not on the
    // attribute.
    let admit = Ident::new("admit", sig.paren_token.span.join().resolved_at(site));
    let admitted = quote_spanned!(site=> #gate.#admit(&__LIMITER_RECORD).await);
    let deny = quote_spanned! {site=>
        ::core::result::Result::Err(__limiter_response) => {
            return #root::__private::Either::Right(__limiter_response);
        }
    };
    if arguments.is_empty() {
        return quote_spanned! {site=>
            match #admitted {
                ::core::result::Result::Ok(()) => {}
                #deny
            }
        };
    }
    let taken = arguments.iter().map(Argument::take);
    quote_spanned! {site=>
        let (#(#taken,)*) = match #admitted {
            ::core::result::Result::Ok(__limiter_arguments) => __limiter_arguments,
            #deny
        };
    }
}

/// Fixes the type that the block of the body returns, so that `?` and `into()` infer as they do in
/// a function. It never runs, and it has no diverging expression, which would cause a warning.
fn pin(returned: &Type) -> Option<TokenStream> {
    let mut erased = returned.clone();
    EraseImplTrait.visit_type_mut(&mut erased);
    if matches!(erased, Type::Infer(_)) {
        return None;
    }
    // Located at the type, for messages that show where the returned type comes from.
    let site = returned.span().resolved_at(Span::mixed_site());
    Some(quote_spanned! {site=>
        if let ::core::option::Option::Some(__limiter_returned) =
            ::core::option::Option::None::<#erased>
        {
            return __limiter_returned;
        }
    })
}

/// Replaces `impl Trait`, which cannot be named inside a function, with `_`.
struct EraseImplTrait;

impl VisitMut for EraseImplTrait {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = parse_quote!(_),
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}

fn returned(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

/// The inner attributes of the body as outer ones, because they are allowed only at the top of a
/// function; and the body without them.
fn split(body: &Group) -> (Vec<Attribute>, Group) {
    let parse = |input: ParseStream<'_>| {
        let mut attrs = Attribute::parse_inner(input)?;
        for attribute in &mut attrs {
            attribute.style = AttrStyle::Outer;
        }
        Ok((attrs, input.parse()?))
    };
    let (attrs, statements) =
        parse.parse2(body.stream()).unwrap_or_else(|_| (Vec::new(), body.stream()));
    let mut block = Group::new(Delimiter::Brace, statements);
    // With the user's own braces, the compiler would warn that they are unnecessary.
    block.set_span(body.span().resolved_at(Span::mixed_site()));
    (attrs, block)
}
