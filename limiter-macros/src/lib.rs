//! The attributes of `limiter-actix`: [`#[limit]`](macro@limit),
//! [`#[shared_limit]`](macro@shared_limit) and [`#[exempt]`](macro@exempt).
//!
//! Depend on `limiter-actix`, which re-exports them; generated code names its private module.
//!
//! # The story of one attribute
//!
//! 1. What was **written** between its parentheses is read, as far as it can be: every mistake is
//!    reported, each on the words that are wrong.
//! 2. What is **meant** by it is checked, with the parser that also reads limits at run time.
//! 3. It **moves down** below every other attribute that may be a macro. The compiler expands
//!    attributes from the top; down there the route attributes are gone, and what they said is
//!    carried along for the list of handlers.
//! 4. The last one **folds** its siblings. They are told by a mark and not by a name, so renamed
//!    imports, paths and `cfg_attr` work, and a foreign attribute of the same name is left alone.
//! 5. The handler is **expanded**: a static record of all its limits, submitted to the link-time
//!    list of handlers, and a gate around its arguments.
//!
//! ```text
//! #[get("/users/{id}")]
//! async fn user(gate: Gate<(Path<u32>,)>) -> Either<impl Responder, HttpResponse> {
//!     static RECORD: HandlerRecord = …;
//!     let (argument,) = match gate.admit(&RECORD).await {
//!         Ok(arguments) => arguments,
//!         Err(response) => return Either::Right(response),
//!     };
//!     let id = argument;
//!     Either::Left(async move { … }.await)
//! }
//! ```
//!
//! The gate decides before it extracts: a denied request has not had its body read.

mod args;
mod attribute;
mod errors;
mod expand;
mod fallback;
mod item;
mod model;
mod options;
mod route;

use proc_macro::TokenStream;

use crate::model::Kind;

/// Limits a handler.
///
/// ```
/// use actix_web::{HttpRequest, Responder, get, post, web};
/// use limiter_actix::limit;
///
/// #[get("/search")]
/// #[limit("100/day; 10/minute")]
/// async fn search() -> impl Responder {
///     "found"
/// }
///
/// #[limit("10/second burst 20", strategy = "token-bucket", cost = weight, name = "upload")]
/// #[post("/upload/{name}")]
/// async fn upload(name: web::Path<String>, body: web::Bytes) -> impl Responder {
///     format!("{name}: {} bytes", body.len())
/// }
///
/// fn weight(request: &HttpRequest) -> u64 {
///     if request.headers().contains_key("x-bulk") { 10 } else { 1 }
/// }
///
/// let handlers = limiter_actix::handlers();
/// let listed = handlers.iter().find(|handler| handler.name() == "upload").expect("all are");
/// assert_eq!(listed.routes()[0].path(), "/upload/{name}");
/// assert_eq!(listed.limits()[0].text(), "10/second burst 20");
/// # let _ = (search, upload);
/// ```
///
/// The attribute stands above or below a route attribute, on a plain `async fn` for
/// `web::get().to(…)`, on a generic function or on an associated function without `self`. Several
/// on one handler all apply; those of exactly the same words count once. A handler is called
/// directly, for example in a test, through `Gate::for_test`.
///
/// # Arguments
///
/// | argument | value | default |
/// | --- | --- | --- |
/// | first | a string with one or several limits, checked by the compiler | required |
/// | `key` | a function of the request: who is limited | the limiter's key |
/// | `cost` | a whole number, or a function of the request; 0 looks without taking | `1` |
/// | `override_defaults` | `false`: the limiter's default limits apply as well | `true` |
/// | `per_method` | `true`: each method has a counter of its own | `false` |
/// | `methods` | the methods that are limited: `["GET", "POST"]`; default limits apply to the others | all |
/// | `scope` | a string that divides the handler's counter from those of its other limits | none |
/// | `error_message` | a string for the body of a denial | none |
/// | `name` | the policy's name in headers and reports: 1 to 64 printable ASCII characters | derived |
/// | `strategy` | `"fixed-window"`, `"moving-window"`, `"sliding-window-counter"` or `"token-bucket"` | the limiter's |
/// | `crate` | the path of `limiter_actix`, if it is not a direct dependency | `::limiter_actix` |
///
/// # Functions
///
/// A function is a path or a closure, and for `key` any `KeyBy` value such as `header("x-device")`
/// or a tuple of them. It is called synchronously, unless the word `async` stands before it:
///
/// ```
/// use actix_web::HttpRequest;
/// use limiter_actix::{header, limit};
///
/// #[limit("10/minute", key = header("x-api-key"))]
/// #[limit("100/day", key = tenant_of)]
/// #[limit("200/day", key = |request: &HttpRequest| request.path().to_owned())]
/// #[limit("5/minute", key = async account_of)]
/// #[limit("50/hour", key = async |request: &HttpRequest| account_of(request).await)]
/// async fn order() -> &'static str {
///     "ordered"
/// }
///
/// fn tenant_of(request: &HttpRequest) -> Option<String> {
///     Some(request.uri().host()?.to_owned())
/// }
///
/// async fn account_of(request: &HttpRequest) -> Option<u64> {
///     request.match_info().get("account")?.parse().ok()
/// }
/// # let handlers = limiter_actix::handlers();
/// # let listed = handlers.iter().find(|handler| handler.name() == "order").unwrap();
/// # assert_eq!(listed.limits().len(), 5);
/// ```
///
/// # Mistakes are compile errors
///
/// Limits that cannot be parsed, a cost that could never be admitted, a burst for a strategy that
/// has none, unknown or repeated arguments, values of the wrong kind:
///
/// ```compile_fail
/// # use limiter_actix::limit;
/// #[limit("10 per fortnight")]
/// # async fn search() {}
/// ```
#[proc_macro_attribute]
pub fn limit(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Limit, args.into(), &item.into()).into()
}

