//! What counters are called. A deployment keeps what its clients have used over an update only as
//! long as the names stay the same, byte for byte.
//!
//! Nothing in a name is random, and none tells a time: the whole list is written down here. Only
//! whether the counter of a probe is still there depends on time.

use std::{net::SocketAddr, time::Duration};

use actix_web::{
    App, Error, HttpRequest,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    get,
    http::Method,
    test::{TestRequest, call_service, init_service, read_body},
    web,
};
use limiter_actix::{
    BlockError, Limiter, LimiterBuilder, MetaLimit, OnStoreError, ScopeLimits, Strategy, everyone,
    header, limit, peer_ip, secret_header, shared_limit,
};
use limiter_tests::redis::RedisServer;
use sha2::{Digest, Sha256};

use crate::raw::Raw;

#[actix_web::test]
async fn every_counter_keeps_its_name() {
    let server = RedisServer::start();
    let unprefixed = builder(&server)
        .default_limits(["100/hour; 50/hour"])
        .application_limits(["1000/hour"])
        .application_limits(|_: &HttpRequest| "2000/hour")
        .meta_limits(["100/day"]);
    drive_all(unprefixed.build().await.unwrap()).await;
    let shop = builder(&server)
        .key_prefix("shop")
        .strategy(Strategy::TokenBucket)
        .default_limits(["100/hour"])
        .default_limits(|_: &HttpRequest| "200/hour")
        .default_limits_per_method(true)
        .application_limits(["1000/hour"])
        .application_limits_per_method(true)
        .meta_limits(["100/day"]);
    drive_shop(shop.build().await.unwrap()).await;

    let mut unknown = Raw::to(server.address()).keys();
    let mut missing = Vec::new();
    for (prefix, counters) in [("limiter:", PLAIN), ("limiter:shop:", SHOP)] {
        // It lasts for two seconds at the most: it may be there or not.
        let probe = name(prefix, PROBE.0, PROBE.1);
        unknown.retain(|found| *found != probe);
        for (client, id) in counters {
            let name = name(prefix, client, id);
            match unknown.iter().position(|found| *found == name) {
                Some(place) => drop(unknown.swap_remove(place)),
                None => missing.push(format!("{prefix}{{{}}}{id}", client.escape_ascii())),
            }
        }
    }
    let unknown: Vec<_> = unknown.iter().map(|name| name.escape_ascii().to_string()).collect();
    let (missing, unknown) = (missing.join("\n"), unknown.join("\n"));
    assert!(missing.is_empty() && unknown.is_empty(), "missing:\n{missing}\nunknown:\n{unknown}");
}

/// The name of a counter: the prefix, the client, and the start of a digest of the limit's id.
fn name(prefix: &str, client: &[u8], id: &str) -> Vec<u8> {
    [prefix.as_bytes(), b"{", client, b"}", &Sha256::digest(id)[..12]].concat()
}

/// A limiter that asks the server in every case.
fn builder(server: &RedisServer) -> LimiterBuilder {
    Limiter::builder()
        .storage_uri(server.uri())
        .decision_deadline(Duration::from_secs(30))
        .on_store_error(OnStoreError::Deny)
        .denied_cache(false)
}

// --- What is asked ---

const PEER: &str = "192.0.2.1:40000";

/// One request at least for every kind of counter.
async fn drive_all(limiter: Limiter) {
    let app = init_service(App::new().wrap(limiter.middleware()).configure(routes)).await;
    for path in [
        "/plain",
        "/nowhere",
        "/quotas",
        "/beside",
        "/dear",
        "/keys",
        "/parts",
        "/dynamic",
        "/tried",
        "/strategies",
        "/first",
        "/second",
        "/shared",
        "/blocks",
        "/scope/plain",
        "/scope/limited",
        "/scope/shared",
    ] {
        assert_ne!(ask(&app, Method::GET, path, PEER).await.status(), 429, "{path}");
    }
    ask(&app, Method::POST, "/plain", PEER).await;
    ask(&app, Method::GET, "/plain", "[2001:db8:1:2:3:4:5:6]:40000").await;
    for method in METHODS {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(ask(&app, method, "/methods", PEER).await.status(), 200);
    }
    lock_out(&app).await;
    let request = TestRequest::default().peer_addr(PEER.parse().unwrap()).to_http_request();
    limiter.limit("9/hour").enter(&request).await.unwrap();
}

