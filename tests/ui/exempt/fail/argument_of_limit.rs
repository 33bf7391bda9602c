use limiter_actix::exempt;

#[exempt(cost = 2)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
