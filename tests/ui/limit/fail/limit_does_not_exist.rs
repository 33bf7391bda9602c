use limiter_actix::limit;

#[limit(tier_of)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