/// What a prefix, another strategy and counters per method change.
async fn drive_shop(limiter: Limiter) {
    let app = init_service(App::new().wrap(limiter.middleware()).configure(routes)).await;
    for (method, path) in [
        (Method::GET, "/plain"),
        (Method::GET, "/nowhere"),
        (Method::POST, "/beside"),
        (Method::GET, "/shared"),
        (Method::GET, "/blocks"),
        (Method::GET, "/scope/plain"),
    ] {
        ask(&app, method, path, PEER).await;
    }
    lock_out(&app).await;
}

/// Breaches a limit whose meta limits count that: until it locks out, which is the last thing that
/// is counted.
async fn lock_out<S, B>(app: &S)
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    for _ in 0..50 {
        let answer = read_body(ask(app, Method::GET, "/banned", PEER).await).await;
        if String::from_utf8_lossy(&answer).contains("\"meta-") {
            return;
        }
    }
    panic!("expected to be locked out");
}

async fn ask<S, B>(app: &S, method: Method, path: &str, peer: &str) -> ServiceResponse<B>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = TestRequest::with_uri(path)
        .method(method)
        .peer_addr(peer.parse::<SocketAddr>().unwrap())
        .insert_header(("x-tenant", "100%{red}"))
        .insert_header(("x-api-key", "s3cret"));
    call_service(app, request.to_request()).await
}

// --- Who answers ---

fn routes(app: &mut web::ServiceConfig) {
    let limited = ScopeLimits::new("outer").limits(["9/minute; 5/minute"]);
    let by_method = ScopeLimits::new("inner")
        .limits(|_: &HttpRequest| "9/hour")
        .per_method(true)
        .override_defaults(false);
    let shared = ScopeLimits::new("everything").limits(["9/hour"]).shared(true);
    app.service(plain)
        .service((quotas, dear, keys, parts, dynamic, tried, strategies))
        .service((shared_by_handlers, blocks, banned))
        .route("/beside", web::route().to(beside))
        .route("/methods", web::route().to(methods))
        .route("/first", web::get().to(First::show))
        .route("/second", web::get().to(Second::show))
        .service(
            web::scope("/scope")
                .wrap(by_method)
                .wrap(limited)
                .service(plain)
                .service(limited_too)
                .service(web::resource("/shared").wrap(shared).to(|| async { "shared" })),
        );
}

#[get("/plain")]
async fn plain() -> &'static str {
    "plain"
}

#[get("/quotas")]
#[limit("9/minute; 5/minute; 7 per 2 days")]
#[limit("8/minute")]
async fn quotas() -> &'static str {
    "quotas"
}

#[limit("9/minute", override_defaults = false)]
async fn beside() -> &'static str {
    "beside"
}

const METHODS: [&str; 11] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "QUERY", "BREW",
];

#[limit("9/hour", per_method = true)]
async fn methods() -> &'static str {
    "methods"
}

#[get("/dear")]
#[limit("9/hour", cost = 3)]
async fn dear() -> &'static str {
    "dear"
}

#[get("/keys")]
#[limit("9/hour", key = header("x-tenant"))]
#[limit("9/hour", key = secret_header("x-api-key"))]
#[limit("9/hour", key = everyone)]
#[limit("9/hour", key = |_: &HttpRequest| 7_u64)]
#[limit("9/hour", key = (peer_ip, header("x-api-key")))]
#[limit("9/hour", key = |_: &HttpRequest| "long".repeat(16))]
async fn keys() -> &'static str {
    "keys"
}

fn tenant(request: &HttpRequest) -> String {
    request.headers().get("x-tenant").unwrap().to_str().unwrap().to_owned()
}

#[get("/parts")]
#[limit("9/hour", scope = "part")]
#[limit("9/hour", scope = tenant)]
async fn parts() -> &'static str {
    "parts"
}

#[get("/dynamic")]
#[limit("9/hour")]
#[limit(|_: &HttpRequest| "9/hour; 5/hour")]
async fn dynamic() -> &'static str {
    "dynamic"
}

#[get("/tried")]
#[limit("9/hour", candidate = "5/hour")]
#[limit("9/minute", shadow = true)]
async fn tried() -> &'static str {
    "tried"
}

#[get("/strategies")]
#[limit("9/hour", strategy = "fixed-window")]
#[limit("9/hour", strategy = "moving-window")]
#[limit("9/hour", strategy = "sliding-window-counter")]
#[limit("9/hour burst 12", strategy = "token-bucket")]
async fn strategies() -> &'static str {
    "strategies"
}

