use limiter_actix::limit;

#[limit("10/minute", exempt_when = true)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
