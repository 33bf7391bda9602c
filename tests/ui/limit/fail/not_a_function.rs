use limiter_actix::limit;

#[limit("10/minute")]
struct Search;

fn main() {}
