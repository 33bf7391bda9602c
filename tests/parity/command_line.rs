//! The command line, which looks at the limiter that also serves; `tests/examples.rs` runs it as a
//! program of its own.

use std::sync::Arc;

use actix_web::{get, post, web};
use limiter_actix::{
    Headers, Limiter, MemoryStorage, ScopeLimits, cli::Cli, exempt, limit, shared_limit,
};
use limiter_core::storage::guarded::GuardedStorage;

use crate::{site::Place, storage::Remote};

#[get("/searches/{word}")]
#[limit("2/minute")]
async fn cli_search() -> &'static str {
    "found"
}

#[limit("5/hour", per_method = true)]
#[get("/stock")]
async fn cli_stock() -> &'static str {
    "stock"
}

#[post("/orders")]
#[shared_limit("4/hour", scope = "till", cost = 2)]
async fn cli_order() -> &'static str {
    "ordered"
}

#[get("/alive")]
#[exempt]
async fn cli_health() -> &'static str {
    "alive"
}

#[get("/plain/{id}")]
async fn cli_item() -> &'static str {
    "plain"
}

fn plan(_: &actix_web::HttpRequest) -> &'static str {
    "1/minute"
}

#[get("/planned")]
#[limit(plan)]
async fn cli_planned() -> &'static str {
    "planned"
}

fn routes(app: &mut web::ServiceConfig) {
    app.service(cli_stock)
        .service(cli_order)
        .service(cli_health)
        .service(cli_item)
        .service(cli_planned)
        .service(
            web::scope("/shop")
                .wrap(ScopeLimits::new("shop").limits(["9/minute"]))
                .service(cli_search),
        );
}

/// What the command line answers, what it complains about, and the exit status.
async fn answer(limiter: &Limiter, line: &str) -> (String, String, u8) {
    let (mut out, mut problems) = (Vec::new(), Vec::new());
    let words = ["limiter"].into_iter().chain(line.split_whitespace());
    let status = Cli::new(limiter).routes(routes).answer(words, &mut out, &mut problems).await;
    (String::from_utf8(out).unwrap(), String::from_utf8(problems).unwrap(), status)
}

/// The answer to a question that can be answered.
async fn told(limiter: &Limiter, line: &str) -> String {
    let (out, problems, status) = answer(limiter, line).await;
    assert_eq!((problems.as_str(), status), ("", 0), "{line}");
    out
}

/// The line of an answer that has these words.
fn line_with<'a>(answer: &'a str, words: &str) -> &'a str {
    let found = answer.lines().find(|line| line.contains(words));
    found.unwrap_or_else(|| panic!("no line has `{words}`:\n{answer}")).trim()
}

#[actix_web::test]
async fn b85_the_configuration_is_shown() {
    let limiter = limiter!(
        default_limits(["100/hour"]),
        application_limits(["1000/day"]),
        application_limits_per_method(true),
        meta_limits(["5/day"]),
        key_prefix("shop"),
        key(limiter_actix::client_ip),
        headers(Headers::all().limit_name("x-quota")),
        deny_networks(["192.0.2.0/24"])
    );
    let config = told(&limiter, "config").await;
    let value = |option: &str| line_with(&config, option)[option.len()..].trim().to_owned();
    for (option, expected) in [
        ("enabled", "yes"),
        ("storage ", "memory"),
        ("storage status", "OK"),
        ("strategy", "fixed-window"),
        ("key_prefix", "shop"),
        ("key  ", "limiter_actix::client_ip"),
        ("default_limits", "100 per 1 hour"),
        ("application_limits", "1000 per 1 day"),
        ("per_method", "yes"),
        ("meta_limits", "5/day"),
        ("headers limit", "x-quota"),
        ("headers ietf", "RateLimit, RateLimit-Policy"),
        ("deny_networks", "192.0.2.0/24"),
        ("fail_on_first_breach", "yes"),
        ("on_breach", "none"),
    ] {
        assert_eq!(value(option), expected, "{option}\n{config}");
    }
}

