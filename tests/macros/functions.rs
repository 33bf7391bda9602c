//! Every argument that may name a function takes a path, a closure and what a call returns; those
//! that are asked before the handler runs may be async. All of it above and below a route.

use actix_web::{HttpRequest, HttpResponse, dev::ResponseHead, get, http::StatusCode, route, web};
use limiter_actix::{Breach, MetaLimit, exempt, limit, shared_limit};

use crate::support::{answers, statuses};

/// Denies requests whose query is `bad`.
fn tier(request: &HttpRequest) -> &'static str {
    if request.query_string() == "bad" { "0/day" } else { "100/day" }
}

async fn tier_later(request: &HttpRequest) -> String {
    std::future::ready(tier(request)).await.to_owned()
}

fn tier_of_plan(plan: &'static str) -> impl Fn(&HttpRequest) -> &'static str {
    move |request| if request.query_string() == "bad" { plan } else { "100/day" }
}

#[get("/")]
#[limit(tier)]
async fn limit_path() -> &'static str {
    "limit"
}

#[limit(|request: &HttpRequest| tier(request))]
#[get("/")]
async fn limit_closure() -> &'static str {
    "limit"
}

#[get("/")]
#[limit(|request| Some(tier(request).to_owned()))]
async fn limit_closure_without_types() -> &'static str {
    "limit"
}

#[limit(async tier_later)]
#[get("/")]
async fn limit_async_path() -> &'static str {
    "limit"
}

#[get("/")]
#[limit(async |request: &HttpRequest| tier_later(request).await)]
async fn limit_async_closure() -> &'static str {
    "limit"
}

#[limit(tier_of_plan("0/day"), name = "plan")]
#[get("/")]
async fn limit_call() -> &'static str {
    "limit"
}

#[get("/")]
#[shared_limit(async tier_later, scope = "functions::limit")]
async fn limit_shared() -> &'static str {
    "limit"
}

#[limit(tier)]
async fn limit_generic<const PAGES: usize>() -> String {
    PAGES.to_string()
}

/// The function and the argument of one name are not confused.
#[get("/{tier}")]
#[limit(tier)]
async fn limit_named_like_an_argument(tier: web::Path<String>) -> String {
    tier.into_inner()
}

struct Plans;

impl Plans {
    fn tier(request: &HttpRequest) -> std::borrow::Cow<'static, str> {
        tier(request).into()
    }

    #[limit(Plans::tier)]
    async fn list() -> &'static str {
        "limit"
    }
}

#[actix_web::test]
async fn limit_is_what_the_function_of_the_request_says() {
    let requests = ["GET /?good", "GET /?bad", "GET /?good"];
    let at_root = |route| web::resource("/").route(route);
    for statuses in [
        statuses(limit_path, &requests).await,
        statuses(limit_closure, &requests).await,
        statuses(limit_closure_without_types, &requests).await,
        statuses(limit_async_path, &requests).await,
        statuses(limit_async_closure, &requests).await,
        statuses(limit_call, &requests).await,
        statuses(limit_shared, &requests).await,
        statuses(at_root(web::get().to(limit_generic::<7>)), &requests).await,
        statuses(at_root(web::get().to(Plans::list)), &requests).await,
    ] {
        assert_eq!(statuses, [200, 429, 200]);
    }
    let requests = ["GET /7?good", "GET /7?bad"];
    assert_eq!(statuses(limit_named_like_an_argument, &requests).await, [200, 429]);
}

fn tenant(request: &HttpRequest) -> String {
    request.query_string().to_owned()
}

async fn tenant_later(request: &HttpRequest) -> String {
    std::future::ready(tenant(request)).await
}

#[get("/")]
#[limit("1/day", scope = tenant)]
async fn scope_path() -> &'static str {
    "scope"
}

#[limit("1/day", scope = |request: &HttpRequest| tenant(request))]
#[get("/")]
async fn scope_closure() -> &'static str {
    "scope"
}

#[get("/")]
#[limit("1/day", scope = async tenant_later)]
async fn scope_async_path() -> &'static str {
    "scope"
}

#[limit("1/day", scope = async |request: &HttpRequest| tenant_later(request).await)]
#[get("/")]
async fn scope_async_closure() -> &'static str {
    "scope"
}

