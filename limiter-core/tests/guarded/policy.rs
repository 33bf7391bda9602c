//! What happens to a charge that the storage cannot decide.

use limiter_core::{Charge, DecidedBy, Mode, OnStoreError, Outcome, Verb};

use crate::patient::{State, Ward, per_minute};

#[tokio::test(start_paused = true)]
async fn each_limit_has_its_own_policy_whether_the_circuit_is_open_or_not() {
    let ward = Ward::with(|guard| guard.on_store_error(OnStoreError::Allow));
    let (login, search) = (per_minute(1, "login"), per_minute(1, "search"));
    let page = per_minute(1, "page");
    ward.patient.is(State::Refusing);
    for _ in 0..10 {
        let mut deny = [Charge::new(&login, &ward.key).on_store_error(Some(OnStoreError::Deny))];
        ward.apply(Verb::Hit, &mut deny).await.unwrap_err();
        let mut allow = [Charge::new(&page, &ward.key)];
        assert_eq!(ward.apply(Verb::Hit, &mut allow).await.unwrap(), Outcome::Admit);
        assert!(allow[0].decision().is_none() && allow[0].receipt().is_none());
    }
    for admitted in [true, false, false] {
        let mut local = [Charge::new(&search, &ward.key).on_store_error(Some(OnStoreError::Local))];
        let outcome = ward.apply(Verb::Hit, &mut local).await.unwrap();
        assert_eq!(outcome == Outcome::Admit, admitted);
    }
    let health = ward.guard.health();
    assert_eq!((health.failed, health.left_out, health.decided_locally), (10, 10, 3));
}

#[tokio::test(start_paused = true)]
async fn in_one_batch_a_deny_fails_it_and_an_allow_is_left_out_of_it() {
    let ward = Ward::new();
    ward.patient.is(State::Refusing);
    let (local, allowed) = (per_minute(1, "local"), per_minute(1, "allowed"));
    let denied = per_minute(1, "denied");
    let batch = |deny: Mode| {
        [
            Charge::new(&allowed, &ward.key).on_store_error(Some(OnStoreError::Allow)),
            Charge::new(&local, &ward.key),
            Charge::new(&denied, &ward.key).on_store_error(Some(OnStoreError::Deny)).mode(deny),
        ]
    };
    for _ in 0..7 {
        ward.apply(Verb::Hit, &mut batch(Mode::Enforce)).await.unwrap_err();
    }
    // The failed batches took nothing, and a shadow charge fails no batch.
    let mut charges = batch(Mode::Shadow);
    assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
    assert!(charges[0].decision().is_none() && charges[2].decision().is_none());
    assert_eq!(charges[1].decision().unwrap().remaining(), 0);
    assert_eq!(charges[1].decided_by(), DecidedBy::Fallback);
    let mut charges = batch(Mode::Shadow);
    assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Deny);
}

#[tokio::test(start_paused = true)]
async fn a_well_storage_is_asked_about_all_of_them() {
    let ward = Ward::new();
    let limits = OnStoreError::ALL.map(|policy| (per_minute(1, policy.name()), policy));
    let mut charges = limits
        .each_ref()
        .map(|(limit, policy)| Charge::new(limit, &ward.key).on_store_error(Some(*policy)));
    assert_eq!(ward.apply(Verb::Hit, &mut charges).await.unwrap(), Outcome::Admit);
    assert!(charges.iter().all(|charge| charge.decided_by() == DecidedBy::Storage));
    assert!(limits.iter().all(|(limit, _)| ward.used_at_storage(limit) == 1));
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_the_storage_did_not_hear_fails() {
    let ward = Ward::new();
    let limit = per_minute(1, "reset");
    let reset = || [Charge::new(&limit, &ward.key)];
    ward.hit(&limit).await;
    ward.open(State::Refusing).await;
    assert!(ward.hit(&limit).await && !ward.hit(&limit).await);
    ward.apply(Verb::Reset, &mut reset()).await.unwrap_err();
    assert!(ward.hit(&limit).await, "the counters of this process heard");
    ward.recover().await;
    assert!(!ward.hit(&limit).await);
    ward.apply(Verb::Reset, &mut reset()).await.unwrap();
    assert!(ward.hit(&limit).await);
}

#[test]
fn policies_have_the_names_of_the_configuration() {
    for policy in OnStoreError::ALL {
        assert_eq!(policy.name().parse(), Ok(policy));
    }
    let error = "denied".parse::<OnStoreError>().unwrap_err().to_string();
    assert_eq!(
        error,
        "expected a policy for store errors (`local`, `deny`, `allow`), found `denied`"
    );
    assert_eq!(OnStoreError::default(), OnStoreError::Local);
}
