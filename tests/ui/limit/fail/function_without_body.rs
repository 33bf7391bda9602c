use limiter_actix::limit;

trait Shop {
    #[limit("10/minute")]
    async fn search() -> &'static str;
}

fn main() {}