#[actix_web::test]
async fn b85_limits_are_listed_by_endpoint() {
    let limiter = limiter!(
        default_limits(["100/hour"]),
        application_limits(["1000/day"]),
        meta_limits(["5/day"])
    );
    let limits = told(&limiter, "limits").await;
    let place = |title: &str| {
        let place = limits.lines().position(|line| line.contains(title));
        place.unwrap_or_else(|| panic!("no line has `{title}`:\n{limits}"))
    };
    let after = |title: &str, lines: usize| {
        limits.lines().nth(place(title) + lines).unwrap_or_default().trim().to_owned()
    };
    assert!(after("all endpoints together", 1).starts_with("1000 per 1 day `application-per-day`"));
    assert!(after("all endpoints together", 2).starts_with("5 per 1 day `meta-5-per-1-day`"));
    let search = "/shop/searches/{word}  parity::command_line::cli_search";
    assert!(after(search, 1).starts_with("2 per 1 minute `cli_search-per-minute`"), "{limits}");
    let ordered = after("/orders  parity::command_line::cli_order", 1);
    assert!(ordered.starts_with("4 per 1 hour `till-per-hour`"), "{ordered}");
    assert!(ordered.contains("shared, cost 2"), "{ordered}");
    assert_eq!(
        after("/alive  parity::command_line::cli_health", 1),
        "exempt from default, application, meta limits"
    );
    let dynamic = after("/planned  parity::command_line::cli_planned", 2);
    assert!(
        dynamic.contains("a function that limits `parity::command_line::cli_planned`"),
        "{dynamic}"
    );
    let shop = after("scope `shop`, one counter for each of its endpoints", 1);
    assert!(shop.starts_with("9 per 1 minute `shop-per-minute`"), "{shop}");
    assert!(after("every other endpoint", 1).starts_with("100 per 1 hour `default-per-hour`"));
}

#[actix_web::test]
async fn b85_limits_are_filtered_by_endpoint_path_and_method() {
    let limiter = limiter!(default_limits(["100/hour"]), application_limits(["1000/day"]));
    let one = told(&limiter, "limits --endpoint cli_search").await;
    assert_eq!(one.lines().filter(|line| !line.starts_with(' ')).count(), 1, "{one}");
    assert!(one.contains("2 per 1 minute") && one.contains("1000 per 1 day"), "{one}");
    assert!(!one.contains("100 per 1 hour"), "it overrides the defaults: {one}");
    assert!(one.contains("plus the limits of scopes around it"), "{one}");
    let whole = told(&limiter, "limits --endpoint parity::command_line::cli_search").await;
    assert_eq!(whole, one);

    assert_eq!(told(&limiter, "limits --path /shop/searches/rust").await, one);
    let plain = told(&limiter, "limits --path /plain/7").await;
    assert!(plain.starts_with("GET /plain/{id} (no decorated handler is known)"), "{plain}");
    assert!(plain.contains("100 per 1 hour") && plain.contains("1000 per 1 day"), "{plain}");

    let stock = told(&limiter, "limits --path /stock --method GET").await;
    assert!(stock.contains("GET /stock  parity::command_line::cli_stock"), "{stock}");
    let stock = told(&limiter, "limits --path /stock --method POST").await;
    assert!(stock.starts_with("POST /stock (no decorated handler is known)"), "{stock}");

    for (question, problem, status) in [
        ("limits --endpoint nowhere", "expected a decorated handler, found `nowhere`", 1),
        ("limits --path /nowhere", "expected a path that a route serves, found `/nowhere`", 1),
        (
            "limits --endpoint cli_search --path /stock",
            "expected a handler that serves this path and method, found `cli_search`",
            1,
        ),
        ("limits --method G;T", "expected a method such as GET", 2),
        ("limits --key number:many", "expected a whole number, found `many`", 1),
        ("forget", "unrecognized subcommand", 2),
    ] {
        let (out, problems, found) = answer(&limiter, question).await;
        assert_eq!((out.as_str(), found), ("", status), "{question}: {problems}");
        assert!(problems.contains(problem), "{question}: {problems}");
    }
}

