use limiter_actix::limit;

#[limit("10/minute", name = "")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
