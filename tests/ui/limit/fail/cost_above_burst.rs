use limiter_actix::limit;

#[limit("10/second burst 20", cost = 21)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
