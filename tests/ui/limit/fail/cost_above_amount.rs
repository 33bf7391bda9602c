use limiter_actix::limit;

#[limit("100/day; 10/minute", cost = 11)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
