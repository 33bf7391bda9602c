use limiter_actix::{MetaLimit, limit};

static PENALTY: MetaLimit = MetaLimit::new("5 an hour");

#[limit("10/minute", meta = PENALTY)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
