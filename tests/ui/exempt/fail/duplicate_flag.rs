use limiter_actix::exempt;

#[exempt(defaults, meta, defaults)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