#[get("/")]
#[shared_limit("1/day", scope = tenant)]
async fn scope_shared() -> &'static str {
    "scope"
}

#[shared_limit("1/day", scope = async tenant_later)]
#[route("/", method = "POST")]
async fn scope_shared_too() -> &'static str {
    "scope"
}

#[actix_web::test]
async fn scope_is_what_the_function_of_the_request_says() {
    let requests = ["GET /?a", "GET /?a", "GET /?b", "GET /?b"];
    for statuses in [
        statuses(scope_path, &requests).await,
        statuses(scope_closure, &requests).await,
        statuses(scope_async_path, &requests).await,
        statuses(scope_async_closure, &requests).await,
        statuses(scope_shared, &requests).await,
    ] {
        assert_eq!(statuses, [200, 429, 200, 429]);
    }
}

#[actix_web::test]
async fn scope_of_a_function_is_shared_between_handlers() {
    let both = web::scope("").service(scope_shared).service(scope_shared_too);
    let requests = ["GET /?a", "POST /?a", "POST /?b", "GET /?b"];
    assert_eq!(statuses(both, &requests).await, [200, 429, 200, 429]);
}

fn is_internal(request: &HttpRequest) -> bool {
    request.query_string() == "internal"
}

async fn is_internal_later(request: &HttpRequest) -> bool {
    std::future::ready(is_internal(request)).await
}

#[get("/")]
#[limit("0/day", exempt_when = is_internal)]
async fn exempt_path() -> &'static str {
    "exempt"
}

#[limit("0/day", exempt_when = |request| request.query_string() == "internal")]
#[get("/")]
async fn exempt_closure() -> &'static str {
    "exempt"
}

#[get("/")]
#[limit("0/day", exempt_when = async is_internal_later)]
async fn exempt_async_path() -> &'static str {
    "exempt"
}

#[limit("0/day", exempt_when = async |request: &HttpRequest| is_internal_later(request).await)]
#[get("/")]
async fn exempt_async_closure() -> &'static str {
    "exempt"
}

#[actix_web::test]
async fn request_is_exempt_when_the_function_says_so() {
    let requests = ["GET /?internal", "GET /?other"];
    for statuses in [
        statuses(exempt_path, &requests).await,
        statuses(exempt_closure, &requests).await,
        statuses(exempt_async_path, &requests).await,
        statuses(exempt_async_closure, &requests).await,
    ] {
        assert_eq!(statuses, [200, 429]);
    }
}

/// Answers 400 to a query of `bad`.
fn judged(request: &HttpRequest) -> HttpResponse {
    let is_bad = request.query_string() == "bad";
    HttpResponse::build(if is_bad { StatusCode::BAD_REQUEST } else { StatusCode::OK }).finish()
}

fn has_failed(head: &ResponseHead) -> bool {
    head.status.is_client_error()
}

#[get("/")]
#[limit("1/day", deduct_when = has_failed)]
async fn deduct_path(request: HttpRequest) -> HttpResponse {
    judged(&request)
}

#[limit("1/day", deduct_when = |head| head.status.is_client_error())]
#[get("/")]
async fn deduct_closure(request: HttpRequest) -> HttpResponse {
    judged(&request)
}

#[actix_web::test]
async fn request_is_deducted_when_the_function_of_the_response_says_so() {
    let requests = ["GET /?good", "GET /?good", "GET /?bad", "GET /?good"];
    for statuses in
        [statuses(deduct_path, &requests).await, statuses(deduct_closure, &requests).await]
    {
        assert_eq!(statuses, [200, 200, 400, 429]);
    }
}

fn penalty(head: &ResponseHead) -> u64 {
    if has_failed(head) { 9 } else { 0 }
}

#[get("/")]
#[limit("9/day", cost_after = penalty)]
async fn cost_after_path(request: HttpRequest) -> HttpResponse {
    judged(&request)
}

#[limit("9/day", cost_after = |head: &ResponseHead| penalty(head))]
#[get("/")]
async fn cost_after_closure(request: HttpRequest) -> HttpResponse {
    judged(&request)
}

#[actix_web::test]
async fn response_costs_what_the_function_says() {
    let requests = ["GET /?good", "GET /?good", "GET /?bad", "GET /?good"];
    for statuses in
        [statuses(cost_after_path, &requests).await, statuses(cost_after_closure, &requests).await]
    {
        assert_eq!(statuses, [200, 200, 400, 429]);
    }
}

