//! Attributes on one handler find each other by what they are, not by what they are called.
mod confusing {
    pub use limiter_actix::{exempt as limit, limit as exempt};
}

#[confusing::limit(defaults)]
#[limiter_actix::limit("10/minute")]
#[confusing::exempt("100/day")]
async fn search() -> &'static str {
    "found"
}

fn main() {
    let _ = search;
    let handler = limiter_actix::handlers()[0];
    assert_eq!(handler.limits().len(), 2);
    assert!(handler.exempt().defaults && !handler.exempt().application);
}
