use limiter_actix::limit;

#[limit("10/minute", key = tenant)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
