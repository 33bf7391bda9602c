//! Which endpoint it is that Actix takes, whatever guards stand before it and in whatever order the
//! handlers were registered.

use actix_http::Request;
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    get, guard,
    middleware::from_fn,
    post,
    test::{TestRequest, init_service},
    web,
};
use limiter_actix::{Limiter, cli::Cli, exempt, limit};
use limiter_tests::RunningServer;

use crate::{
    asking::{
        at_once, count, in_turn, misguided, misguided_at_once, one_by_one, overlapping, request,
        status,
    },
    layers::pause,
};

#[get("/{page}")]
async fn page() -> &'static str {
    "page"
}

#[post("/contact")]
async fn contact() -> &'static str {
    "contact"
}

#[post("/webhook")]
#[exempt]
async fn webhook() -> &'static str {
    "webhook"
}

#[post("/import")]
#[limit("100/minute")]
async fn import() -> &'static str {
    "import"
}

type Routes = fn(&mut web::ServiceConfig);

fn page_first(app: &mut web::ServiceConfig) {
    app.service(page).service(contact).service(webhook).service(import);
}

fn page_last(app: &mut web::ServiceConfig) {
    app.service(import).service(webhook).service(contact).service(page);
}

fn nested(app: &mut web::ServiceConfig) {
    app.service(web::scope("/a").service(web::scope("/b").configure(page_first)));
}

fn nested_behind_a_wildcard(app: &mut web::ServiceConfig) {
    let wildcard = web::scope("/{any}").guard(guard::Get()).service(page);
    app.service(wildcard).service(web::scope("/a").configure(page_last));
}

fn behind_a_wildcard_resource(app: &mut web::ServiceConfig) {
    let wildcard = web::resource("/{tail:.*}").guard(guard::Get()).to(HttpResponse::Ok);
    app.service(wildcard).configure(page_last);
}

/// Prefixes and routes of one and the same app.
const APPS: [(&str, Routes); 5] = [
    ("", page_first),
    ("", page_last),
    ("/a/b", nested),
    ("/a", nested_behind_a_wildcard),
    ("", behind_a_wildcard_resource),
];

