//! Expansions, parsed back: what they are, not how they are spelt.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Expr, FnArg, Item, ItemFn, ItemStatic, LitStr, Local, Macro, Stmt,
    visit::{self, Visit},
};

use super::{Kind, expand};

/// What is left of `args` on `function` when all our attributes have been expanded.
fn limited(args: TokenStream, function: impl ToTokens) -> ItemFn {
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

/// The messages of an expansion, and what is emitted beside them.
fn refused(kind: Kind, args: TokenStream, function: impl ToTokens) -> (Vec<String>, Vec<Item>) {
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

fn compact(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

fn statics(function: &ItemFn) -> Vec<&ItemStatic> {
    let statics = function.block.stmts.iter().filter_map(|statement| match statement {
        Stmt::Item(Item::Static(item)) => Some(item),
        _ => None,
    });
    statics.collect()
}

/// The initialiser of the static of this name, without spaces.
fn initialiser(function: &ItemFn, name: &str) -> String {
    compact(&named(function, name).expr)
}

fn named<'a>(function: &'a ItemFn, name: &str) -> &'a ItemStatic {
    statics(function).into_iter().find(|item| item.ident == name).expect("a static of this name")
}

/// The declared limits, in order, without spaces.
fn limits(function: &ItemFn) -> Vec<String> {
    let limits = named(function, "__LIMITER_LIMITS");
    let Expr::Array(array) = &*limits.expr else { panic!("an array of limits") };
    array.elems.iter().map(compact).collect()
}

#[test]
fn arguments_become_one_gate() {
    let function = limited(
        quote!("10/minute"),
        quote! {
            /// Documented.
            pub(crate) async fn search<T>(mut a: Path<T>, #[allow(unused)] Query(b): Query<u8>) -> impl Responder
            where
                T: Send,
            {
                a
            }
        },
    );
    assert_eq!(function.sig.inputs.len(), 1);
    let FnArg::Typed(gate) = &function.sig.inputs[0] else { panic!("a gate") };
    assert_eq!(compact(&gate.ty), "::limiter_actix::__private::Gate<(Path<T>,Query<u8>,)>");
    assert_eq!(
        compact(&function.sig.output),
        "->::limiter_actix::__private::Either<implResponder,\
         ::limiter_actix::__private::HttpResponse>"
    );
    assert_eq!(compact(&function.vis), "pub(crate)");
    assert_eq!(function.attrs.len(), 1, "the documentation stays");
    assert!(function.sig.generics.where_clause.is_some());
}

/// In edition 2021, a temporary in the last expression of the body would outlive an argument that
/// is bound in the same block.
#[test]
fn arguments_are_bound_outside_the_block_of_the_body() {
    let function = limited(
        quote!("10/minute"),
        quote! {
            async fn size(
                state: Data<Mutex<Vec<u8>>>,
                mut name: String,
                _: Path<u8>,
                Query(pairs): Query<u8>,
            ) -> usize {
                state.lock().unwrap().len()
            }
        },
    );
    let locals = function.block.stmts.iter().filter_map(|statement| match statement {
        Stmt::Local(Local { pat, .. }) => Some(compact(pat)),
        _ => None,
    });
    let locals: Vec<_> = locals.collect();
    assert_eq!(
        locals,
        ["(state,mutname,__limiter_argument_2,__limiter_argument_3,)", "Query(pairs)"]
    );

    let last = function.block.stmts.last();
    let Some(Stmt::Expr(Expr::Call(left), None)) = last else { panic!("`Either::Left(…)`") };
    let Expr::Await(awaited) = &left.args[0] else { panic!("an awaited block") };
    let Expr::Async(body) = &*awaited.base else { panic!("a block") };
    assert!(body.capture.is_some());
    assert!(!body.block.stmts.iter().any(|statement| matches!(statement, Stmt::Local(_))));
}

#[test]
fn returned_type_is_pinned_without_its_opaque_parts() {
    let pin = |returned: TokenStream| {
        let function = limited(quote!("10/minute"), quote!(async fn f() -> #returned { body() }));
        compact(function.block.stmts.last().expect("a last expression"))
    };
    assert!(pin(quote!(Result<impl Responder, Error>)).contains("None::<Result<_,Error>>"));
    assert!(pin(quote!(Vec<Box<dyn Fn() -> u8>>)).contains("None::<Vec<Box<dynFn()->u8>>>"));
    assert!(!pin(quote!(impl Responder)).contains("None"));
}

#[test]
fn body_is_not_read() {
    let body = quote!({ a syntax of the future => 1 ; [ ] });
    let expanded = expand(Kind::Limit, quote!("10/minute"), &quote!(async fn f() -> u8 #body));
    assert!(compact(expanded).contains(&compact(body)));
}

#[test]
fn inner_attributes_move_to_the_function() {
    let function = limited(
        quote!("10/minute"),
        quote!(
            async fn f() -> u8 {
                #![allow(unused)]
                let a = 1;
                2
            }
        ),
    );
    assert_eq!(function.attrs.iter().map(compact).collect::<Vec<_>>(), ["#[allow(unused)]"]);
}

#[test]
fn moves_below_whatever_may_be_a_macro() {
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
fn stays_where_nothing_can_be_a_macro() {
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
fn foreign_attribute_of_the_same_name_is_no_sibling() {
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

/// Collects the names that an expansion brings in.
#[derive(Default)]
struct Names {
    paths: Vec<String>,
    locals: Vec<String>,
}

impl Visit<'_> for Names {
    fn visit_path(&mut self, path: &syn::Path) {
        self.paths.push(compact(path).split("::<").next().unwrap_or_default().to_owned());
        visit::visit_path(self, path);
    }

    fn visit_pat_ident(&mut self, pat: &syn::PatIdent) {
        self.locals.push(pat.ident.to_string());
        visit::visit_pat_ident(self, pat);
    }

    fn visit_item_static(&mut self, item: &ItemStatic) {
        self.locals.push(item.ident.to_string().to_lowercase());
        visit::visit_item_static(self, item);
    }
}

const EVERYTHING: &str = r#"
    "10/second burst 20", key = crate::key, cost = async crate::cost, override_defaults = false,
    per_method = true, methods = ["get"], scope = "part", exempt_when = async crate::exempt,
    deduct_when = crate::deduct, cost_after = crate::after, on_breach = crate::breach,
    error_message = "slow down", meta = ["5/minute", crate::META], candidate = "5/second",
    name = "search", strategy = "token-bucket"
"#;

#[test]
fn expansion_names_only_the_private_module_and_core() {
    for (root, option) in [("::limiter_actix", ""), ("crate::facade", ", crate = crate::facade")] {
        let args: TokenStream = format!("{EVERYTHING} {option}").parse().expect("tokens");
        let function = limited(
            args,
            quote!(
                async fn f(a: crate::A) -> crate::R {
                    crate::body()
                }
            ),
        );
        let mut names = Names::default();
        names.visit_item_fn(&function);

        let private = format!("{root}::__private");
        for path in names.paths {
            let is_ours = path.starts_with(&private) || path.starts_with("::core::");
            let is_users = path.starts_with("crate::") && !path.starts_with("crate::facade");
            let is_local = path.starts_with("__limiter") || path.starts_with("__LIMITER");
            assert!(is_ours || is_users || is_local || path == "a", "{path} is named");
        }
        for local in names.locals.iter().filter(|local| *local != "a") {
            assert!(local.starts_with("__limiter_"), "{local} is a local");
        }
    }
}

#[test]
fn every_option_reaches_the_record() {
    let function = limited(
        EVERYTHING.parse().expect("tokens"),
        quote!(
            async fn f() -> u8 {
                1
            }
        ),
    );
    let limits = limits(&function);
    let [limit] = &limits[..] else { panic!("one limit") };
    for part in [
        r#"LimitRecord::limit("10/secondburst20")"#,
        r#".scope("part")"#,
        ".key(::limiter_actix::__private::RequestFn::Sync(|__limiter_request|::limiter_actix::\
         __private::key(__limiter_request,crate::key)))",
        ".cost(::limiter_actix::__private::CostRecord::Function(::limiter_actix::__private::\
         RequestFn::Async(|__limiter_request|::limiter_actix::__private::cost_async(\
         __limiter_request,crate::cost))))",
        ".exempt_when(::limiter_actix::__private::RequestFn::Async(|__limiter_request|\
         ::limiter_actix::__private::exempt_when_async(__limiter_request,crate::exempt)))",
        ".deduct_when(|__limiter_subject|::limiter_actix::__private::deduct_when(\
         __limiter_subject,crate::deduct))",
        ".cost_after(|__limiter_subject|::limiter_actix::__private::cost_after(\
         __limiter_subject,crate::after))",
        ".on_breach(|__limiter_subject|::limiter_actix::__private::on_breach(\
         __limiter_subject,crate::breach))",
        ".meta(&__LIMITER_META_0)",
        r#".candidate("5/second")"#,
        ".per_method(true)",
        r#".methods(&["GET"])"#,
        ".override_defaults(false)",
        r#".error_message(::limiter_actix::__private::MessageRecord::Text("slowdown"))"#,
        r#".name("search")"#,
        ".strategy(::limiter_actix::__private::Strategy::TokenBucket)",
    ] {
        assert!(limit.contains(part), "{part} is missing in {limit}");
    }
}

#[test]
fn functions_of_the_limit_the_scope_and_the_message_reach_the_record() {
    let function = limited(
        quote!(async tier_of, scope = tenant_of, error_message = excuse, shadow = false),
        quote!(
            #[::limiter_actix::shared_limit(__limiter() tier_of, scope = async |r| tenant(r).await)]
            async fn f() -> u8 {
                1
            }
        ),
    );
    let limits = limits(&function);
    let [shared, own] = &limits[..] else { panic!("two limits") };
    for (limit, part) in [
        (own, "LimitRecord::dynamic(::limiter_actix::__private::RequestFn::Async("),
        (own, "limits_async(__limiter_request,tier_of)"),
        (own, "scope(__limiter_request,tenant_of)"),
        (own, ".scope_by(::limiter_actix::__private::RequestFn::Sync("),
        (
            own,
            "MessageRecord::Function(|__limiter_subject|::limiter_actix::__private::error_message(",
        ),
        (own, ".shadow(false)"),
        (shared, "LimitRecord::dynamic(::limiter_actix::__private::RequestFn::Sync("),
        (shared, ".shared_by(::limiter_actix::__private::RequestFn::Async("),
        (shared, "scope_async(__limiter_request,async|r|tenant(r).await)"),
    ] {
        assert!(limit.contains(part), "{part} is missing in {limit}");
    }
}

#[test]
fn meta_limits_are_statics_of_the_handler() {
    let function = limited(
        quote!("10/minute", meta = ["5/minute", "20/day"], block = "10 minutes"),
        quote!(
            #[::limiter_actix::limit(__limiter() "1/s", meta = crate::PENALTY)]
            async fn f() -> u8 {
                1
            }
        ),
    );
    assert_eq!(initialiser(&function, "__LIMITER_META_0"), "[&crate::PENALTY]");
    assert_eq!(
        initialiser(&function, "__LIMITER_META_1"),
        "[&__LIMITER_META_1_0,&__LIMITER_META_1_1]"
    );
    assert_eq!(
        initialiser(&function, "__LIMITER_META_1_1"),
        r#"::limiter_actix::__private::MetaLimit::new("20/day").block("10minutes")"#
    );
}

#[test]
fn record_is_submitted() {
    let function = limited(
        quote!("1/s"),
        quote!(
            async fn r#type() -> u8 {
                1
            }
        ),
    );
    let record = initialiser(&function, "__LIMITER_RECORD");
    assert!(record.contains(r#"::core::concat!(::core::module_path!(),"::","type"),"type""#));
    let submitted = function.block.stmts.iter().any(|statement| match statement {
        Stmt::Macro(it) => is_submission(&it.mac),
        Stmt::Item(Item::Macro(it)) => is_submission(&it.mac),
        _ => false,
    });
    assert!(submitted);
}

fn is_submission(mac: &Macro) -> bool {
    compact(&mac.path) == "::limiter_actix::__private::inventory::submit"
        && compact(&mac.tokens) == "&__LIMITER_RECORD"
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let (messages, _) = refused(
        Kind::Limit,
        quote!("10 minute", "1/s", cots = 2, cost = -1, key = , name = "", per_method),
        quote!(
            fn f(&self, #[cfg(unix)] a: u8) -> u8 {
                1
            }
        ),
    );
    assert_eq!(messages.len(), 10, "{messages:#?}");
}

#[test]
fn mistake_in_one_argument_hides_none_in_the_next() {
    let (messages, _) = refused(
        Kind::Limit,
        quote!("10/minute", cost = 1 +, per_method = yes, name = ?, strategy = "x"),
        quote!(
            async fn f() -> u8 {
                1
            }
        ),
    );
    assert_eq!(messages.len(), 4, "{messages:#?}");
}

#[test]
fn what_could_not_be_read_is_not_missing() {
    let function = || {
        quote!(
            async fn f() -> u8 {
                1
            }
        )
    };
    let (messages, _) = refused(Kind::SharedLimit, quote!("1/s", scope = 5), function());
    assert_eq!(messages.len(), 1, "{messages:#?}");
    let (messages, _) = refused(Kind::SharedLimit, quote!("1/s", scop = "x"), function());
    assert_eq!(messages.len(), 1, "{messages:#?}");
    let (messages, _) = refused(Kind::Limit, quote!(= "1/s"), function());
    assert_eq!(messages.len(), 1, "{messages:#?}");
    let (messages, _) = refused(Kind::SharedLimit, quote!("1 s"), function());
    assert_eq!(messages.len(), 2, "{messages:#?}");
}

#[test]
fn handler_is_left_beside_a_message() {
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
fn unsound_function_is_repaired_and_spoken_of_once() {
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
fn anything_else_is_left_as_it_is() {
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
    assert!(messages[0].contains("limited already"), "{messages:?}");
}

#[test]
fn contradictions_leave_the_handler_unlimited_with_one_message() {
    let sibling = quote! {
        #[::limiter_actix::limit(__limiter() "1/s", override_defaults = false)]
        async fn f() -> u8 { 1 }
    };
    for flags in [quote!(), quote!(defaults)] {
        let (messages, items) = refused(Kind::Exempt, flags, sibling.clone());
        assert_eq!(messages.len(), 1, "{messages:#?}");
        assert_eq!(items.iter().map(compact).collect::<Vec<_>>(), ["asyncfnf()->u8{1}"]);
    }
}

#[test]
fn cost_is_held_against_what_a_quota_can_ever_admit() {
    let check = |args: TokenStream| {
        refused(
            Kind::Limit,
            args,
            quote!(
                async fn f() -> u8 {
                    1
                }
            ),
        )
        .0
    };
    let accept = |args: TokenStream| {
        limited(
            args,
            quote!(
                async fn f() -> u8 {
                    1
                }
            ),
        );
    };
    accept(quote!("10/minute", cost = 10));
    accept(quote!("10/minute", cost = 0));
    accept(quote!("0/minute", cost = 10));
    accept(quote!("10/second burst 20", cost = 20));
    assert_eq!(check(quote!("10/minute; 100/day", cost = 11)).len(), 1);
    assert_eq!(check(quote!("10/second burst 5", cost = 6)).len(), 1);
}

/// Literals that arrive through `macro_rules!` are wrapped in an invisible group.
#[test]
fn invisible_groups_are_seen_through() {
    let group = |tokens: TokenStream| {
        TokenTree::from(proc_macro2::Group::new(proc_macro2::Delimiter::None, tokens))
    };
    let (text, cost) = (group(quote!("1/s")), group(group(quote!(1)).into()));
    let function = limited(
        quote!(#text, cost = #cost),
        quote!(
            async fn f() -> u8 {
                1
            }
        ),
    );
    assert!(limits(&function)[0].contains("CostRecord::Fixed(1u64)"));
}
