use limiter_actix::limit;

#[limit("10/minute", crate = "limiter_actix")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
