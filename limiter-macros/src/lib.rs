//! The attributes of `limiter-actix`: [`#[limit]`](macro@limit),
//! [`#[shared_limit]`](macro@shared_limit) and [`#[exempt]`](macro@exempt).
//!
//! Depend on `limiter-actix`, which re-exports them; generated code names its private module.
//!
//! # The story of one attribute
//!
//! 1. Its arguments are **read**. Every mistake is reported, each at the tokens that are wrong.
//! 2. What they mean is **checked**, with the parser that also reads limits at run time.
//! 3. It **moves down** below every other attribute that may be a macro. The compiler expands
//!    attributes from the top, so the route attributes are gone when it arrives at the bottom: it
//!    takes the routes along, for the list of handlers.
//! 4. The last one **folds** its siblings. It recognises them by a marker and not by their name
//!    alone, so renamed imports, paths and `cfg_attr` work, and an attribute of the same name from
//!    another crate is not touched.
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
//! The gate decides before it extracts: the body of a denied request is not read.
//!
//! # Where to find what
//!
//! | module | holds |
//! | --- | --- |
//! | `errors` | the mistakes of one attribute, reported together |
//! | `root` | the path by which generated code reaches `limiter_actix` |
//! | `route` | the routes of a handler |
//! | `args` | arguments as syntax |
//! | `model` | what arguments mean, and which of them contradict each other |
//! | `item` | the annotated function |
//! | `expand` | generated code: the record and the gate |
//! | `fallback` | what is emitted after a mistake |
//! | `attribute` | the steps above, from start to end |
//!
//! A module imports only those above it in this table.

