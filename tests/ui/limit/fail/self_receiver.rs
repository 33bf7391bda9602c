use limiter_actix::limit;

struct Shop;

impl Shop {
    #[limit("10/minute")]
    async fn search(&self) -> &'static str {
        "found"
    }
}

fn main() {}
