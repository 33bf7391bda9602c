use limiter_actix::limit;

#[limit("10/minute", shadow = true, error_message = "slow down")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
