//! What is generated: the record of a handler, and the gate around its arguments.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{
    AttrStyle, Attribute, Expr, FnArg, Pat, PatIdent, PatType, ReturnType, Signature, Type,
    parse::{ParseStream, Parser},
    parse_quote,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use crate::{
    item::{GATE, Item},
    model::{Cost, Exemption, Function, Handler, Limit, Limits, Message, Meta, ScopeName, Source},
    root::Root,
};

/// The function with its gate.
///
/// Three things are done for the sake of what the user wrote, and are easily undone by mistake:
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
    let statics = record(ident, handler);
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
    /// Holds the value until the pattern binds it; not needed where the pattern is but a name.
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
        // `let _ = …` would not bind, and the value lives to the end of the function as it is.
        let local = local.as_ref().filter(|_| !matches!(pat, Pat::Wild(_)))?;
        Some(quote_spanned!(Span::mixed_site()=> #(#attrs)* let #pat = #local;))
    }
}

/// Passes the gate, with the arguments or with a denial.
fn admit(sig: &Signature, arguments: &[Argument<'_>], root: &Root) -> TokenStream {
    let site = Span::mixed_site();
    let gate = Ident::new(GATE, site);
    // An argument that is no extractor is a mistake of the arguments, not of the attribute.
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

/// Tells the block of the body what it returns, so that `?` and `into()` infer as they do in a
/// function. Never runs; without a diverging expression, it warns of nothing.
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

/// `impl Trait` cannot be named inside a function, and `_` can.
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

/// The inner attributes of the body as outer ones, for they may stand at the top of a function
/// only; and the body without them.
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
    // Braces of ours, where the user's are: else the compiler finds them unnecessary.
    block.set_span(body.span().resolved_at(Span::mixed_site()));
    (attrs, block)
}

/// The statics inside the function, and their entry in the list of all handlers.
fn record(ident: &Ident, handler: &Handler) -> TokenStream {
    let site = Span::mixed_site();
    let root = &handler.root;
    let name = ident.to_string();
    let name = name.trim_start_matches("r#");
    let named = |index| format_ident!("__LIMITER_META_{index}", span = site);
    let metas = handler.limits.iter().enumerate();
    let metas = metas.filter_map(|(index, limit)| meta_static(limit, &named(index), root));
    let limits = handler.limits.iter().enumerate();
    let limits = limits.map(|(index, limit)| limit_record(limit, &named(index), root));
    let limit_count = limits.len();
    let routes = handler.routes.iter().map(|route| {
        let (method, path) = (&route.method, &route.path);
        quote_spanned!(site=> #root::__private::RouteRecord::declare(#method, #path))
    });
    let route_count = routes.len();
    let exemption = exemption(handler, root);
    // The line of the function's name, whichever attribute happens to be expanded last.
    let position = quote_spanned!(ident.span()=> ::core::file!(), ::core::line!());

    quote_spanned! {site=>
        #(#metas)*
        static __LIMITER_LIMITS: [#root::__private::LimitRecord; #limit_count] = [#(#limits),*];
        static __LIMITER_ROUTES: [#root::__private::RouteRecord; #route_count] = [#(#routes),*];
        fn __limiter_here() -> &'static ::core::primitive::str {
            ::core::any::type_name_of_val(&__limiter_here)
        }
        static __LIMITER_RECORD: #root::__private::HandlerRecord =
            #root::__private::HandlerRecord::declare(
                ::core::concat!(::core::module_path!(), "::", #name),
                #name,
                #position,
                &__LIMITER_ROUTES,
                &__LIMITER_LIMITS,
                #exemption,
            )
            .placed(__limiter_here);
        #root::__private::inventory::submit! { &__LIMITER_RECORD }
    }
}

fn exemption(handler: &Handler, root: &Root) -> TokenStream {
    let Exemption { defaults, application, meta, .. } = handler.exemption;
    quote_spanned! {Span::mixed_site()=>
        #root::__private::Exemption { defaults: #defaults, application: #application, meta: #meta }
    }
}

/// The record of one attribute. Its meta limits are `meta`, a static of this handler.
fn limit_record(limit: &Limit, meta: &Ident, root: &Root) -> TokenStream {
    let site = Span::mixed_site();
    let private = quote_spanned!(site=> #root::__private);
    let options = &limit.options;
    let mut record = match &limit.source {
        Source::Own(limits) => of_limits(limits, &private),
        Source::Shared(limits, scope) => {
            let record = of_limits(limits, &private);
            match scope {
                ScopeName::Text(text) => quote_spanned!(site=> #record.shared(#text)),
                ScopeName::Function(function) => {
                    let function = request_fn("scope", function, &private);
                    quote_spanned!(site=> #record.shared_by(#function))
                }
            }
        }
        Source::Declared(path) => {
            // A value of another type is a mistake of the path, not of the attribute.
            let declared = quote_spanned!(path.span()=> &#path);
            quote_spanned!(site=> #root::SharedLimit::record(#declared))
        }
    };
    let mut add = |method: &str, value: Option<TokenStream>| {
        if let Some(value) = value {
            let method = Ident::new(method, site);
            record.extend(quote_spanned!(site=> .#method(#value)));
        }
    };
    match &options.scope {
        Some(ScopeName::Text(text)) => add("scope", Some(text.to_token_stream())),
        Some(ScopeName::Function(function)) => {
            add("scope_by", Some(request_fn("scope", function, &private)));
        }
        None => {}
    }
    let of_request = |name: &str, function: &Option<Function>| {
        function.as_ref().map(|function| request_fn(name, function, &private))
    };
    let of_response = |name: &str, function: &Option<Expr>| {
        function.as_ref().map(|function| sync_fn(name, function, &private))
    };
    add("key", of_request("key", &options.key));
    add("cost", options.cost.as_ref().map(|amount| cost(amount, &private)));
    add("cost_after", of_response("cost_after", &options.cost_after));
    add("per_method", options.per_method.as_ref().map(ToTokens::to_token_stream));
    add("methods", options.methods.as_ref().map(|methods| quote_spanned!(site=> &[#(#methods),*])));
    add("override_defaults", options.override_defaults.as_ref().map(ToTokens::to_token_stream));
    add("exempt_when", of_request("exempt_when", &options.exempt_when));
    add("deduct_when", of_response("deduct_when", &options.deduct_when));
    add("on_breach", of_response("on_breach", &options.on_breach));
    add("error_message", options.error_message.as_ref().map(|text| message(text, &private)));
    add("meta", options.meta.as_ref().map(|_| quote_spanned!(site=> &#meta)));
    add("shadow", options.shadow.as_ref().map(ToTokens::to_token_stream));
    add("candidate", options.candidate.as_ref().map(ToTokens::to_token_stream));
    add("name", options.name.as_ref().map(ToTokens::to_token_stream));
    add(
        "strategy",
        options.strategy.as_ref().map(|strategy| {
            let variant = Ident::new(strategy.variant, site);
            quote_spanned!(site=> #private::Strategy::#variant)
        }),
    );
    add(
        "on_store_error",
        options.on_store_error.as_ref().map(|policy| {
            let variant = Ident::new(policy.variant, site);
            quote_spanned!(site=> #private::OnStoreError::#variant)
        }),
    );
    record
}

/// The static that holds the meta limits of an attribute, if it has any.
fn meta_static(limit: &Limit, name: &Ident, root: &Root) -> Option<TokenStream> {
    let site = Span::mixed_site();
    let private = quote_spanned!(site=> #root::__private);
    let metas = limit.options.meta.as_ref()?;
    let count = metas.len();
    let block = limit.options.block.as_ref().map(|block| quote_spanned!(site=> .block(#block)));
    let (mut statics, mut references) = (Vec::new(), Vec::new());
    for (index, meta) in metas.iter().enumerate() {
        match meta {
            Meta::Text(text) => {
                let own = format_ident!("{name}_{index}", span = site);
                statics.push(quote_spanned! {site=>
                    static #own: #private::MetaLimit = #private::MetaLimit::new(#text) #block;
                });
                references.push(quote_spanned!(site=> &#own));
            }
            // A value of another type is a mistake of the path, not of the attribute.
            Meta::Declared(path) => references.push(quote_spanned!(path.span()=> &#path)),
        }
    }
    Some(quote_spanned! {site=>
        #(#statics)*
        static #name: [&#private::MetaLimit; #count] = [#(#references),*];
    })
}

fn of_limits(limits: &Limits, private: &TokenStream) -> TokenStream {
    let site = Span::mixed_site();
    match limits {
        Limits::Text(text) => quote_spanned!(site=> #private::LimitRecord::limit(#text)),
        Limits::Function(function) => {
            let function = request_fn("limits", function, private);
            quote_spanned!(site=> #private::LimitRecord::dynamic(#function))
        }
    }
}

/// A function of the request, through the function of `__private` that says what it may be.
fn request_fn(name: &str, function: &Function, private: &TokenStream) -> TokenStream {
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

/// A function of a response or of a breach, likewise.
fn sync_fn(name: &str, function: &Expr, private: &TokenStream) -> TokenStream {
    let site = function.span().resolved_at(Span::mixed_site());
    let private = located_at(function, private);
    let name = Ident::new(name, site);
    quote_spanned!(site=> |__limiter_subject| #private::#name(__limiter_subject, #function))
}

/// Our path where the user's function is: what is wrong with the function is then said there, and
/// not of the whole attribute.
fn located_at(function: &Expr, path: &TokenStream) -> TokenStream {
    let located = path.clone().into_iter().map(|mut token| {
        token.set_span(token.span().located_at(function.span()));
        token
    });
    located.collect()
}

fn cost(cost: &Cost, private: &TokenStream) -> TokenStream {
    let site = Span::mixed_site();
    match cost {
        Cost::Fixed(cost, _) => quote_spanned!(site=> #private::CostRecord::Fixed(#cost)),
        Cost::Function(function) => {
            let function = request_fn("cost", function, private);
            quote_spanned!(site=> #private::CostRecord::Function(#function))
        }
    }
}

fn message(message: &Message, private: &TokenStream) -> TokenStream {
    let site = Span::mixed_site();
    match message {
        Message::Text(text) => quote_spanned!(site=> #private::MessageRecord::Text(#text)),
        Message::Function(function) => {
            let function = sync_fn("error_message", function, private);
            quote_spanned!(site=> #private::MessageRecord::Function(#function))
        }
    }
}
