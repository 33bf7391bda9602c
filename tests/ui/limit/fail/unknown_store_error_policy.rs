use limiter_actix::limit;

#[limit("10/minute", on_store_error = "ignore")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
