//! Every shape of handler that Actix accepts, limited.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use actix_web::{
    Either, FromRequest, HttpRequest, HttpResponse, Responder, ResponseError, get,
    http::StatusCode, post, web,
};
use limiter_actix::{Gate, exempt, limit};

use crate::support::{answer, answers, record, status};

/// The handler at `/{number}`, for GET.
macro_rules! at_number {
    ($handler:expr) => {
        web::resource("/{number}").route(web::get().to($handler))
    };
}

#[limit("10/second")]
async fn no_arguments() -> &'static str {
    "none"
}

#[limit("10/second")]
async fn one_argument(number: web::Path<u32>) -> String {
    number.to_string()
}

#[limit("10/second")]
async fn destructured(
    web::Query(pairs): web::Query<Vec<(String, u32)>>,
    _: HttpRequest,
    Pair { left, right }: Pair,
) -> String {
    format!("{pairs:?} {left} {right}")
}

#[limit("10/second")]
async fn mutable(mut body: String, number: web::Path<u32>) -> String {
    body.push_str(&number.to_string());
    body
}

#[limit("10/second")]
async fn attributes_on_arguments(
    #[allow(unused_variables)] unused: HttpRequest,
    #[expect(unused_mut, reason = "proves that the attribute arrives")] mut number: web::Path<u32>,
) -> String {
    number.to_string()
}

struct Pair {
    left: u32,
    right: u32,
}

impl FromRequest for Pair {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(_: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Ok(Self { left: 1, right: 2 }))
    }
}

#[actix_web::test]
async fn arguments_arrive() {
    assert_eq!(answer(at_number!(no_arguments), "GET /7").await.1, "none");
    assert_eq!(answer(at_number!(one_argument), "GET /7").await.1, "7");
    assert_eq!(answer(at_number!(destructured), "GET /7?a=1").await.1, "[(\"a\", 1)] 1 2");
    assert_eq!(answer(at_number!(mutable), "GET /7").await.1, "37");
    assert_eq!(answer(at_number!(attributes_on_arguments), "GET /7").await.1, "7");
}

/// As many arguments as Actix allows: a gate costs none of them.
#[limit("10/second")]
#[allow(clippy::too_many_arguments)]
async fn sixteen_arguments(
    a: HttpRequest,
    b: HttpRequest,
    c: HttpRequest,
    d: HttpRequest,
    e: HttpRequest,
    f: HttpRequest,
    g: HttpRequest,
    h: HttpRequest,
    i: HttpRequest,
    j: HttpRequest,
    k: HttpRequest,
    l: HttpRequest,
    m: HttpRequest,
    n: HttpRequest,
    o: HttpRequest,
    p: web::Path<u32>,
) -> String {
    let requests = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o];
    format!("{} {p}", requests.len())
}

#[actix_web::test]
async fn no_argument_is_lost_to_the_gate() {
    assert_eq!(answer(at_number!(sixteen_arguments), "GET /7").await.1, "15 7");
}

#[limit("10/second")]
async fn fails_with_its_own_error(number: web::Path<u32>) -> Result<impl Responder, Teapot> {
    if *number == 0 {
        return Err(Teapot);
    }
    let text: u32 = number.to_string().parse().map_err(|_| Teapot)?;
    half(text)?;
    Ok(format!("{text}"))
}

fn half(number: u32) -> Result<u32, std::num::ParseIntError> {
    if number.is_multiple_of(2) { Ok(number / 2) } else { "odd".parse() }
}

#[derive(Debug)]
struct Teapot;

impl fmt::Display for Teapot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("teapot")
    }
}

impl From<std::num::ParseIntError> for Teapot {
    fn from(_: std::num::ParseIntError) -> Self {
        Self
    }
}

impl ResponseError for Teapot {
    fn status_code(&self) -> StatusCode {
        StatusCode::IM_A_TEAPOT
    }
}

#[limit("10/second")]
async fn fails_with_a_boxed_error(
    number: web::Path<u32>,
) -> Result<String, Box<dyn std::error::Error>> {
    // Both conversions need to know what is returned.
    if *number == 0 { Err("zero")? } else { Ok(number.to_string()) }
}

#[limit("10/second")]
async fn returns_early(number: web::Path<u32>) -> HttpResponse {
    if *number == 0 {
        return HttpResponse::Gone().finish();
    }
    HttpResponse::Ok().finish()
}

#[limit("10/second")]
async fn returns_either(number: web::Path<u32>) -> Either<impl Responder, HttpResponse> {
    if *number == 0 { Either::Right(HttpResponse::Gone().finish()) } else { Either::Left("left") }
}

#[limit("10/second")]
async fn returns_by_coercion(number: web::Path<u32>) -> &'static [u8] {
    // Arrays of two types, until it is known that a slice is wanted.
    if *number == 0 {
        return b"none";
    }
    b"at least one"
}

