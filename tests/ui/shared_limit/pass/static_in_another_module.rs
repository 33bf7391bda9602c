//! A shared limit is declared once, anywhere, and named by its path.
mod limits {
    use limiter_actix::SharedLimit;

    pub static DATABASE: SharedLimit = SharedLimit::new("100/hour; 10/minute", "mysql");
}

use limiter_actix::shared_limit;

#[shared_limit(limits::DATABASE)]
#[shared_limit(crate::limits::DATABASE, cost = 5)]
async fn search() -> &'static str {
    "found"
}

fn main() {
    let _ = search;
    assert_eq!(limiter_actix::handlers()[0].limits().len(), 2);
}
