use limiter_actix::limit;

#[limit("10/minute")]
mod search {}

fn main() {}