fn teapot(_: &Breach<'_>) -> HttpResponse {
    HttpResponse::ImATeapot().finish()
}

#[get("/")]
#[limit("0/day", on_breach = teapot)]
async fn breach_path() -> &'static str {
    "breach"
}

#[limit("0/day", on_breach = |breach| is_internal(breach.request()).then(|| teapot(breach)))]
#[get("/")]
async fn breach_closure() -> &'static str {
    "breach"
}

#[get("/")]
#[limit("0/day", on_breach = |_: &Breach<'_>| ())]
async fn breach_that_returns_nothing() -> &'static str {
    "breach"
}

#[actix_web::test]
async fn breach_is_answered_by_the_callback() {
    let requests = ["GET /?internal", "GET /?other"];
    assert_eq!(statuses(breach_path, &requests).await, [418, 418]);
    assert_eq!(statuses(breach_closure, &requests).await, [418, 429]);
    assert_eq!(statuses(breach_that_returns_nothing, &requests).await, [429, 429]);
}

fn excuse(breach: &Breach<'_>) -> String {
    format!("{} is too often", breach.request().path())
}

#[get("/")]
#[limit("0/day", error_message = excuse)]
async fn message_path() -> &'static str {
    "message"
}

#[limit("0/day", error_message = |breach| excuse(breach) + "!")]
#[get("/")]
async fn message_closure() -> &'static str {
    "message"
}

#[get("/")]
#[limit("0/day", error_message = |_: &Breach<'_>| "/ is too often")]
async fn message_constant() -> &'static str {
    "message"
}

#[actix_web::test]
async fn denial_says_what_the_function_of_the_breach_returns() {
    for answers in [
        answers(message_path, &["GET /"]).await,
        answers(message_closure, &["GET /"]).await,
        answers(message_constant, &["GET /"]).await,
    ] {
        assert!(answers[0].1.contains("/ is too often"), "{}", answers[0].1);
    }
}

static PENALTY: MetaLimit = MetaLimit::new("2/day").block("1 week");

mod penalties {
    use limiter_actix::MetaLimit;

    pub(super) const MILD: MetaLimit = MetaLimit::new("100/day");
}

#[get("/")]
#[limit(tier, meta = "2/day")]
async fn meta_text() -> &'static str {
    "meta"
}

#[limit(tier, meta = "2/day", block = "1 week")]
#[get("/")]
async fn meta_block() -> &'static str {
    "meta"
}

#[get("/")]
#[limit(tier, meta = PENALTY)]
async fn meta_static() -> &'static str {
    "meta"
}

#[limit(tier, meta = ["50/day; 100/week", penalties::MILD, PENALTY])]
#[get("/")]
async fn meta_list() -> &'static str {
    "meta"
}

#[limit(tier, meta = PENALTY)]
async fn meta_generic<const PAGES: usize>() -> String {
    PAGES.to_string()
}

#[get("/")]
#[limit(tier, meta = PENALTY)]
#[exempt(meta)]
async fn meta_exempt() -> &'static str {
    "meta"
}

#[actix_web::test]
async fn too_many_breaches_lock_out() {
    let generic = || web::resource("/").route(web::get().to(meta_generic::<7>));
    let requests = ["GET /?good", "GET /?bad", "GET /?good", "GET /?bad", "GET /?good"];
    for statuses in [
        statuses(meta_text, &requests).await,
        statuses(meta_block, &requests).await,
        statuses(meta_static, &requests).await,
        statuses(meta_list, &requests).await,
        statuses(generic(), &requests).await,
    ] {
        assert_eq!(statuses, [200, 429, 200, 429, 429]);
    }
}

#[get("/")]
#[limit("0/day", shadow = true)]
#[limit(|_| "0/day", shadow = true)]
async fn shadow() -> &'static str {
    "shadow"
}

#[limit("1/day", candidate = "0/day; 0/week")]
#[get("/")]
async fn candidate() -> &'static str {
    "candidate"
}

#[actix_web::test]
async fn shadows_and_candidates_never_deny() {
    assert_eq!(statuses(shadow, &["GET /", "GET /"]).await, [200, 200]);
    assert_eq!(statuses(candidate, &["GET /", "GET /"]).await, [200, 429]);
}
