use limiter_actix::limit;

#[limit("10/minute", deduct_when = async |_: &actix_web::dev::ResponseHead| true)]
async fn search() -> &'static str {
    "found"
}

fn main() {}