/// Two handlers of one path.
struct First;
struct Second;

impl First {
    #[limit("9/hour")]
    async fn show() -> &'static str {
        "first"
    }
}

impl Second {
    #[limit("9/hour")]
    async fn show() -> &'static str {
        "second"
    }
}

#[get("/shared")]
#[shared_limit("9/hour", scope = "database")]
#[shared_limit("9/hour", scope = tenant)]
#[shared_limit(|_: &HttpRequest| "9/hour", scope = "database", per_method = true)]
async fn shared_by_handlers() -> &'static str {
    "shared"
}

#[get("/blocks")]
async fn blocks(request: HttpRequest, limiter: Limiter) -> Result<&'static str, BlockError> {
    limiter.limit("9/hour; 5/hour").enter(&request).await?;
    limiter.limit("9/hour").scope("expensive").enter(&request).await?;
    limiter.limit("9/hour").shared("printer").enter(&request).await?;
    limiter.limit("9/hour").key(everyone).strategy(Strategy::MovingWindow).enter(&request).await?;
    Ok("blocks")
}

static BAN: MetaLimit = MetaLimit::new("1/hour").block("10 minutes");

#[get("/banned")]
#[limit("1/day", meta = [BAN, "50/hour; 60/day"])]
async fn banned() -> &'static str {
    "banned"
}

#[get("/limited")]
#[limit("9/day", override_defaults = false)]
async fn limited_too() -> &'static str {
    "limited"
}

// --- What was counted ---

/// 192.0.2.1 of 32 bits.
const CLIENT: &[u8] = b"4\x20\xc0\x00\x02\x01";

/// 2001:db8:1:2:: of 64 bits.
const IPV6: &[u8] = b"6\x40\x20\x01\x0d\xb8\x00\x01\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00";

/// `s3cret`, of which only a digest is kept.
const SECRET: &[u8] = b"s\x1e\xc1\xc2\x6b\x50\xd5\xd3\xc5\x8d\x95\x83\x18\x1a\xf8\x07\x66\
    \x55\xfe\x00\x75\x6b\xf7\x28\x59\x40\xba\x36\x70\xf9\x9f\xcb\xa0";

/// A text of more than 62 bytes, of which only a digest is kept.
const LONG: &[u8] = b"T\x7c\x47\x4f\xf9\x19\xa1\x0a\x8e\x20\xdd\x73\xe5\xb6\x64\x41\x1b\
    \x96\x59\xf3\x32\x2b\xbe\x9c\xcb\x35\xb2\xa1\x54\x1d\x27\xe8\x73";

/// What the limiter asks for, once it is built, to see whether the server counts.
const PROBE: (&[u8], &str) = (b"t\x05probe", "5:probe,fixed-window/1000000/0");

