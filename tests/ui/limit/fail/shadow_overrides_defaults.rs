use limiter_actix::limit;

#[limit("10/minute", shadow = true, override_defaults = true)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
