use limiter_actix::limit;

#[limit("10 minute", cots = 2, cost = -1, strategy = "leaky")]
#[limit("100/day", methods = ["GET", "get", ""], per_method = 1)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
