//! Mistakes in arguments: each is reported once, and none hides another.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{
    attribute::tests::{compact, limited, refused},
    model::Kind,
};

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
fn unreadable_argument_is_not_reported_missing() {
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
fn cost_is_checked_against_the_capacity_of_each_quota() {
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
