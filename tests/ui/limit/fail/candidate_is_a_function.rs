use limiter_actix::limit;

#[limit("10/minute", candidate = tier_of)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