#[actix_web::test]
async fn b85_a_client_passes_or_fails() {
    let limiter = limiter!(default_limits(["100/hour"]));
    let site = Place::InProcess.serve(&limiter, routes).await;
    assert_eq!(site.get("/shop/searches/a").times(3).await, [200, 200, 429]);
    assert_eq!(site.get("/plain/1").times(1).await, [200]);
    let client = "limits --key 127.0.0.1 --endpoint cli_search";
    let failing = told(&limiter, client).await;
    assert!(
        line_with(&failing, "2 per 1 minute")
            .contains("]: Fail (0 of 2 remaining, again in 1 min)"),
        "{failing}"
    );
    let other = told(&limiter, "limits --key 127.0.0.2 --endpoint cli_search").await;
    assert!(line_with(&other, "2 per 1 minute").ends_with("]: Pass (2 of 2 remaining)"), "{other}");
    let plain = told(&limiter, "limits --key 127.0.0.1 --path /plain/2").await;
    assert!(line_with(&plain, "100 per 1 hour").ends_with("]: Pass (99 of 100 remaining)"));
    assert_eq!(told(&limiter, client).await, failing, "looking takes nothing");
}

/// What is looked up by name may be mounted twice, or bear the name of another.
#[actix_web::test]
async fn b85_a_handler_is_found_wherever_it_is_mounted() {
    let limiter = limiter!(default_limits(["100/hour"]));
    let mounted = |app: &mut web::ServiceConfig| {
        app.service(web::scope("/v1").service(cli_twice))
            .service(web::scope("/v2").service(cli_twice));
        app.service(buyers::cli_list).service(sellers::cli_list);
    };
    let ask = async |line: &str| {
        let (mut out, mut problems) = (Vec::new(), Vec::new());
        let words = ["limiter"].into_iter().chain(line.split_whitespace());
        let status =
            Cli::new(&limiter).routes(mounted).answer(words, &mut out, &mut problems).await;
        assert_eq!((problems.as_slice(), status), (&b""[..], 0), "{line}");
        String::from_utf8(out).unwrap()
    };
    for version in ["/v1/twice", "/v2/twice"] {
        let twice = ask(&format!("limits --path {version}")).await;
        assert!(
            twice.starts_with(&format!("{version}  parity::command_line::cli_twice")),
            "{twice}"
        );
        assert!(twice.contains("3 per 1 minute"), "{twice}");
    }
    for path in ["/buyers", "/sellers"] {
        let listed = ask(&format!("limits --path {path}")).await;
        assert_eq!(listed.matches("another handler has the same name").count(), 2, "{listed}");
        assert!(listed.contains("7 per 1 hour") && listed.contains("8 per 1 hour"), "{listed}");
    }
}

#[get("/twice")]
#[limit("3/minute")]
async fn cli_twice() -> &'static str {
    "twice"
}

mod buyers {
    use super::{get, limit};

    #[get("/buyers")]
    #[limit("7/hour")]
    pub(super) async fn cli_list() -> &'static str {
        "buyers"
    }
}

mod sellers {
    use super::{get, limit};

    #[get("/sellers")]
    #[limit("8/hour")]
    pub(super) async fn cli_list() -> &'static str {
        "sellers"
    }
}

#[actix_web::test]
async fn b85_who_is_never_or_always_let_in_is_told() {
    let limiter =
        limiter!(deny_networks(["192.0.2.0/24"]), allow_keys([limiter_actix::Key::text("me")]));
    let question =
        async |key: &str| told(&limiter, &format!("limits --endpoint cli_twice {key}")).await;
    assert!(question("--key 192.0.2.9").await.contains("on a deny list"));
    assert!(question("--key me").await.contains("on an allow list"));
    for neither in [question("--key 198.51.100.9").await, question("").await] {
        assert!(!neither.contains("this client is on"), "{neither}");
    }
    limiter.disable();
    assert!(question("").await.starts_with("the limiter is disabled"));
}

