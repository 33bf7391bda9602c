use limiter_actix::limit;

#[limit("10/minute", methods = [Method::GET])]
async fn search() -> &'static str {
    "found"
}

fn main() {}
