use limiter_actix::limit;

#[limit("10/minute", scope = mysql)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
