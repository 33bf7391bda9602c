use limiter_actix::limit;

#[limit("10/minute")]
const fn search() -> &'static str {
    "found"
}

fn main() {}