#[actix_web::test]
async fn returns_are_those_of_the_function() {
    assert!(status(at_number!(returns_by_coercion), "GET /1").await.is_success());
    let handler = || at_number!(fails_with_its_own_error);
    assert_eq!(status(handler(), "GET /0").await, StatusCode::IM_A_TEAPOT);
    assert_eq!(status(handler(), "GET /1").await, StatusCode::IM_A_TEAPOT);
    assert_eq!(answer(handler(), "GET /2").await, (StatusCode::OK, "2".to_owned()));
    let handler = || at_number!(fails_with_a_boxed_error);
    assert_eq!(status(handler(), "GET /0").await, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer(handler(), "GET /1").await.1, "1");
    assert_eq!(status(at_number!(returns_early), "GET /0").await, StatusCode::GONE);
    assert_eq!(status(at_number!(returns_early), "GET /1").await, StatusCode::OK);
    assert_eq!(status(at_number!(returns_either), "GET /0").await, StatusCode::GONE);
    assert_eq!(answer(at_number!(returns_either), "GET /1").await.1, "left");
}

#[post("/denied")]
#[limit("0/second")]
async fn never_runs(_body: web::Json<Vec<u8>>) -> HttpResponse {
    unreachable!("a limit of zero admits nothing")
}

#[actix_web::test]
async fn denied_before_a_bad_body_is_seen() {
    assert_eq!(status(never_runs, "POST /denied").await, StatusCode::TOO_MANY_REQUESTS);
}

#[limit("10/second")]
async fn items_and_inner_attributes() -> impl Responder {
    #![allow(unused_variables)]
    use std::fmt::Write as _;
    const NAME: &str = "items";

    let unused = 1;
    let mut text = String::new();
    write!(text, "{NAME}").map_err(|_| Teapot)?;
    Ok::<_, Teapot>(text)
}

#[limit("10/second")]
async fn only_awaits() -> impl Responder {
    std::future::ready("awaited").await
}

#[limit("10/second")]
async fn borrows_an_argument_to_the_end(state: web::Data<String>) -> usize_::Text {
    usize_::Text(Mutex::new(&**state).lock().unwrap_or_else(PoisonError::into_inner).len())
}

/// A responder that is no tuple of anything.
mod usize_ {
    use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody};

    pub(super) struct Text(pub(super) usize);

    impl Responder for Text {
        type Body = BoxBody;

        fn respond_to(self, _: &HttpRequest) -> HttpResponse {
            HttpResponse::Ok().body(self.0.to_string())
        }
    }
}

#[actix_web::test]
async fn bodies_are_those_of_the_function() {
    assert_eq!(answer(at_number!(items_and_inner_attributes), "GET /1").await.1, "items");
    assert_eq!(answer(at_number!(only_awaits), "GET /1").await.1, "awaited");
    assert_eq!(answer(at_number!(borrows_an_argument_to_the_end), "GET /1").await.1, "5");
}

trait Catalogue: 'static {
    fn title(number: u32) -> String;
}

struct Books;
struct Films;

impl Catalogue for Books {
    fn title(number: u32) -> String {
        format!("book {number}")
    }
}

impl Catalogue for Films {
    fn title(number: u32) -> String {
        format!("film {number}")
    }
}

#[limit("1/day")]
async fn generic<C, const PAGES: usize>(number: web::Path<u32>) -> String
where
    C: Catalogue,
{
    format!("{} {PAGES}", C::title(*number))
}

#[actix_web::test]
async fn generic_function_is_one_handler_listed_once() {
    let service = || {
        web::scope("")
            .route("/books/{number}", web::get().to(generic::<Books, 10>))
            .route("/films/{number}", web::get().to(generic::<Films, 20>))
    };
    assert_eq!(answer(service(), "GET /books/1").await.1, "book 1 10");
    assert_eq!(answer(service(), "GET /films/1").await.1, "film 1 20");
    let answers = answers(service(), &["GET /books/1", "GET /films/1"]).await;
    assert_eq!(answers[1].0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(record("shapes::generic").name(), "generic");
}

struct Shop<C>(std::marker::PhantomData<C>);

impl<C: Catalogue> Shop<C> {
    #[limit("1/day")]
    async fn show(number: web::Path<u32>) -> impl Responder {
        Self::label(&C::title(*number))
    }

    /// Public inside the crate, and documented.
    #[exempt]
    pub(crate) async fn open() -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    fn label(title: &str) -> String {
        format!("shop: {title}")
    }
}

#[actix_web::test]
async fn associated_function_is_a_handler() {
    let answers = answers(at_number!(Shop::<Books>::show), &["GET /1", "GET /1"]).await;
    assert_eq!(answers[0].1, "shop: book 1");
    assert_eq!(answers[1].0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(status(at_number!(Shop::<Films>::open), "GET /1").await, StatusCode::OK);
    assert_eq!(record("shapes::show").name(), "show");
}

#[actix_web::test]
async fn handler_is_called_directly_through_an_open_gate() {
    let answer = one_argument(Gate::for_test((web::Path::from(7),))).await;
    assert!(matches!(answer, Either::Left(text) if text == "7"));
    assert!(matches!(no_arguments(Gate::for_test(())).await, Either::Left("none")));
}

macro_rules! handlers {
    ($($name:ident $limits:literal $cost:expr, $answer:expr;)*) => {$(
        #[limit($limits, cost = $cost)]
        #[get("/")]
        async fn $name() -> &'static str {
            $answer
        }
    )*};
}

handlers! {
    generated_once "1/day" 1, "once";
    generated_twice "2/day" 1, "twice";
}

#[actix_web::test]
async fn handlers_are_written_by_macros() {
    let once = answers(generated_once, &["GET /", "GET /"]).await;
    let twice = answers(generated_twice, &["GET /", "GET /"]).await;
    assert_eq!(once[1].0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(twice[1], (StatusCode::OK, "twice".to_owned()));
}
