//! The record of a handler: everything declared about it, as statics inside the function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Expr, spanned::Spanned};

use super::function::{request_fn, sync_fn};
use crate::{
    model::{Cost, Exemption, Function, Handler, Limit, Limits, Message, Meta, ScopeName, Source},
    root::Root,
};

/// The statics inside the function, and their entry in the list of all handlers.
pub(super) fn handler_record(ident: &Ident, handler: &Handler) -> TokenStream {
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
    // The line of the function's name, whichever attribute is expanded last.
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

/// The record of one attribute. `meta` names the static that holds its meta limits.
fn limit_record(limit: &Limit, meta: &Ident, root: &Root) -> TokenStream {
    let site = Span::mixed_site();
    let private = quote_spanned!(site=> #root::__private);
    let options = &limit.options;
    let mut record = source_record(&limit.source, root, &private);
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
    add("cost", options.cost.as_ref().map(|cost| cost_record(cost, &private)));
    add("cost_after", of_response("cost_after", &options.cost_after));
    add("per_method", options.per_method.as_ref().map(ToTokens::to_token_stream));
    add("methods", options.methods.as_ref().map(|methods| quote_spanned!(site=> &[#(#methods),*])));
    add("override_defaults", options.override_defaults.as_ref().map(ToTokens::to_token_stream));
    add("exempt_when", of_request("exempt_when", &options.exempt_when));
    add("deduct_when", of_response("deduct_when", &options.deduct_when));
    add("on_breach", of_response("on_breach", &options.on_breach));
    add(
        "error_message",
        options.error_message.as_ref().map(|message| message_record(message, &private)),
    );
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
            // Located at the path, for the same reason as in `source_record`.
            Meta::Declared(path) => references.push(quote_spanned!(path.span()=> &#path)),
        }
    }
    Some(quote_spanned! {site=>
        #(#statics)*
        static #name: [&#private::MetaLimit; #count] = [#(#references),*];
    })
}

/// The record of the quotas, before the options are added to it.
fn source_record(source: &Source, root: &Root, private: &TokenStream) -> TokenStream {
    let site = Span::mixed_site();
    match source {
        Source::Own(limits) => limits_record(limits, private),
        Source::Shared(limits, scope) => {
            let record = limits_record(limits, private);
            match scope {
                ScopeName::Text(text) => quote_spanned!(site=> #record.shared(#text)),
                ScopeName::Function(function) => {
                    let function = request_fn("scope", function, private);
                    quote_spanned!(site=> #record.shared_by(#function))
                }
            }
        }
        Source::Declared(path) => {
            // Located at the path: a value of another type is reported there, and not on the whole
            // attribute.
            let declared = quote_spanned!(path.span()=> &#path);
            quote_spanned!(site=> #root::SharedLimit::record(#declared))
        }
    }
}

fn limits_record(limits: &Limits, private: &TokenStream) -> TokenStream {
    let site = Span::mixed_site();
    match limits {
        Limits::Text(text) => quote_spanned!(site=> #private::LimitRecord::limit(#text)),
        Limits::Function(function) => {
            let function = request_fn("limits", function, private);
            quote_spanned!(site=> #private::LimitRecord::dynamic(#function))
        }
    }
}

fn cost_record(cost: &Cost, private: &TokenStream) -> TokenStream {
    let site = Span::mixed_site();
    match cost {
        Cost::Fixed(cost, _) => quote_spanned!(site=> #private::CostRecord::Fixed(#cost)),
        Cost::Function(function) => {
            let function = request_fn("cost", function, private);
            quote_spanned!(site=> #private::CostRecord::Function(#function))
        }
    }
}

fn message_record(message: &Message, private: &TokenStream) -> TokenStream {
    let site = Span::mixed_site();
    match message {
        Message::Text(text) => quote_spanned!(site=> #private::MessageRecord::Text(#text)),
        Message::Function(function) => {
            let function = sync_fn("error_message", function, private);
            quote_spanned!(site=> #private::MessageRecord::Function(#function))
        }
    }
}
