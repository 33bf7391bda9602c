//! `hitter URI TASKS HITS AMOUNT [STRATEGY]`: hits one limit at a Redis server from several tasks,
//! each so many times, prints how many hits were admitted, and stays until its input ends. The
//! limit is a short one, or a lasting one of a strategy.

use std::{env, io::Read};

use limiter_tests::hitter;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [uri, tasks, hits, amount, strategy @ ..] = &arguments[..] else {
        panic!("expected URI TASKS HITS AMOUNT [STRATEGY], found {arguments:?}");
    };
    let number = |text: &str| text.parse().expect("a number");
    let amount = number(amount) as u64;
    let limit = match strategy.first() {
        Some(strategy) => hitter::lasting_limit(amount, strategy.parse().expect("a strategy")),
        None => hitter::limit(amount),
    };
    // For the URIs of TLS; nothing else in this process installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let admitted = runtime.block_on(async {
        let storage = hitter::redis(uri);
        hitter::run(storage, number(tasks), number(hits), limit).await
    });
    println!("{admitted}");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
