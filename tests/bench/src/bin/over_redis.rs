//! `over_redis <app> <uri>`: serves an app whose counters are in Redis, or in memory for comparison,
//! with one worker until its standard input is closed.

use std::{
    env,
    io::{self, Read},
    time::Duration,
};

use actix_extensible_rate_limit::{
    RateLimiter,
    backend::{SimpleInputFunctionBuilder, redis::RedisBackend},
};
use actix_web::{
    App, HttpResponse, HttpServer,
    dev::{Server, ServiceRequest},
    get, web,
};
use limiter_actix::{Limiter, limit};

const BODY: &str = "{\"message\":\"hello, world\",\"number\":123}";

#[get("/hello")]
async fn hello() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(BODY)
}

#[get("/hello")]
#[limit("4000000000/minute")]
async fn one_limit() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(BODY)
}

#[get("/hello")]
#[limit("4000000000/second;4000000000/minute;4000000000/hour;4000000000/day;4000000000/week")]
async fn five_limits() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(BODY)
}

#[get("/hello")]
#[limit("1/day")]
async fn denied() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(BODY)
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, uri] = &arguments[..] else { panic!("expected an app and a URI") };
    let server = serve(name, uri).await?;
    let handle = server.handle();
    let closed = actix_web::rt::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
    actix_web::rt::spawn(async move {
        // However it ends, it has ended.
        let _ = closed.await;
        handle.stop(false).await;
    });
    server.await
}

/// Serves an app on a free port, and tells where.
macro_rules! listen {
    ($app:expr) => {{
        let server = HttpServer::new(move || $app).workers(1).bind("127.0.0.1:0")?;
        println!("{}", server.addrs()[0]);
        Ok(server.run())
    }};
}

/// The same, behind our limiter.
macro_rules! listen_ours {
    ($uri:expr, $service:expr) => {{
        let limiter = Limiter::builder().storage_uri($uri).build().await;
        let limiter = limiter.expect("the options are legal");
        listen!(App::new().wrap(limiter.middleware()).service($service))
    }};
}

async fn serve(name: &str, uri: &str) -> io::Result<Server> {
    let memory = "memory://";
    match name {
        "ours" => listen_ours!(uri, one_limit),
        "ours, five limits" => listen_ours!(uri, five_limits),
        "ours, denied" => listen_ours!(uri, denied),
        "ours in memory" => listen_ours!(memory, one_limit),
        "ours in memory, denied" => listen_ours!(memory, denied),
        "actix-extensible-rate-limit" => {
            let client = extensible_redis::Client::open(uri).expect("a URI");
            let manager = extensible_redis::aio::ConnectionManager::new(client).await;
            let backend = RedisBackend::builder(manager.expect("the server is there")).build();
            listen!({
                let window = Duration::from_secs(60);
                let input = SimpleInputFunctionBuilder::new(window, 4_000_000_000).peer_ip_key();
                let limiter = RateLimiter::builder(backend.clone(), input.build()).build();
                App::new().wrap(limiter).service(hello)
            })
        }
        "actix-limitation" => {
            let limiter = actix_limitation::Limiter::builder(uri)
                .key_by(|request: &ServiceRequest| {
                    request.peer_addr().map(|address| address.ip().to_string())
                })
                .limit(4_000_000_000)
                .period(Duration::from_secs(60))
                .build()
                .expect("the server is there");
            let limiter = web::Data::new(limiter);
            listen!({
                App::new()
                    .wrap(actix_limitation::RateLimiter::default())
                    .app_data(limiter.clone())
                    .service(hello)
            })
        }
        _ => panic!("there is no app named `{name}`"),
    }
}
