use limiter_actix::limit;

#[limit("10/minute", scope = "")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
