use limiter_actix::limit;

#[limit("10/minute", deduct_when = false)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
