//! An attribute that is also called `limit`, but is not ours, is left alone.
#[rustfmt::skip]
mod other {
    pub use limiter_actix::exempt as limit;
}

#[limiter_actix::limit("10/minute")]
#[allow(dead_code)]
async fn search() -> &'static str {
    "found"
}

#[other::limit(defaults)]
#[allow(dead_code)]
async fn found() -> &'static str {
    "found"
}

fn main() {
    let [found, search] = limiter_actix::handlers()[..] else { panic!("two handlers") };
    assert!(found.limits().is_empty() && found.exempt().defaults);
    assert_eq!(search.limits().len(), 1);
}
