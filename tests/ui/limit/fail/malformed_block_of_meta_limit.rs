use limiter_actix::{MetaLimit, limit};

static PENALTY: MetaLimit = MetaLimit::new("5/hour").block("a while");

#[limit("10/minute", meta = PENALTY)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
