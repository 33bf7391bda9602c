use limiter_actix::limit;

#[limit("10/minute", methods = ["GETT", "PSOT", "DELTE", "PURGE", "get"])]
async fn list() -> &'static str {
    "list"
}

fn main() {}
