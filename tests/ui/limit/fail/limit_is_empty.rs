use limiter_actix::limit;

#[limit("")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
