use limiter_actix::{MetaLimit, limit};

static PENALTY: MetaLimit = MetaLimit::new("5/minute");

#[limit("10/minute", meta = ["20/day", PENALTY], block = "1 day")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
