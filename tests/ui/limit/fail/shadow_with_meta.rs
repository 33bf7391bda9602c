use limiter_actix::limit;

#[limit("10/minute", shadow = true, meta = "5/minute", block = "1 hour")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
