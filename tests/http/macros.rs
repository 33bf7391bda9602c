//! Short forms for requests to an app in process.

/// The status of each of several requests of one client to an app: `statuses!(app, GET "/x", 3)`.
macro_rules! statuses {
    ($app:expr, $method:ident $path:expr, $requests:expr) => {
        statuses!($app, $method $path, $requests, "192.0.2.1")
    };
    ($app:expr, $method:ident $path:expr, $requests:expr, $client:expr) => {{
        let mut statuses = Vec::new();
        for _ in 0..$requests {
            statuses.push(answer!($app, $method $path, $client).status().as_u16());
        }
        statuses
    }};
}

/// The response to one request.
macro_rules! answer {
    ($app:expr, $method:ident $path:expr) => {
        answer!($app, $method $path, "192.0.2.1")
    };
    ($app:expr, $method:ident $path:expr, $client:expr) => {{
        let request = ::actix_web::test::TestRequest::with_uri($path)
            .method(::actix_web::http::Method::from_bytes(stringify!($method).as_bytes()).unwrap())
            .peer_addr(::std::net::SocketAddr::new($client.parse().unwrap(), 40_000))
            .to_request();
        match ::actix_web::dev::Service::call(&$app, request).await {
            Ok(response) => response.map_into_boxed_body(),
            Err(error) => {
                let request = ::actix_web::test::TestRequest::default().to_http_request();
                ::actix_web::dev::ServiceResponse::new(request, error.error_response())
            }
        }
    }};
}

/// An app behind a limiter.
macro_rules! app {
    ($limiter:expr, $($service:expr),* $(,)?) => {
        ::actix_web::test::init_service(
            ::actix_web::App::new().wrap($limiter.middleware())$(.service($service))*
        ).await
    };
}