async fn served(
    limiter: &Limiter,
    routes: Routes,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody + use<>>, Error = Error> + use<>
{
    init_service(App::new().wrap(limiter.middleware()).configure(routes)).await
}

#[actix_web::test]
async fn each_endpoint_has_a_counter_of_its_own() {
    for (prefix, routes) in APPS {
        let app = served(&limiter!(default_limits(["3/minute"])), routes).await;
        let path = |name: &str| format!("{prefix}{name}");
        assert_eq!(statuses!(app, POST & path("/contact"), 4), [200, 200, 200, 429], "{prefix}");
        assert_eq!(statuses!(app, POST & path("/webhook"), 20), [200; 20], "{prefix}");
        let imports = statuses!(app, POST & path("/import"), 101);
        assert_eq!(imports, [[200; 100].as_slice(), &[429]].concat(), "{prefix}");
        assert_eq!(statuses!(app, GET & path("/contact"), 2), [200; 2], "{prefix}");
        assert_eq!(statuses!(app, GET & path("/about"), 2), [200, 429], "one endpoint: {prefix}");
        assert_eq!(statuses!(app, POST & path("/contact"), 1), [429], "{prefix}");
    }
}

#[actix_web::test]
async fn an_undecorated_endpoint_is_limited_although_its_neighbours_were_learnt_first() {
    for (prefix, routes) in APPS {
        for neighbour in ["/webhook", "/import"] {
            let app = served(&limiter!(default_limits(["3/minute"])), routes).await;
            let neighbour = format!("{prefix}{neighbour}");
            assert_eq!(statuses!(app, POST & neighbour, 2, "192.0.2.2"), [200; 2]);
            let statuses = statuses!(app, POST & format!("{prefix}/contact"), 5);
            assert_eq!(statuses, [200, 200, 200, 429, 429], "{prefix}, after {neighbour}");
        }
    }
}

#[actix_web::test]
async fn a_hundred_at_once_do_not_pass_by_the_default() {
    for (prefix, routes) in APPS {
        let limiter = limiter!(default_limits(["3/minute"]));
        let app = App::new().wrap(from_fn(pause)).wrap(limiter.middleware()).configure(routes);
        let app = init_service(app).await;
        assert_eq!(statuses!(app, POST & format!("{prefix}/webhook"), 2, "192.0.2.2"), [200; 2]);
        let line = format!("POST {prefix}/contact");
        let statuses = at_once(&app, (0..100).map(|_| request(&line))).await;
        let served = count(&statuses, 200);
        assert!(overlapping(3).contains(&served), "{prefix}: {served}");
        assert_eq!(count(&statuses, 429), 100 - served);
    }
}

#[actix_web::test]
async fn neighbours_are_served_at_once_although_the_client_has_used_up_another_endpoint() {
    for (prefix, routes) in APPS {
        let limiter = limiter!(default_limits(["3/minute"]));
        let app = App::new().wrap(from_fn(pause)).wrap(limiter.middleware()).configure(routes);
        let app = init_service(app).await;
        assert_eq!(statuses!(app, POST & format!("{prefix}/contact"), 3), [200; 3]);
        for neighbour in ["/webhook", "/import"] {
            let line = format!("POST {prefix}{neighbour}");
            let statuses = at_once(&app, (0..10).map(|_| request(&line))).await;
            assert_eq!(statuses, [200; 10], "{line}");
        }
    }
}

#[test]
fn two_workers_agree_on_which_endpoint_it_is() {
    for routes in [page_first as Routes, page_last] {
        let limiter = Limiter::builder().default_limits(["3/minute"]).build();
        let limiter = actix_web::rt::System::new().block_on(limiter).unwrap();
        let server = serve!(App::new().wrap(limiter.middleware()).configure(routes));
        assert_eq!(posts(&server, "/contact", 4), [200, 200, 200, 429]);
        assert_eq!(posts(&server, "/webhook", 10), [200; 10]);
        let imports = posts(&server, "/import", 101);
        assert_eq!(imports, [[200; 100].as_slice(), &[429]].concat());
        assert_eq!(posts(&server, "/contact", 4), [429; 4]);
    }
}

fn posts(server: &RunningServer, target: &str, requests: usize) -> Vec<u16> {
    (0..requests).map(|_| server.request("POST", target, &[]).status).collect()
}

#[actix_web::test]
async fn the_command_line_tells_which_endpoints_are_limited() {
    let limiter = limiter!(default_limits(["3/minute"]));
    for routes in [page_first as Routes, page_last] {
        let told = async |path: &str| told(&limiter, routes, path).await;
        assert!(told("/contact").await.contains("3 per 1 minute"), "{}", told("/contact").await);
        assert!(!told("/contact").await.contains("exempt"), "{}", told("/contact").await);
        assert!(told("/webhook").await.contains("exempt"), "{}", told("/webhook").await);
        assert!(told("/import").await.contains("100 per 1 minute"), "{}", told("/import").await);
        assert!(!told("/import").await.contains("exempt"), "{}", told("/import").await);
    }
}

/// What the command line tells of `POST` requests for a path.
async fn told(limiter: &Limiter, routes: Routes, path: &str) -> String {
    let (mut out, mut problems) = (Vec::new(), Vec::new());
    let words = ["limiter", "limits", "--path", path, "--method", "POST"];
    Cli::new(limiter).routes(routes).answer(words, &mut out, &mut problems).await;
    format!("{}{}", String::from_utf8(out).unwrap(), String::from_utf8(problems).unwrap())
}

/// Three versions of one path, of which a header chooses one.
macro_rules! versions {
    ($limiter:expr) => {{
        #[exempt]
        async fn exempted() -> &'static str {
            "exempt"
        }
        #[limit("100/minute")]
        async fn limited() -> &'static str {
            "limited"
        }
        async fn plain() -> &'static str {
            "plain"
        }
        let version = |version| web::resource("/x").guard(guard::Header("x-version", version));
        app!(
            $limiter,
            version("plain").route(web::get().to(plain)),
            version("limited").route(web::get().to(limited)),
            version("exempt").route(web::get().to(exempted)),
        )
    }};
}

