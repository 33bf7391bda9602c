use limiter_actix::limit;

#[limit("10/minute", shadow = true, on_breach = |_: &limiter_actix::Breach<'_>| ())]
async fn search() -> &'static str {
    "found"
}

fn main() {}
