use limiter_actix::exempt;

#[exempt(defaults = true)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
