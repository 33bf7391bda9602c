use limiter_actix::limit;

#[limit("10/minute", error_message = 429)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
