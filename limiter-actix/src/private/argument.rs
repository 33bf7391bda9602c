//! The traits that functions in attribute arguments must implement, with compile errors of their
//! own.
//!
//! Each is an alias for a bound on `Fn` or `AsyncFn`. For a plain bound on `Fn` the compiler would
//! report its own error, without a remedy.

use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, dev::ResponseHead};

use crate::{
    declare::IntoLimitText,
    limit::{Breach, IntoBreachResponse},
};

macro_rules! argument {
    (
        $(#[$attribute:meta])*
        $name:ident $(<$T:ident: $Bound:path>)? = $Function:ident($Input:ty) -> $Output:ty
        $(, and then $convert:path => $Kept:ty)?
    ) => {
        $(#[$attribute])*
        pub trait $name$(<$T>)?: $Function($Input) -> $Output {
            $(
                /// Converts the result of the function.
                fn keep(returned: $T) -> $Kept;
            )?
        }

        #[diagnostic::do_not_recommend]
        impl<$($T: $Bound,)? F: $Function($Input) -> $Output> $name$(<$T>)? for F {
            $(
                fn keep(returned: $T) -> $Kept {
                    $convert(returned)
                }
            )?
        }
    };
}

argument! {
    /// `#[limit(f)]`.
    #[diagnostic::on_unimplemented(
        message = "expected a string literal or a function of the request that returns limits, \
                   found `{Self}`",
        label = "not a limit",
        note = "the function is a `fn(&HttpRequest) -> T`, where `T` is a `&'static str`, a `String`, \
                a `Cow` of them, or an `Option` of one",
        note = "an async function is written `async tier_of`",
        note = "limits that never change are written as a string literal, which the compiler checks",
        note = "a `static` of type `SharedLimit` is for `#[shared_limit(DATABASE)]`, and has its \
                `scope` already"
    )]
    Limits<T: IntoLimitText> = Fn(&HttpRequest) -> T,
    and then T::into_limit_text => Cow<'static, str>
}

argument! {
    /// `#[limit(async f)]`.
    #[diagnostic::on_unimplemented(
        message = "expected an async function of the request that returns limits, found `{Self}`",
        label = "not an async limit function",
        note = "the function is an `async fn(&HttpRequest) -> T`, where `T` is a `&'static str`, a \
                `String`, a `Cow` of them, or an `Option` of one",
        note = "a function that is not async is written without `async`"
    )]
    AsyncLimits<T: IntoLimitText> = AsyncFn(&HttpRequest) -> T,
    and then T::into_limit_text => Cow<'static, str>
}

argument! {
    /// `cost = f`.
    #[diagnostic::on_unimplemented(
        message = "expected an integer literal or a function of the request that returns a `u64`, \
                   found `{Self}`",
        label = "not a cost",
        note = "a cost that never changes is written as a number: `cost = 5`",
        note = "an async function is written `cost = async cost_of`"
    )]
    Cost = Fn(&HttpRequest) -> u64
}

argument! {
    /// `cost = async f`.
    #[diagnostic::on_unimplemented(
        message = "expected an async function of the request that returns a `u64`, found `{Self}`",
        label = "not an `async fn(&HttpRequest) -> u64`",
        note = "a function that is not async is written without `async`"
    )]
    AsyncCost = AsyncFn(&HttpRequest) -> u64
}

argument! {
    /// `scope = f`.
    #[diagnostic::on_unimplemented(
        message = "expected a string literal or a function of the request that returns a scope name, \
                   found `{Self}`",
        label = "not a scope name",
        note = "the function is a `fn(&HttpRequest) -> T`, where `T` is a `&'static str`, a `String`, \
                or a `Cow` of them",
        note = "write `to_string()` to name a scope by a number",
        note = "an async function is written `scope = async tenant_of`"
    )]
    Scope<T: Into<Cow<'static, str>>> = Fn(&HttpRequest) -> T,
    and then T::into => Cow<'static, str>
}

argument! {
    /// `scope = async f`.
    #[diagnostic::on_unimplemented(
        message = "expected an async function of the request that returns a scope name, \
                   found `{Self}`",
        label = "not an async scope function",
        note = "the function is an `async fn(&HttpRequest) -> T`, where `T` is a `&'static str`, a \
                `String`, or a `Cow` of them",
        note = "a function that is not async is written without `async`"
    )]
    AsyncScope<T: Into<Cow<'static, str>>> = AsyncFn(&HttpRequest) -> T,
    and then T::into => Cow<'static, str>
}

argument! {
    /// `exempt_when = f`.
    #[diagnostic::on_unimplemented(
        message = "expected a function of the request that returns a `bool`, found `{Self}`",
        label = "not a `fn(&HttpRequest) -> bool`",
        note = "an async function is written `exempt_when = async is_internal`"
    )]
    ExemptWhen = Fn(&HttpRequest) -> bool
}

argument! {
    /// `exempt_when = async f`.
    #[diagnostic::on_unimplemented(
        message = "expected an async function of the request that returns a `bool`, found `{Self}`",
        label = "not an `async fn(&HttpRequest) -> bool`",
        note = "a function that is not async is written without `async`"
    )]
    AsyncExemptWhen = AsyncFn(&HttpRequest) -> bool
}

argument! {
    /// `deduct_when = f`.
    #[diagnostic::on_unimplemented(
        message = "expected a function of the response that returns a `bool`, found `{Self}`",
        label = "not a `fn(&ResponseHead) -> bool`",
        note = "it runs when the response is written, and cannot be async"
    )]
    DeductWhen = Fn(&ResponseHead) -> bool
}

argument! {
    /// `cost_after = f`.
    #[diagnostic::on_unimplemented(
        message = "expected a function of the response that returns a `u64`, found `{Self}`",
        label = "not a `fn(&ResponseHead) -> u64`",
        note = "it runs when the response is written, and cannot be async"
    )]
    CostAfter = Fn(&ResponseHead) -> u64
}

argument! {
    /// `on_breach = f`.
    #[diagnostic::on_unimplemented(
        message = "expected a function of the breach that returns nothing or a response, \
                   found `{Self}`",
        label = "not a breach callback",
        note = "the function is a `fn(&Breach<'_>) -> T`, where `T` is `()`, an `HttpResponse`, or an \
                `Option` of one",
        note = "to change only the text of the limiter's response, use `error_message`",
        note = "it runs when the response is written, and cannot be async"
    )]
    OnBreach<T: IntoBreachResponse> = Fn(&Breach<'_>) -> T,
    and then T::into_breach_response => Option<HttpResponse>
}

argument! {
    /// `error_message = f`.
    #[diagnostic::on_unimplemented(
        message = "expected a string literal or a function of the breach that returns a text, \
                   found `{Self}`",
        label = "not a message",
        note = "the function is a `fn(&Breach<'_>) -> T`, where `T` is a `String` or a `&'static str`",
        note = "it runs when the response is written, and cannot be async"
    )]
    ErrorMessage<T: Into<String>> = Fn(&Breach<'_>) -> T,
    and then T::into => String
}
