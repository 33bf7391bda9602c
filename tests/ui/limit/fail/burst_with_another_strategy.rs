use limiter_actix::limit;

#[limit("10/second burst 20", strategy = "fixed-window")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
