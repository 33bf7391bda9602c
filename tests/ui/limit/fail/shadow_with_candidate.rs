use limiter_actix::limit;

#[limit("10/minute", shadow = true, candidate = "50/minute")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
