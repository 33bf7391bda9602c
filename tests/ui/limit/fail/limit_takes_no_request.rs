use limiter_actix::limit;

#[limit(tier_of)]
async fn search() -> &'static str {
    "found"
}

fn tier_of() -> &'static str {
    "10/minute"
}

fn main() {}
