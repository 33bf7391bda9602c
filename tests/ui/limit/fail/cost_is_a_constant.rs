use limiter_actix::limit;

const PRICE: u64 = 5;

#[limit("10/minute", cost = PRICE)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
