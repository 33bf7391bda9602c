use limiter_actix::limit;

#[limit(10)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
