use limiter_actix::limit;

#[limit("10/minute")]
async extern "C" fn search() -> &'static str {
    "found"
}

fn main() {}