/// The clients and the limits of the counters without a prefix of the app's own.
const PLAIN: &[(&[u8], &str)] = &[
    // Of all endpoints together.
    (CLIENT, "0:,11:application,fixed-window/3600000000/0"),
    (CLIENT, "0:,11:application,7:dynamic,1:1,fixed-window/3600000000/0"),
    (IPV6, "0:,11:application,fixed-window/3600000000/0"),
    (IPV6, "0:,11:application,7:dynamic,1:1,fixed-window/3600000000/0"),
    // Of endpoints.
    (CLIENT, "0:,7:default,10:GET /plain,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:default,10:GET /plain,fixed-window/3600000000/1"),
    (IPV6, "0:,7:default,10:GET /plain,fixed-window/3600000000/0"),
    (IPV6, "0:,7:default,10:GET /plain,fixed-window/3600000000/1"),
    (CLIENT, "0:,7:default,11:POST /plain,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:default,11:POST /plain,fixed-window/3600000000/1"),
    (CLIENT, "0:,7:default,9:unmatched,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:default,9:unmatched,fixed-window/3600000000/1"),
    (CLIENT, "0:,7:default,11:GET /blocks,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:default,11:GET /blocks,fixed-window/3600000000/1"),
    (CLIENT, "0:,7:default,28:redis::counter_names::beside,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:default,28:redis::counter_names::beside,fixed-window/3600000000/1"),
    // Of handlers.
    (CLIENT, "0:,7:handler,28:redis::counter_names::quotas,fixed-window/60000000/0"),
    (CLIENT, "0:,7:handler,28:redis::counter_names::quotas,fixed-window/60000000/1"),
    (CLIENT, "0:,7:handler,28:redis::counter_names::quotas,fixed-window/60000000/2"),
    (CLIENT, "0:,7:handler,28:redis::counter_names::quotas,fixed-window/172800000000/0"),
    (CLIENT, "0:,7:handler,28:redis::counter_names::beside,fixed-window/60000000/0"),
    (CLIENT, "0:,7:handler,29:redis::counter_names::methods,3:GET,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,29:redis::counter_names::methods,4:POST,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,29:redis::counter_names::methods,3:PUT,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,29:redis::counter_names::methods,6:DELETE,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,29:redis::counter_names::methods,5:PATCH,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,29:redis::counter_names::methods,7:OPTIONS,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,29:redis::counter_names::methods,7:CONNECT,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,29:redis::counter_names::methods,5:TRACE,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,29:redis::counter_names::methods,5:QUERY,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,29:redis::counter_names::methods,5:other,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,26:redis::counter_names::dear,fixed-window/3600000000/0"),
    (b"t\x09100%25{red%7D", "0:,7:handler,26:redis::counter_names::keys,fixed-window/3600000000/0"),
    (SECRET, "0:,7:handler,26:redis::counter_names::keys,fixed-window/3600000000/0"),
    (b"t\x00", "0:,7:handler,26:redis::counter_names::keys,fixed-window/3600000000/0"),
    (
        b"n\x00\x00\x00\x00\x00\x00\x00\x07",
        "0:,7:handler,26:redis::counter_names::keys,fixed-window/3600000000/0",
    ),
    (
        b"4\x20\xc0\x00\x02\x01t\x06s3cret",
        "0:,7:handler,26:redis::counter_names::keys,fixed-window/3600000000/0",
    ),
    (LONG, "0:,7:handler,26:redis::counter_names::keys,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,27:redis::counter_names::parts,4:part,fixed-window/3600000000/0"),
    (
        CLIENT,
        "0:,7:handler,27:redis::counter_names::parts,8:function,9:100%{red},fixed-window/3600000000/0",
    ),
    (CLIENT, "0:,7:handler,29:redis::counter_names::dynamic,fixed-window/3600000000/0"),
    (
        CLIENT,
        "0:,7:handler,29:redis::counter_names::dynamic,7:dynamic,1:1,fixed-window/3600000000/0",
    ),
    (
        CLIENT,
        "0:,7:handler,29:redis::counter_names::dynamic,7:dynamic,1:1,fixed-window/3600000000/1",
    ),
    (CLIENT, "0:,7:handler,27:redis::counter_names::tried,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,27:redis::counter_names::tried,9:candidate,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,27:redis::counter_names::tried,fixed-window/60000000/0"),
    (CLIENT, "0:,7:handler,32:redis::counter_names::strategies,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,32:redis::counter_names::strategies,moving-window/3600000000/0"),
    (
        CLIENT,
        "0:,7:handler,32:redis::counter_names::strategies,sliding-window-counter/3600000000/0",
    ),
    (CLIENT, "0:,7:handler,32:redis::counter_names::strategies,token-bucket/3600000000/0"),
    (CLIENT, "0:,7:handler,26:redis::counter_names::show,1:0,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,26:redis::counter_names::show,1:1,fixed-window/3600000000/0"),
    (CLIENT, "0:,7:handler,28:redis::counter_names::banned,fixed-window/86400000000/0"),
    (CLIENT, "0:,7:handler,33:redis::counter_names::limited_too,fixed-window/86400000000/0"),
    // Of several handlers.
    (CLIENT, "0:,6:shared,8:database,fixed-window/3600000000/0"),
    (CLIENT, "0:,6:shared,8:database,7:dynamic,1:2,3:GET,fixed-window/3600000000/0"),
    (CLIENT, "0:,9:shared-by,9:100%{red},fixed-window/3600000000/0"),
    // Of scopes.
    (CLIENT, "0:,8:endpoint,16:GET /scope/plain,5:scope,5:outer,fixed-window/60000000/0"),
    (CLIENT, "0:,8:endpoint,16:GET /scope/plain,5:scope,5:outer,fixed-window/60000000/1"),
    (
        CLIENT,
        "0:,8:endpoint,16:GET /scope/plain,5:scope,5:inner,7:dynamic,1:0,3:GET,fixed-window/3600000000/0",
    ),
    (
        CLIENT,
        "0:,7:handler,33:redis::counter_names::limited_too,5:scope,5:outer,fixed-window/60000000/0",
    ),
    (
        CLIENT,
        "0:,7:handler,33:redis::counter_names::limited_too,5:scope,5:outer,fixed-window/60000000/1",
    ),
    (
        CLIENT,
        "0:,7:handler,33:redis::counter_names::limited_too,5:scope,5:inner,7:dynamic,1:0,3:GET,fixed-window/3600000000/0",
    ),
    (CLIENT, "0:,5:scope,10:everything,fixed-window/3600000000/0"),
    // Of blocks.
    (CLIENT, "0:,5:block,11:GET /blocks,fixed-window/3600000000/0"),
    (CLIENT, "0:,5:block,11:GET /blocks,fixed-window/3600000000/1"),
    (CLIENT, "0:,5:block,11:GET /blocks,9:expensive,fixed-window/3600000000/0"),
    (CLIENT, "0:,12:shared-block,7:printer,fixed-window/3600000000/0"),
    (b"t\x00", "0:,5:block,11:GET /blocks,moving-window/3600000000/0"),
    (CLIENT, "0:,5:block,9:unmatched,fixed-window/3600000000/0"),
    // Of breaches.
    (CLIENT, "0:,4:meta,6:1/hour,fixed-window/3600000000/0"),
    (CLIENT, "0:,4:meta,6:1/hour,5:block,12:1 per 1 hour,fixed-window/600000000/0"),
    (CLIENT, "0:,4:meta,15:50/hour; 60/day,fixed-window/3600000000/0"),
    (CLIENT, "0:,4:meta,15:50/hour; 60/day,fixed-window/86400000000/0"),
    (CLIENT, "0:,4:meta,7:100/day,fixed-window/86400000000/0"),
];

