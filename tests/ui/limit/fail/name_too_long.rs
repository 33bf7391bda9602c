use limiter_actix::limit;

#[limit("10/minute", name = "search-search-search-search-search-search-search-search-search-search-")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
