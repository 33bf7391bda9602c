//! The options of a guarded storage.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use super::{
    breaker::{Breaker, Patience},
    local::{Local, StandIn},
    remote::Remote,
    storage::GuardedStorage,
};
use crate::{
    clock::{Clock, MonotonicClock},
    error::OnStoreError,
    quota::Quota,
    storage::{interface::Storage, memory::MemoryStorage},
    strategy::{Strategy, Unsupported},
};

/// Options of a [`GuardedStorage`].
#[derive(Clone, Debug)]
pub struct GuardedStorageBuilder {
    storage: Arc<dyn Storage>,
    deadline: Duration,
    on_store_error: OnStoreError,
    fallback_limits: Vec<(Strategy, Quota)>,
    instances: u32,
    memory: Option<MemoryStorage>,
    failures: u32,
    pauses: (Duration, Duration),
    clock: Arc<dyn Clock>,
}

/// How long a probe may take in all: it may have to look up a name, connect and negotiate TLS.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

impl GuardedStorage {
    /// A guard around a storage, with options of your own.
    pub fn builder(storage: Arc<dyn Storage>) -> GuardedStorageBuilder {
        GuardedStorageBuilder::new(storage)
    }
}

impl GuardedStorageBuilder {
    fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            deadline: Duration::from_millis(50),
            on_store_error: OnStoreError::default(),
            fallback_limits: Vec::new(),
            instances: 1,
            memory: None,
            failures: 5,
            pauses: (Duration::from_millis(100), Duration::from_secs(10)),
            clock: Arc::new(MonotonicClock),
        }
    }

    /// The longest that a request waits for a decision, to the millisecond. Default: 50 ms, fifty
    /// times what a storage in the same data centre needs, and less than a person notices.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// What happens to charges without a policy of their own when the storage cannot decide.
    /// Default: [`OnStoreError::Local`].
    #[must_use]
    pub fn on_store_error(self, on_store_error: OnStoreError) -> Self {
        Self { on_store_error, ..self }
    }

    /// Quotas that replace the limits while this process decides: in each scope, for each key, all
    /// of them in place of the limits that the scope has. Like these they are divided by
    /// [`instances`](Self::instances). Default: none; then the limits themselves are enforced.
    ///
    /// A request is charged them once per scope, with the highest cost that it has there.
    #[must_use]
    pub fn fallback_limits(
        self,
        strategy: Strategy,
        quotas: impl IntoIterator<Item = Quota>,
    ) -> Self {
        let fallback_limits = quotas.into_iter().map(|quota| (strategy, quota)).collect();
        Self { fallback_limits, ..self }
    }

    /// How many processes share the storage. While this process decides, it admits that part of
    /// every amount and burst, of the limits or of the [`fallback_limits`](Self::fallback_limits),
    /// rounded down, but at least one: with four, 25 of `100/minute`. Default: 1.
    #[must_use]
    pub fn instances(self, instances: u32) -> Self {
        Self { instances, ..self }
    }

    /// How many failures in a row open the circuit. Default: 5. A single slow answer does not open
    /// it, and a busy server that lost its storage opens it within one deadline.
    #[must_use]
    pub fn opens_after(self, failures: u32) -> Self {
        Self { failures, ..self }
    }

    /// The pause before the first probe, and the longest: each is twice the one before. Default:
    /// 100 ms, the time in which most broken connections are replaced, and 10 s.
    #[must_use]
    pub fn probe_pauses(self, first: Duration, longest: Duration) -> Self {
        Self { pauses: (first, longest), ..self }
    }

    /// The storage that decides while the guarded one does not answer, with its capacity and clock.
    /// Default: a new one for a million counters, which takes no memory until it is needed.
    #[must_use]
    pub fn memory(self, memory: MemoryStorage) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// The clock that pauses are measured with. Default: [`MonotonicClock`].
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The storage.
    ///
    /// # Errors
    /// A deadline or a number of instances or failures of zero, a first pause longer than the
    /// longest, or a fallback limit that its strategy cannot enforce.
    pub fn build(self) -> Result<GuardedStorage, InvalidGuard> {
        let (first_pause, longest_pause) = self.pauses;
        let checks = [
            (self.deadline.is_zero(), "deadline: expected more than zero"),
            (self.instances == 0, "instances: expected at least 1, found 0"),
            (self.failures == 0, "opens_after: expected at least 1 failure, found 0"),
            (
                first_pause.is_zero() || first_pause > longest_pause,
                "probe_pauses: expected a first pause above zero and at most the longest",
            ),
        ];
        if let Some((_, message)) = checks.into_iter().find(|(wrong, _)| *wrong) {
            return Err(InvalidGuard { message, source: None });
        }
        let stand_in = StandIn::new(&self.fallback_limits, self.instances)
            .map_err(|error| InvalidGuard { message: "fallback_limits", source: Some(error) })?;
        let patience = Patience {
            failures: self.failures,
            first_pause,
            longest_pause,
            probe: PROBE_DEADLINE + self.deadline,
        };
        let local = Local::new(self.memory.unwrap_or_default(), stand_in);
        let remote = Remote::new(
            self.storage,
            Breaker::new(patience),
            (self.deadline, PROBE_DEADLINE),
            self.on_store_error,
            self.clock,
        );
        Ok(GuardedStorage::new(remote, local, self.on_store_error))
    }
}

/// Options that contradict themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidGuard {
    message: &'static str,
    source: Option<Unsupported>,
}

impl fmt::Display for InvalidGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.message),
            None => f.write_str(self.message),
        }
    }
}

impl Error for InvalidGuard {}