/// Those under the prefix of the shop.
const SHOP: &[(&[u8], &str)] = &[
    // Of all endpoints together.
    (CLIENT, "4:shop,11:application,3:GET,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,11:application,4:POST,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,11:application,9:unmatched,token-bucket/3600000000/0"),
    // Of endpoints.
    (CLIENT, "4:shop,7:default,10:GET /plain,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,7:default,10:GET /plain,7:dynamic,1:1,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,7:default,9:unmatched,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,7:default,9:unmatched,7:dynamic,1:1,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,7:default,11:GET /blocks,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,7:default,11:GET /blocks,7:dynamic,1:1,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,7:default,28:redis::counter_names::beside,4:POST,token-bucket/3600000000/0"),
    (
        CLIENT,
        "4:shop,7:default,28:redis::counter_names::beside,7:dynamic,1:1,4:POST,token-bucket/3600000000/0",
    ),
    // Of handlers.
    (CLIENT, "4:shop,7:handler,28:redis::counter_names::beside,token-bucket/60000000/0"),
    (CLIENT, "4:shop,7:handler,28:redis::counter_names::banned,token-bucket/86400000000/0"),
    // Of several handlers.
    (CLIENT, "4:shop,6:shared,8:database,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,6:shared,8:database,7:dynamic,1:2,3:GET,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,9:shared-by,9:100%{red},token-bucket/3600000000/0"),
    // Of scopes.
    (CLIENT, "4:shop,8:endpoint,16:GET /scope/plain,5:scope,5:outer,token-bucket/60000000/0"),
    (CLIENT, "4:shop,8:endpoint,16:GET /scope/plain,5:scope,5:outer,token-bucket/60000000/1"),
    (
        CLIENT,
        "4:shop,8:endpoint,16:GET /scope/plain,5:scope,5:inner,7:dynamic,1:0,3:GET,token-bucket/3600000000/0",
    ),
    // Of blocks.
    (CLIENT, "4:shop,5:block,11:GET /blocks,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,5:block,11:GET /blocks,token-bucket/3600000000/1"),
    (CLIENT, "4:shop,5:block,11:GET /blocks,9:expensive,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,12:shared-block,7:printer,token-bucket/3600000000/0"),
    (b"t\x00", "4:shop,5:block,11:GET /blocks,moving-window/3600000000/0"),
    // Of breaches.
    (CLIENT, "4:shop,4:meta,6:1/hour,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,4:meta,6:1/hour,5:block,12:1 per 1 hour,fixed-window/600000000/0"),
    (CLIENT, "4:shop,4:meta,15:50/hour; 60/day,token-bucket/3600000000/0"),
    (CLIENT, "4:shop,4:meta,15:50/hour; 60/day,token-bucket/86400000000/0"),
    (CLIENT, "4:shop,4:meta,7:100/day,token-bucket/86400000000/0"),
];
