//! A quota that a strategy enforces within a scope.

use std::fmt::Write as _;
#[cfg(feature = "redis")]
use std::sync::OnceLock;

#[cfg(feature = "redis")]
use sha2::{Digest, Sha256};

use crate::{
    key::hash128,
    quota::Quota,
    strategy::{Strategy, Unsupported},
};

/// What a limit counts: one counter per scope and key.
///
/// A scope is a list of parts, each written with its length, so that no two lists of parts ever
/// name the same counter.
///
/// ```
/// use limiter_core::Scope;
///
/// assert_ne!(Scope::new("a/b").part("c"), Scope::new("a").part("b/c"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(String);

impl Scope {
    /// A scope of one part.
    pub fn new(part: &str) -> Self {
        Self(String::new()).part(part)
    }

    /// The scope with one more part.
    #[must_use]
    pub fn part(mut self, part: &str) -> Self {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{}:{part},", part.len());
        self
    }

    /// The encoded parts: `5:route,4:slow,`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A quota that a strategy enforces within a scope.
///
/// The counter of a limit is named by scope, strategy, window and ordinal, *not* by the amount:
/// when a plan changes from 100 to 200 per day, the used cost stays used. (A token bucket keeps the
/// share that is missing: 60 of 100 used are 120 of 200.)
#[derive(Clone, Debug)]
pub struct Limit {
    quota: Quota,
    strategy: Strategy,
    id: Box<str>,
    /// How many bytes of the id are the scope.
    scope: usize,
    seed: u128,
    /// Computed at the first use, and not for every request.
    #[cfg(feature = "redis")]
    digest: OnceLock<[u8; DIGEST]>,
}

/// How much of the digest of an id is stored: 96 bits keep apart more limits than any app has.
#[cfg(feature = "redis")]
const DIGEST: usize = 12;

impl Limit {
    /// A limit of `quota` by `strategy` within `scope`.
    pub fn new(quota: Quota, strategy: Strategy, scope: &Scope) -> Self {
        Self::with_ordinal(quota, strategy, scope, 0)
    }

    /// The same, with a number that keeps apart limits of one scope, strategy and window:
    /// `10/minute` and `5/minute` side by side are ordinal 0 and 1 and have counters of their own.
    pub fn with_ordinal(quota: Quota, strategy: Strategy, scope: &Scope, ordinal: u32) -> Self {
        let id = format!("{}{}/{}/{ordinal}", scope.0, strategy.name(), quota.window_micros());
        let seed = hash128(id.as_bytes());
        Self {
            quota,
            strategy,
            id: id.into_boxed_str(),
            scope: scope.0.len(),
            seed,
            #[cfg(feature = "redis")]
            digest: OnceLock::new(),
        }
    }

    /// What is allowed.
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// How it is enforced.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// The name of the counter, without the key: scope, strategy, window, ordinal.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the strategy can enforce the quota at all.
    ///
    /// # Errors
    /// A burst on a strategy other than the token bucket, an amount that a sliding window counter
    /// cannot count, or a bucket that takes longer than the [longest
    /// window](Quota::MAX_WINDOW_MICROS) to refill.
    pub fn check(&self) -> Result<(), Unsupported> {
        self.strategy.check(&self.quota)
    }

    /// The encoded [`Scope`].
    pub fn scope(&self) -> &str {
        &self.id[..self.scope]
    }

    /// The same counter under another quota. The window must be the same: it is in the name.
    #[cfg(feature = "remote")]
    pub(crate) fn with_quota(&self, quota: Quota) -> Self {
        Self { quota, ..self.clone() }
    }

    /// The start of the SHA-256 of the [`id`](Self::id), the same in every process.
    #[cfg(feature = "redis")]
    pub(crate) fn digest(&self) -> &[u8; DIGEST] {
        self.digest.get_or_init(|| {
            let digest: [u8; 32] = Sha256::digest(self.id.as_bytes()).into();
            std::array::from_fn(|place| digest[place])
        })
    }

    /// A number that stands for [`id`](Self::id): 128 bits, with a new seed in every process.
    pub(crate) fn seed(&self) -> u128 {
        self.seed
    }
}
