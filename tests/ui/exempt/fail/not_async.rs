use limiter_actix::exempt;

#[exempt]
fn search() -> &'static str {
    "found"
}

fn main() {}
