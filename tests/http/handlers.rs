//! Handlers of all kinds, wherever they are registered.

use actix_web::{HttpResponse, get, web};
use limiter_actix::limit;

#[actix_web::test]
async fn a_handler_that_fails_has_been_counted() {
    #[get("/fails")]
    #[limit("2/minute")]
    async fn fails() -> Result<HttpResponse, actix_web::Error> {
        Err(actix_web::error::ErrorImATeapot("short and stout"))
    }
    let app = app!(limiter!(), fails);
    assert_eq!(statuses!(app, GET "/fails", 3), [418, 418, 429]);
}

#[actix_web::test]
async fn handlers_registered_by_hand_are_limited_alike() {
    #[limit("1/minute")]
    async fn by_hand(id: web::Path<u32>) -> String {
        id.to_string()
    }
    let app = app!(
        limiter!(),
        web::resource("/hand/{id}").route(web::get().to(by_hand)),
        web::scope("/inner").route("/{id}", web::post().to(by_hand)),
    );
    assert_eq!(statuses!(app, GET "/hand/1", 1), [200]);
    // One handler, one counter, wherever it is registered and whatever the id.
    assert_eq!(statuses!(app, POST "/inner/2", 1), [429]);
}

#[actix_web::test]
async fn a_limit_for_head_alone_is_one_for_get_too() {
    #[limit("1/minute", methods = ["HEAD"])]
    async fn size() -> HttpResponse {
        HttpResponse::Ok().finish()
    }
    let app = app!(limiter!(), web::resource("/size").to(size));
    assert_eq!(statuses!(app, HEAD "/size", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/size", 1), [429], "as everywhere");
}

#[actix_web::test]
async fn associated_functions_of_one_name_have_counters_of_their_own() {
    struct Users;
    impl Users {
        #[limit("1/minute")]
        async fn list() -> &'static str {
            "users"
        }
    }
    struct Orders;
    impl Orders {
        #[limit("1/minute")]
        async fn list() -> &'static str {
            "orders"
        }
    }
    let app = app!(
        limiter!(),
        web::resource("/users").to(Users::list),
        web::resource("/orders").to(Orders::list),
    );
    assert_eq!(statuses!(app, GET "/users", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/orders", 2), [200, 429]);
}

#[actix_web::test]
async fn associated_functions_of_one_name_have_default_counters_of_their_own() {
    struct Users;
    impl Users {
        #[limit("9/minute", override_defaults = false)]
        async fn count() -> &'static str {
            "users"
        }
    }
    struct Orders;
    impl Orders {
        #[limit("9/minute", override_defaults = false)]
        async fn count() -> &'static str {
            "orders"
        }
    }
    let app = app!(
        limiter!(default_limits(["1/minute"])),
        web::resource("/users").to(Users::count),
        web::resource("/orders").to(Orders::count),
    );
    assert_eq!(statuses!(app, GET "/users", 2), [200, 429]);
    assert_eq!(statuses!(app, GET "/orders", 2), [200, 429]);
}
