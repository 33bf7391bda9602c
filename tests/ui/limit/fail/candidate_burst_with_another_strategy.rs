use limiter_actix::limit;

#[limit("10/minute", strategy = "fixed-window", candidate = "5/minute burst 20")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