#[actix_web::test]
async fn b85_a_storage_that_is_down_is_told() {
    let storage = Remote::new(MemoryStorage::new());
    let limiter = limiter!(storage(storage.clone()));
    let question = "limits --key 127.0.0.1 --endpoint cli_search";
    assert!(told(&limiter, question).await.contains("Pass (2 of 2 remaining)"));
    storage.break_down();
    let (out, problems, status) = answer(&limiter, question).await;
    assert!(line_with(&out, "2 per 1 minute").ends_with("]: Storage not available"), "{out}");
    assert_eq!((problems.as_str(), status), ("error: expected an answer, found none\n", 1));
    let (_, problems, status) = answer(&limiter, "clear --key 127.0.0.1 -y").await;
    assert_eq!((problems.as_str(), status), ("error: expected an answer, found none\n", 1));
    assert_eq!(answer(&limiter, "limits").await.2, 0, "what is declared needs no storage");
}

#[actix_web::test]
async fn b85_what_a_client_used_is_cleared_for_all_or_one_endpoint() {
    let guard = GuardedStorage::builder(Arc::new(Remote::new(MemoryStorage::new())));
    let limiter = limiter!(application_limits(["1000/day"]), storage(guard.build().unwrap()));
    let site = Place::InProcess.serve(&limiter, routes).await;
    let use_up = async || {
        site.get("/shop/searches/a").times(3).await;
        site.get("/stock").times(5).await;
    };
    let both = async || {
        let page = site.get("/shop/searches/a").times(1).await;
        [page, site.get("/stock").times(1).await].concat()
    };
    use_up().await;
    assert_eq!(both().await, [429, 429]);

    let (_, problems, status) = answer(&limiter, "clear --key 127.0.0.1").await;
    assert!(problems.contains("use `-y` to skip the confirmation") && status == 1, "{problems}");
    assert_eq!(both().await, [429, 429], "nobody said yes");

    let cleared = told(&limiter, "clear --key 127.0.0.1 --endpoint cli_search -y").await;
    assert!(line_with(&cleared, "2 per 1 minute").ends_with(": Cleared"), "{cleared}");
    assert!(!cleared.contains("cli_stock"), "{cleared}");
    assert_eq!(both().await, [200, 429]);

    let cleared = told(&limiter, "clear --key 127.0.0.2 -y").await;
    assert!(line_with(&cleared, "5 per 1 hour").ends_with(": Cleared"), "{cleared}");
    assert_eq!(both().await, [200, 429], "that was another client");

    told(&limiter, "clear --key 127.0.0.1 -y").await;
    assert_eq!(both().await, [200, 200]);
    let state = told(&limiter, "limits --key 127.0.0.1").await;
    assert!(line_with(&state, "1000 per 1 day").ends_with("Pass (998 of 1000 remaining)"));
}

#[actix_web::test]
async fn b85_the_prefix_is_honoured_and_meta_limits_are_known() {
    let storage = MemoryStorage::new();
    let a = limiter!(key_prefix("a"), meta_limits(["1/hour"]), storage(storage.clone()));
    let b = limiter!(key_prefix("b"), meta_limits(["1/hour"]), storage(storage));
    let site = Place::InProcess.serve(&a, routes).await;
    assert_eq!(site.get("/shop/searches/a").times(3).await, [200, 200, 429]);
    let question = "limits --key 127.0.0.1 --endpoint cli_search";
    let of_a = told(&a, question).await;
    assert!(line_with(&of_a, "2 per 1 minute").contains("]: Fail (0 of 2"), "{of_a}");
    assert!(line_with(&of_a, "1 per 1 hour `meta").contains("]: Fail (0 of 1"), "{of_a}");
    let of_b = told(&b, question).await;
    assert!(line_with(&of_b, "2 per 1 minute").ends_with("]: Pass (2 of 2 remaining)"), "{of_b}");

    told(&b, "clear --key 127.0.0.1 -y").await;
    assert_eq!(site.get("/shop/searches/a").times(1).await, [429], "another prefix");
    told(&a, "clear --key 127.0.0.1 -y").await;
    assert_eq!(site.get("/shop/searches/a").times(1).await, [200], "the lock-out is gone too");
}
