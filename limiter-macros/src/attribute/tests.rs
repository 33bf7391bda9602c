//! How attributes move down and fold, and what is emitted after a mistake.
//!
//! Expansions are parsed back: the tests check their meaning, not their spelling. The
//! helpers, which expand as the compiler would, serve all tests of this crate.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, Item, ItemFn, ItemStatic, LitStr, Stmt};

use super::{Kind, expand};

#[test]
fn moves_below_every_possible_macro() {
    let expanded = expand(
        Kind::Limit,
        quote!("10/minute", cost = 2),
        &quote! {
            /// Documented.
            #[get("/a")]
            #[actix_web::route("/b", method = "PUT", name = "b", method = "PURGE")]
            #[other::get("/c")]
            #[throttle("1/second")]
            #[allow(unused)]
            async fn f() -> u8 { 1 }
        },
    );
    let function: ItemFn = syn::parse2(expanded).expect("a function");
    let attributes: Vec<_> = function.attrs.iter().map(|it| compact(it.path())).collect();
    assert_eq!(
        attributes,
        [
            "doc",
            "get",
            "actix_web::route",
            "other::get",
            "throttle",
            "allow",
            "::limiter_actix::limit"
        ]
    );
    assert_eq!(
        compact(&function.attrs[6]),
        r#"#[::limiter_actix::limit(__limiter("GET""/a","PUT""/b","PURGE""/b")"10/minute",cost=2)]"#
    );
}

#[test]
fn stays_where_no_attribute_can_be_a_macro() {
    let function = quote! {
        /// Documented.
        #[allow(unused)]
        #[must_use]
        async fn f() -> u8 { 1 }
    };
    let expanded = expand(Kind::Exempt, quote!(), &function);
    assert!(!compact(expanded).contains("__limiter("));
}

#[test]
fn attribute_that_never_expands_does_not_move_it_twice() {
    let function = limited(
        quote!("10/minute"),
        quote!(
            #[tool::inert]
            async fn f() -> u8 {
                1
            }
        ),
    );
    assert_eq!(limits(&function).len(), 1);
}

#[test]
fn siblings_fold_in_the_order_written() {
    let siblings = |own: TokenStream| {
        limited(
            own,
            quote! {
                #[::limiter_actix::limit(__limiter("GET" "/") "2/minute")]
                #[::limiter_actix::shared_limit(__limiter() DATABASE)]
                async fn f() -> u8 { 1 }
            },
        )
    };
    let texts = |function: &ItemFn| -> Vec<String> {
        let part = |limit: &String| {
            let text = limit.split('(').nth(1).expect("arguments");
            text.trim_end_matches(')').to_owned()
        };
        limits(function).iter().map(part).collect()
    };
    // An attribute that has not moved stands below those that have.
    let lowest = siblings(quote!("1/second"));
    assert_eq!(texts(&lowest), ["\"2/minute\"", "&DATABASE", "\"1/second\""]);
    // One that has moved is the first of those that have.
    let first = siblings(quote!(__limiter() "1/second"));
    assert_eq!(texts(&first), ["\"1/second\"", "\"2/minute\"", "&DATABASE"]);
    assert_eq!(lowest.attrs.len(), 0);
}

#[test]
fn foreign_attribute_of_the_same_name_is_not_a_sibling() {
    let function = quote!(
        #[other::limit("anything at all")]
        async fn f() -> u8 {
            1
        }
    );
    let function: ItemFn =
        syn::parse2(expand(Kind::Limit, quote!(__limiter() "1/s"), &function)).expect("a function");
    assert_eq!(
        function.attrs.iter().map(compact).collect::<Vec<_>>(),
        ["#[other::limit(\"anythingatall\")]"]
    );
}

