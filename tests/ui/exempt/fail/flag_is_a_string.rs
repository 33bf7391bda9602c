use limiter_actix::exempt;

#[exempt("defaults")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
