use limiter_actix::limit;

#[limit("10/minute", crate = ::limiter_actix)]
#[limit("100/day", crate = limiter_actix)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