#[test]
fn handler_is_kept_beside_a_message() {
    let (messages, items) = refused(
        Kind::Limit,
        quote!("10 minute"),
        quote!(
            #[get("/")]
            #[limit("1/s")]
            pub async fn f(a: A) -> B {
                body
            }
        ),
    );
    assert_eq!(messages.len(), 1);
    let [Item::Fn(function)] = &items[..] else { panic!("the function") };
    assert_eq!(compact(function), r#"#[get("/")]#[limit("1/s")]pubasyncfnf(a:A)->B{body}"#);
}

#[test]
fn invalid_function_is_repaired_and_reported_once() {
    let (messages, items) = refused(
        Kind::Limit,
        quote!("10/minute"),
        quote!(
            #[get("/")]
            #[limit("1/s")]
            #[exempt]
            unsafe extern "C" fn f(a: A, ...) -> B {
                body
            }
        ),
    );
    assert_eq!(messages.len(), 4, "{messages:#?}");
    let [Item::Fn(function)] = &items[..] else { panic!("the function") };
    assert_eq!(compact(function), r#"#[get("/")]asyncfnf(a:A,)->B{body}"#);
}

#[test]
fn anything_else_is_emitted_unchanged() {
    let (messages, items) = refused(
        Kind::Limit,
        quote!("1/s"),
        quote!(
            pub struct Search;
        ),
    );
    assert_eq!(messages.len(), 1);
    assert_eq!(items.iter().map(compact).collect::<Vec<_>>(), ["pubstructSearch;"]);
    let (messages, _) = refused(
        Kind::Limit,
        quote!("1/s"),
        quote!(
            const LIMIT: u8 = 1;
        ),
    );
    assert_eq!(messages.len(), 1);
}

#[test]
fn second_gate_is_refused() {
    let gated = expand(
        Kind::Limit,
        quote!("1/s"),
        &quote!(
            async fn f(a: A) -> B {
                body()
            }
        ),
    );
    let (messages, _) = refused(Kind::Limit, quote!("2/s"), gated);
    assert_eq!(messages.len(), 1);
    assert!(messages[0].contains("already limited"), "{messages:?}");
}

/// The function when `args` and all our attributes on it have been expanded.
pub(crate) fn limited(args: TokenStream, function: impl ToTokens) -> ItemFn {
    let expanded = expand(Kind::Limit, args, &function.into_token_stream());
    let function: ItemFn = syn::parse2(expanded).expect("a function, and no message");
    match function.attrs.iter().position(|attribute| compact(attribute).contains("(__limiter(")) {
        None => function,
        // Moved down: expand it there, as the compiler would.
        Some(moved) => {
            let mut function = function;
            let attribute = function.attrs.remove(moved);
            let args = attribute.meta.require_list().expect("arguments").tokens.clone();
            limited(args, function)
        }
    }
}

/// The messages of an expansion, and the items emitted after them.
pub(crate) fn refused(
    kind: Kind,
    args: TokenStream,
    function: impl ToTokens,
) -> (Vec<String>, Vec<Item>) {
    let file: syn::File =
        syn::parse2(expand(kind, args, &function.into_token_stream())).expect("items");
    let (messages, rest): (Vec<_>, Vec<_>) =
        file.items.into_iter().partition(|item| matches!(item, Item::Macro(_)));
    let messages = messages.into_iter().map(|item| {
        let Item::Macro(item) = item else { unreachable!("partitioned") };
        item.mac.parse_body::<LitStr>().expect("a message").value()
    });
    (messages.collect(), rest)
}

pub(crate) fn statics(function: &ItemFn) -> Vec<&ItemStatic> {
    let statics = function.block.stmts.iter().filter_map(|statement| match statement {
        Stmt::Item(Item::Static(item)) => Some(item),
        _ => None,
    });
    statics.collect()
}

pub(crate) fn named<'a>(function: &'a ItemFn, name: &str) -> &'a ItemStatic {
    statics(function).into_iter().find(|item| item.ident == name).expect("a static of this name")
}

/// The declared limits, in order, without spaces.
pub(crate) fn limits(function: &ItemFn) -> Vec<String> {
    let limits = named(function, "__LIMITER_LIMITS");
    let Expr::Array(array) = &*limits.expr else { panic!("an array of limits") };
    array.elems.iter().map(compact).collect()
}

pub(crate) fn compact(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}
