use limiter_actix::limit;

#[limit("10/minute", exempt_when = "internal")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
