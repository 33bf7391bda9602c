use limiter_actix::exempt;

#[exempt(default)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
