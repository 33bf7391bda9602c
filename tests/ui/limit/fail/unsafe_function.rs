use limiter_actix::limit;

#[limit("10/minute")]
async unsafe fn search() -> &'static str {
    "found"
}

fn main() {}