mod args;
mod attribute;
mod errors;
mod expand;
mod fallback;
mod item;
mod model;
mod root;
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
/// assert_eq!(listed.limits()[0].text(), Some("10/second burst 20"));
/// # let _ = (search, upload);
/// ```
///
/// The attribute stands above or below a route attribute, on a plain `async fn` for
/// `web::get().to(…)`, on a generic function or on an associated function without `self`. All
/// attributes of a handler apply; those with exactly the same arguments count once. To call a
/// handler directly, for example in a test, pass it a `Gate::for_test`.
///
/// # Arguments
///
/// | argument | value | default |
/// | --- | --- | --- |
/// | first | a string with one or several limits, checked by the compiler; or a [function of the request](#dynamic-limits) that returns such a string | required |
/// | `key` | a function of the request: who is limited | the limiter's key |
/// | `cost` | a whole number, or a function of the request; 0 checks the limit without counting | `1` |
/// | `cost_after` | a function of the response: what to charge on top of `cost`, up to what is left | nothing |
/// | `override_defaults` | `false`: the limiter's default limits apply as well | `true`; for a shadow `false` |
/// | `per_method` | `true`: each method has a counter of its own | `false` |
/// | `methods` | the methods that are limited: `["GET", "POST"]`; default limits apply to the others | all |
/// | `scope` | a string, or a function of the request that returns one: divides the handler's counter | none |
/// | `exempt_when` | a function of the request that returns a `bool`; on `true` the limit does not apply | never |
/// | `deduct_when` | a function of the response that returns a `bool`; on `false` the cost is refunded | always |
/// | `on_breach` | a function of the breach: called for every denial; a response it returns is sent in place of the limiter's | the limiter's |
/// | `error_message` | a string for the body of a denial, or a function of the breach that returns one | the quota |
/// | `meta` | a limit on the number of breaches, such as `"5/minute"`; a `static` of type `MetaLimit`; or a list of these | none |
/// | `block` | how long the strings in `meta` lock a client out: `"10 minutes"` | until the window of `meta` ends |
/// | `shadow` | `true`: evaluated, counted and reported, never denies | `false` |
/// | `candidate` | a string with limits to try out: they are evaluated, counted and reported, and never deny | none |
/// | `name` | the policy's name in headers and reports: 1 to 64 printable ASCII characters | derived |
/// | `strategy` | `"fixed-window"`, `"moving-window"`, `"sliding-window-counter"` or `"token-bucket"` | the limiter's |
/// | `on_store_error` | what happens while a remote storage does not answer: `"local"` counts in this process, `"deny"` answers with 503, `"allow"` skips the limit | the limiter's |
/// | `crate` | the path of `limiter_actix`, if it is not a direct dependency | `::limiter_actix` |
///
/// # Functions
///
/// A function is a path, a closure, or a call that returns one; for `key` it is any `KeyBy` value
/// such as `header("x-device")` or a tuple of them. Its signature depends on the argument:
///
/// | argument | called with | returns | may be async |
/// | --- | --- | --- | --- |
/// | first | `&HttpRequest` | a `&'static str`, a `String`, a `Cow` of them, or an `Option` of one | yes |
/// | `key` | `&HttpRequest` | a `Key`, a string, a number, an `IpAddr`, or an `Option` of one | yes |
/// | `cost` | `&HttpRequest` | `u64` | yes |
/// | `scope` | `&HttpRequest` | a `&'static str`, a `String`, or a `Cow` of them | yes |
/// | `exempt_when` | `&HttpRequest` | `bool` | yes |
/// | `deduct_when` | `&ResponseHead` | `bool` | no |
/// | `cost_after` | `&ResponseHead` | `u64` | no |
/// | `on_breach` | `&Breach<'_>` | nothing, an `HttpResponse`, or an `Option` of one | no |
/// | `error_message` | `&Breach<'_>` | a `String` or a `&'static str` | no |
///
/// Functions of the request are called before the limits are decided. They are called
/// synchronously, unless you write `async` before them:
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
/// Functions of the response and of the breach run while the response is written. They borrow it,
/// and the borrow cannot be held across an await, so they are never async. Spawn slow work, such as
/// sending a message, as a task:
///
/// ```
/// use actix_web::{HttpResponse, dev::ResponseHead, post};
/// use limiter_actix::{Breach, MetaLimit, limit};
///
/// static HAMMERING: MetaLimit = MetaLimit::new("20/day").block("1 day");
///
/// /// Only failed attempts count. A client that keeps failing is locked out.
/// #[post("/login")]
/// #[limit("5/minute", deduct_when = has_failed, error_message = excuse, meta = HAMMERING)]
/// async fn login() -> HttpResponse {
///     HttpResponse::Unauthorized().finish()
/// }
///
/// fn has_failed(head: &ResponseHead) -> bool {
///     head.status.is_client_error()
/// }
///
/// fn excuse(breach: &Breach<'_>) -> String {
///     format!("more than {} failed attempts", breach.limit().quota())
/// }
///
/// /// Charges for the tokens that were used, once they are known.
/// #[post("/complete")]
/// #[limit("10000/hour", cost_after = tokens_used, on_breach = sorry)]
/// async fn complete() -> HttpResponse {
///     HttpResponse::Ok().insert_header(("x-tokens", "250")).finish()
/// }
///
/// fn tokens_used(head: &ResponseHead) -> u64 {
///     let tokens = head.headers().get("x-tokens").and_then(|tokens| tokens.to_str().ok());
///     tokens.and_then(|tokens| tokens.parse().ok()).unwrap_or(0)
/// }
///
/// fn sorry(breach: &Breach<'_>) -> Option<HttpResponse> {
///     let account = breach.limit().name().to_owned();
///     actix_web::rt::spawn(async move { println!("{account} is used up") });
///     None
/// }
/// # let _ = (login, complete);
/// ```
///
/// Paths are resolved in the scope of the handler. They cannot name `Self` or its generic
/// parameters, because the record of the limits is one `static` for all of them.
///
/// # Dynamic limits
///
/// Instead of a string, the first argument may be a function of the request. It is called for every
/// request. Each string that it returns is parsed once and cached:
///
/// ```
/// use actix_web::{HttpRequest, get};
/// use limiter_actix::{header, limit};
///
/// #[get("/catalogue")]
/// #[limit(tier_of, key = header("x-api-key"))]
/// async fn catalogue() -> &'static str {
///     "found"
/// }
///
/// #[get("/summary")]
/// #[limit(async |request: &HttpRequest| stored_tier(request).await)]
/// #[limit("1000/day", candidate = "500/day")]
/// async fn summary() -> &'static str {
///     "summary"
/// }
///
/// fn tier_of(request: &HttpRequest) -> &'static str {
///     match request.headers().get("x-plan") {
///         Some(plan) if plan == "pro" => "1000/hour",
///         _ => "10/minute; 100/hour",
///     }
/// }
///
/// /// `None` or an empty string: the limit does not apply to this request.
/// async fn stored_tier(request: &HttpRequest) -> Option<String> {
///     # let _ = request;
///     Some("60/minute".to_owned())
/// }
///
/// let handlers = limiter_actix::handlers();
/// let listed = handlers.iter().find(|handler| handler.name() == "catalogue").expect("all are");
/// assert_eq!(listed.limits()[0].text(), None);
/// # let _ = (catalogue, summary);
/// ```
///
/// A string that cannot be parsed is logged once, with the handler's name. By default it counts as
/// no limit: the handler's other limits and the default limits apply. If there are none to fall
/// back to, `LimiterBuilder::invalid_dynamic_limit` can deny the request instead.
///
/// # Mistakes are compile errors
///
/// Limits that cannot be parsed, a cost above what a limit can admit, a burst with a strategy that
/// does not support one, functions with another signature, options for the denials of a shadow,
/// unknown or duplicate arguments, values of the wrong type:
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
/// * the path of a `static` of type `SharedLimit`, which holds limits and scope;
/// * a string with limits, or a [function of the request](macro@limit#dynamic-limits) that returns
///   one. Then `scope` is required: the name that the handlers share, as a string, or a function of
///   the request that returns it.
///
/// The other arguments are those of `#[limit]`. They apply to this handler alone: each handler of a
/// scope may have a cost and exemptions of its own.
///
/// | argument | value | default |
/// | --- | --- | --- |
/// | first | a `static`, a string or a function, as above | required |
/// | `scope` | a string, or a function of the request that returns one | that of the `static`, or required |
/// | `key`, `cost`, `cost_after`, `override_defaults`, `per_method`, `methods`, `exempt_when`, `deduct_when`, `on_breach`, `error_message`, `meta`, `block`, `shadow`, `candidate`, `name`, `strategy`, `on_store_error`, `crate` | as for [`#[limit]`](macro@limit#arguments) | the same |
///
/// A function of the request shares a counter between the handlers of one tenant:
///
/// ```
/// use actix_web::{HttpRequest, get};
/// use limiter_actix::{ScopeRecord, shared_limit};
///
/// #[get("/invoices")]
/// #[shared_limit("100/hour", scope = database_of)]
/// async fn invoices() -> &'static str {
///     "invoices"
/// }
///
/// #[get("/statement")]
/// #[shared_limit(budget_of, scope = database_of, cost = 5)]
/// async fn statement() -> &'static str {
///     "statement"
/// }
///
/// fn database_of(request: &HttpRequest) -> String {
///     format!("mysql-{}", request.connection_info().host())
/// }
///
/// fn budget_of(_: &HttpRequest) -> &'static str {
///     "100/hour"
/// }
/// # let handlers = limiter_actix::handlers();
/// # let listed = handlers.iter().find(|handler| handler.name() == "statement").expect("all are");
/// # assert_eq!(listed.limits()[0].scope_record(), ScopeRecord::SharedBy);
/// # let _ = (invoices, statement);
/// ```
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
/// Without a flag the handler is exempt from all three, and a limit on the same handler is a
/// compile error. `crate = path` is that of [`#[limit]`](macro@limit#arguments).
///
/// The handler is exempt, not its path. If a middleware inside the limiter responds before the
/// handler is reached, for example with 401, the request counts for the default and application
/// limits. So does a request with another method. To never limit a path, for example that of a
/// health check, pass it to the limiter's builder as an `exempt_path`.
#[proc_macro_attribute]
pub fn exempt(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute::expand(Kind::Exempt, args.into(), &item.into()).into()
}