fn version(version: &'static str) -> TestRequest {
    request("GET /x").insert_header(("x-version", version))
}

fn of_a_stranger(request: TestRequest) -> TestRequest {
    request.peer_addr("192.0.2.2:1".parse().unwrap())
}

#[actix_web::test]
async fn resources_on_one_path_are_limited_each_by_itself() {
    let app = versions!(limiter!(default_limits(["3/minute"])));
    assert_eq!(in_turn(&app, 20, || version("exempt")).await, [200; 20]);
    let limited = in_turn(&app, 102, || version("limited")).await;
    assert_eq!(limited, [[200; 100].as_slice(), &[429; 2]].concat());
    assert_eq!(in_turn(&app, 20, || version("exempt")).await, [200; 20]);
    let plain = in_turn(&app, 20, || version("plain")).await;
    assert!(one_by_one(3).contains(&count(&plain, 200)), "{plain:?}");
}

#[actix_web::test]
async fn an_exempt_resource_is_exempt_although_the_default_of_another_on_its_path_is_used_up() {
    let app = versions!(limiter!(default_limits(["3/minute"])));
    // Of three resources with one path nothing tells which of them have a gate, until somebody has
    // reached one.
    assert_eq!(status(&app, of_a_stranger(version("exempt"))).await, 200);
    assert_eq!(in_turn(&app, 3, || version("plain")).await, [200; 3]);
    assert_eq!(in_turn(&app, 20, || version("exempt")).await, [200; 20]);
    assert_eq!(in_turn(&app, 20, || version("limited")).await, [200; 20]);
}

#[actix_web::test]
async fn a_stranger_at_an_undecorated_resource_changes_nothing_for_an_exempt_one_on_its_path() {
    let app = versions!(limiter!(application_limits(["1/hour"])));
    let known = of_a_stranger(version("exempt"));
    assert_eq!(status(&app, known).await, 200);
    assert_eq!(status(&app, of_a_stranger(version("plain"))).await, 200);
    assert_eq!(status(&app, version("plain")).await, 200);
    assert_eq!(in_turn(&app, 20, || version("exempt")).await, [200; 20]);
}

/// Two hosts: what is a page of the first is an endpoint of the second.
macro_rules! hosts {
    ($limiter:expr) => {{
        let host = |name: &'static str| web::scope("").guard(guard::Host(name));
        let first = host("a.example")
            .route("/{x}", web::get().to(HttpResponse::Ok))
            .route("/b", web::post().to(HttpResponse::Ok));
        let second = host("b.example")
            .route("/{y}", web::post().to(HttpResponse::Ok))
            .service(web::resource("/free/{z}").route(web::post().to(free)));
        app!($limiter, first, second)
    }};
}

#[exempt]
async fn free() -> &'static str {
    "free"
}

fn to_host(host: &'static str, line: &str) -> TestRequest {
    request(line).insert_header(("host", host))
}

#[actix_web::test]
async fn the_patterns_of_two_hosts_are_limited_each_by_itself() {
    for (first_met, hosts) in
        [("a.example", ["b.example", "a.example"]), ("b.example", ["a.example", "b.example"])]
    {
        let app = hosts!(limiter!(default_limits(["3/minute"])));
        // Either may be first; that there are two is known once both were met.
        for host in [first_met, hosts[0], hosts[1]] {
            let stranger = of_a_stranger(to_host(host, "POST /b"));
            assert_eq!(status(&app, stranger).await, 200);
        }
        for host in hosts {
            // Within its limit each is served; beyond it some may be.
            let statuses = in_turn(&app, 3, || to_host(host, "POST /b")).await;
            assert_eq!(statuses, [200; 3], "{host}, first: {first_met}");
        }
        for host in hosts {
            let client = || to_host(host, "POST /b").peer_addr("192.0.2.3:1".parse().unwrap());
            let statuses = in_turn(&app, 1_000, client).await;
            let served = count(&statuses, 200);
            // Who has gone beyond the limit at one host may be held back at the other.
            let allowed = misguided(3);
            assert!(served <= *allowed.end(), "{served} of {host}, first: {first_met}");
            assert!(
                host != hosts[0] || allowed.contains(&served),
                "{served} of {host}, first: {first_met}"
            );
        }
    }
}

