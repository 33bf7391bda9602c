use limiter_actix::limit;

fn main() {
    let limit = "10/minute".to_owned();

    #[limit(|_| limit.clone())]
    async fn search() -> &'static str {
        "found"
    }
}