/// Limits a handler together with all others that name the same scope: they share one counter per
/// client.
///
/// ```
/// use actix_web::{Responder, get};
/// use limiter_actix::{ScopeRecord, SharedLimit, shared_limit};
///
/// static DATABASE: SharedLimit = SharedLimit::new("100/hour", "mysql");
///
/// #[get("/orders")]
/// #[shared_limit(DATABASE)]
/// async fn orders() -> impl Responder {
///     "orders"
/// }
///
/// #[get("/report")]
/// #[shared_limit(DATABASE, cost = 5)]
/// #[shared_limit("10/minute", scope = "printer")]
/// async fn report() -> impl Responder {
///     "report"
/// }
///
/// let handlers = limiter_actix::handlers();
/// let listed = handlers.iter().find(|handler| handler.name() == "report").expect("all are");
/// assert_eq!(listed.limits()[0].scope_record(), ScopeRecord::Shared("mysql"));
/// assert_eq!(listed.limits()[1].scope_record(), ScopeRecord::Shared("printer"));
/// # let _ = (orders, report);
/// ```
///
/// # Arguments
///
/// The first is one of
///
/// * the path of a `static` of type `SharedLimit`, which has limits and scope;
/// * a string with limits, and then `scope = "…"` is required.
///
/// All others are those of [`#[limit]`](macro@limit#arguments), and each belongs to this handler
/// alone: one may cost more than another.
#[proc_macro_attribute]
pub fn shared_limit(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::SharedLimit, args.into(), &item.into()).into()
}

/// Exempts a handler from limits that were not declared on it.
///
/// ```
/// use actix_web::{Responder, get};
/// use limiter_actix::{exempt, limit};
///
/// #[get("/ping")]
/// #[exempt]
/// async fn ping() -> impl Responder {
///     "PONG"
/// }
///
/// #[exempt(defaults, application)]
/// #[limit("1000/minute")]
/// #[get("/metrics")]
/// async fn metrics() -> impl Responder {
///     "requests 1"
/// }
///
/// let handlers = limiter_actix::handlers();
/// let exemption = |name| handlers.iter().find(|handler| handler.name() == name).unwrap().exempt();
/// assert!(exemption("ping").meta);
/// assert!(!exemption("metrics").meta);
/// # let _ = (ping, metrics);
/// ```
///
/// # Flags
///
/// | flag | the handler is not limited by |
/// | --- | --- |
/// | `defaults` | the limiter's default limits |
/// | `application` | the limiter's application limits |
/// | `meta` | meta limits |
///
/// Without a flag it is exempt from all three, and a limit beside it is a mistake; `crate = path`
/// is that of [`#[limit]`](macro@limit#arguments).
#[proc_macro_attribute]
pub fn exempt(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Exempt, args.into(), &item.into()).into()
}
