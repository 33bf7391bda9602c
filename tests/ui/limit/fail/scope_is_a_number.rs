use limiter_actix::limit;

#[limit("10/minute", scope = 5)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
