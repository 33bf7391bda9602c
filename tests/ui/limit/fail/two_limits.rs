use limiter_actix::limit;

#[limit("100/day", "10/minute")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
