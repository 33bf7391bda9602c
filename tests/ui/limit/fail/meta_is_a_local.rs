use limiter_actix::{MetaLimit, limit};

fn main() {
    let penalty = MetaLimit::new("5/minute");

    #[limit("10/minute", meta = penalty)]
    async fn search() -> &'static str {
        "found"
    }
}
