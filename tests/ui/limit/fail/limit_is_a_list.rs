use limiter_actix::limit;

#[limit(["10/minute", "100/day"])]
async fn search() -> &'static str {
    "found"
}

fn main() {}
