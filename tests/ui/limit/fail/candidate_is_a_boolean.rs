use limiter_actix::limit;

#[limit("10/minute", candidate = true)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
