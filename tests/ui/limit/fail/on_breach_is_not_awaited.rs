use limiter_actix::limit;

#[limit("10/minute", on_breach = |_: &limiter_actix::Breach<'_>| async {})]
async fn search() -> &'static str {
    "found"
}

fn main() {}
