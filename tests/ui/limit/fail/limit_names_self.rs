use actix_web::HttpRequest;
use limiter_actix::limit;

struct Shop;

impl Shop {
    fn tier_of(_: &HttpRequest) -> &'static str {
        "10/minute"
    }

    #[limit(Self::tier_of)]
    async fn search() -> &'static str {
        "found"
    }
}

fn main() {
    let _ = (Shop::search, Shop::tier_of);
}
