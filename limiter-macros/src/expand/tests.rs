//! The gate and the record of a handler, as attributes expand to them.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::{
    Expr, FnArg, Item, ItemFn, ItemStatic, Local, Macro, Stmt,
    visit::{self, Visit},
};

use crate::{
    attribute::{
        self,
        tests::{compact, limited, limits, named},
    },
    model::Kind,
};

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
    let expanded =
        attribute::expand(Kind::Limit, quote!("10/minute"), &quote!(async fn f() -> u8 #body));
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

const EVERYTHING: &str = r#"
    "10/second burst 20", key = crate::key, cost = async crate::cost, override_defaults = false,
    per_method = true, methods = ["get"], scope = "part", exempt_when = async crate::exempt,
    deduct_when = crate::deduct, cost_after = crate::after, on_breach = crate::breach,
    error_message = "slow down", meta = ["5/minute", crate::META], candidate = "5/second",
    name = "search", strategy = "token-bucket"
"#;

/// The initialiser of the static of this name, without spaces.
fn initialiser(function: &ItemFn, name: &str) -> String {
    compact(&named(function, name).expr)
}

fn is_submission(mac: &Macro) -> bool {
    compact(&mac.path) == "::limiter_actix::__private::inventory::submit"
        && compact(&mac.tokens) == "&__LIMITER_RECORD"
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
