use limiter_actix::limit;

#[limit(cost = 2)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
