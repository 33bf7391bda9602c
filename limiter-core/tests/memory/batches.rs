//! Batches on counters that are there already: taken charge by charge, and undone as a whole.

use limiter_core::{Charge, FakeClock, Key, MemoryStorage, Outcome, Strategy};

use super::per_minute;

#[test]
fn a_denied_batch_on_one_counter_leaves_it_as_it_was() {
    for strategy in Strategy::ALL {
        let storage = MemoryStorage::builder().clock(FakeClock::new()).build();
        let (limit, key) = (per_minute(5, strategy), Key::text("me"));
        storage.hit(&limit, &key, 1);

        let mut charges = [1, 2, 3].map(|cost| Charge::new(&limit, &key).cost(cost));
        assert_eq!(storage.hit_all(&mut charges), Outcome::Deny, "{strategy}");
        let remaining = charges.each_ref().map(|charge| charge.decision().unwrap().remaining());
        assert_eq!(remaining, [3, 1, 1], "{strategy}: each sees those before it");
        assert!(charges.iter().all(|charge| charge.charged_at().is_none()), "{strategy}");
        assert_eq!(storage.peek(&limit, &key).remaining(), 4, "{strategy}: nothing was taken");

        assert_eq!(storage.test_all(&mut charges[..2]), Outcome::Admit, "{strategy}");
        assert_eq!(storage.peek(&limit, &key).remaining(), 4, "{strategy}: a test takes nothing");
        assert_eq!(storage.hit_all(&mut charges[..2]), Outcome::Admit, "{strategy}");
        assert_eq!(storage.peek(&limit, &key).remaining(), 1, "{strategy}: both were taken");
    }
}
