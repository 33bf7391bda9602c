use limiter_actix::limit;

#[limit("10/minute", cost = 18446744073709551616)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
