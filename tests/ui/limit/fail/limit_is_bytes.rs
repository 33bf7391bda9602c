use limiter_actix::limit;

#[limit(b"10/minute")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