#[actix_web::test]
async fn requests_at_once_to_the_patterns_of_two_hosts_are_bounded() {
    let limiter = limiter!(default_limits(["3/minute"]));
    let second = web::scope("").guard(guard::Host("b.example"));
    let first = web::scope("").guard(guard::Host("a.example"));
    let app = App::new()
        .wrap(from_fn(pause))
        .wrap(limiter.middleware())
        .service(first.route("/b", web::post().to(free)))
        .service(second.route("/{y}", web::post().to(HttpResponse::Ok)));
    let app = init_service(app).await;
    assert_eq!(in_turn(&app, 5, || of_a_stranger(to_host("a.example", "POST /b"))).await, [200; 5]);
    let statuses = at_once(&app, (0..1_000).map(|_| to_host("b.example", "POST /b"))).await;
    let served = count(&statuses, 200);
    assert!(misguided_at_once(3).contains(&served), "{served}");
    assert_eq!(served + count(&statuses, 429), 1_000);
}

#[actix_web::test]
async fn an_exempt_handler_of_one_host_is_exempt_for_who_has_used_up_the_other() {
    let limiter = limiter!(application_limits(["3/minute"]));
    let first = web::scope("").guard(guard::Host("a.example"));
    let second = web::scope("").guard(guard::Host("b.example"));
    let app = app!(
        limiter,
        first.route("/{x}", web::post().to(HttpResponse::Ok)),
        second.service(web::resource("/free").route(web::post().to(free))),
    );
    // Once it was reached: `/free` seems to be a page of the other host.
    assert_eq!(status(&app, of_a_stranger(to_host("b.example", "POST /free"))).await, 200);
    assert_eq!(in_turn(&app, 3, || to_host("a.example", "POST /page")).await, [200; 3]);
    assert_eq!(in_turn(&app, 20, || to_host("b.example", "POST /free")).await, [200; 20]);
    assert_eq!(in_turn(&app, 2, || to_host("a.example", "POST /page")).await, [429; 2]);
}

#[actix_web::test]
async fn a_default_service_is_an_endpoint_like_others() {
    let limiter = limiter!(default_limits(["3/minute"]));
    let app = App::new()
        .wrap(limiter.middleware())
        .configure(page_first)
        .default_service(web::to(HttpResponse::Ok));
    let app = init_service(app).await;
    assert_eq!(statuses!(app, POST "/nowhere/1", 2), [200; 2]);
    assert_eq!(statuses!(app, PUT "/nowhere/2", 2), [200, 429], "one endpoint");
    assert_eq!(statuses!(app, POST "/contact", 4), [200, 200, 200, 429]);
    assert_eq!(statuses!(app, POST "/webhook", 20), [200; 20]);
    assert_eq!(statuses!(app, POST "/import", 20), [200; 20]);
    // A path of another method's resource counts for that path; the default service answers. One
    // that is refused may yet be for a resource that `/{page}` hides.
    assert_eq!(statuses!(app, POST "/page", 5), [200, 200, 200, 200, 429]);
    assert_eq!(statuses!(app, POST "/contact", 1), [429]);
    assert_eq!(statuses!(app, POST "/webhook", 20), [200; 20]);
    assert_eq!(statuses!(app, GET "/page", 4), [200, 200, 200, 429]);
}

#[actix_web::test]
async fn an_exempt_default_service_is_exempt_and_its_neighbours_are_not() {
    let limiter = limiter!(default_limits(["3/minute"]));
    let app =
        App::new().wrap(limiter.middleware()).configure(page_first).default_service(web::to(free));
    let app = init_service(app).await;
    assert_eq!(statuses!(app, GET "/nowhere/1", 20), [200; 20]);
    assert_eq!(statuses!(app, POST "/contact", 5), [200, 200, 200, 429, 429]);
    assert_eq!(statuses!(app, PUT "/contact", 20), [200; 20], "the default service");
}
