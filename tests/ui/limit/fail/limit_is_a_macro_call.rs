use limiter_actix::limit;

#[limit(concat!("10", "/minute"))]
async fn search() -> &'static str {
    "found"
}

fn main() {}
