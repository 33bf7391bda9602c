//! Requests that are under way without being charged, and requests that were never paid.

use std::{
    collections::hash_map::Entry,
    hash::{BuildHasherDefault, Hasher},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use ahash::RandomState;
use limiter_core::{Key, Timestamp};
use parking_lot::Mutex;

use super::{
    account::{Account, NoCredit},
    waiting::Waiting,
};

/// The most requests of one client that may be under way at one endpoint without being charged.
/// Browsers open six connections, and a page may load a dozen resources at once.
pub(crate) const MOST_UNDER_WAY: u8 = 16;

/// The most requests of one client at one endpoint that may be unpaid until the limits that refused
/// them reset.
pub(crate) const MOST_UNPAID: u8 = 4;

/// The most tabs with unpaid requests. Beyond that, the one that expires first is dropped: a client
/// that can fill so many has as many identities, each with its own limits.
const MOST_DEBTORS: usize = 1 << 16;

/// The tabs of all clients, shared by all workers. A tab exists only while it is not empty.
#[derive(Debug)]
pub(crate) struct Credits {
    shards: Box<[Mutex<Tabs>]>,
    hasher: RandomState,
    debtors: AtomicUsize,
    waiting: Waiting,
}

type Tabs = std::collections::HashMap<u64, Tab, BuildHasherDefault<Hashed>>;

/// The requests of one client at one endpoint.
#[derive(Clone, Copy, Debug, Default)]
struct Tab {
    under_way: u8,
    unpaid: u8,
    /// Until when the unpaid ones count.
    until: Timestamp,
}

/// One per core of a large machine.
const SHARDS: usize = 64;

impl Credits {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            debtors: AtomicUsize::new(0),
            waiting: Waiting::default(),
        }
    }

    /// The account of a client (its limiter key before routing, and its address) at an endpoint
    /// (its address in memory).
    #[inline]
    pub(crate) fn account(
        &self,
        key: Option<&Key>,
        address: Option<&Key>,
        endpoint: usize,
    ) -> Account {
        Account::new(&self.hasher, key, address, endpoint)
    }

    /// Lets one more request continue uncharged, unless the maximum number is under way, or
    /// `most_unpaid` are unpaid.
    #[inline]
    pub(crate) fn borrow(
        &self,
        account: Account,
        most_unpaid: u8,
        now: impl FnOnce() -> Timestamp,
    ) -> Result<(), NoCredit> {
        let mut tabs = self.tabs(account);
        let tab = tabs.entry(account.number()).or_default();
        if tab.unpaid > 0 && now() >= tab.until {
            tab.unpaid = 0;
            self.debtors.fetch_sub(1, Ordering::Relaxed);
        }
        if tab.unpaid >= most_unpaid {
            return Err(NoCredit::InDebt);
        }
        if tab.under_way >= MOST_UNDER_WAY {
            return Err(NoCredit::Busy);
        }
        tab.under_way += 1;
        Ok(())
    }

    /// Whether anything is unpaid.
    pub(crate) fn is_in_debt(&self, account: Account) -> bool {
        self.tabs(account).get(&account.number()).is_some_and(|tab| tab.unpaid > 0)
    }

    /// A request that was under way was charged, or nothing was due for it.
    #[inline]
    pub(crate) fn give_back(&self, account: Account) {
        self.came_back(account);
        if self.waiting.is_needed() {
            self.hand_over(account);
        }
    }

    /// A request that was under way could not be charged, or one of this client that was charged
    /// for another endpoint: it counts as unpaid until then.
    pub(crate) fn owe(&self, account: Account, was_under_way: bool, until: Timestamp) {
        if was_under_way {
            self.came_back(account);
        }
        {
            let mut tabs = self.tabs(account);
            let tab = tabs.entry(account.number()).or_default();
            if tab.unpaid == 0 {
                self.debtors.fetch_add(1, Ordering::Relaxed);
            }
            tab.unpaid = tab.unpaid.saturating_add(1);
            tab.until = tab.until.max(until);
            if self.debtors.load(Ordering::Relaxed) > MOST_DEBTORS {
                self.close_one(&mut tabs);
            }
        }
        // Requests that wait for this one's credit wait in vain.
        self.waiting.turn_away(account);
    }

    /// Waits until a credit is handed over; returns at once if too many requests wait already.
    pub(crate) async fn wait(&self, account: Account, most: Duration) -> bool {
        match self.waiting.join(account, || self.borrow_free(account)) {
            Some(turn) => turn.within(most, || self.give_back(account)).await,
            None => false,
        }
    }

    /// Borrows for a request that waits, and whose client had nothing unpaid when that began.
    fn borrow_free(&self, account: Account) -> Result<(), NoCredit> {
        self.borrow(account, 1, Timestamp::default)
    }

    #[inline]
    fn came_back(&self, account: Account) {
        let mut tabs = self.tabs(account);
        if let Entry::Occupied(mut entry) = tabs.entry(account.number()) {
            let tab = entry.get_mut();
            tab.under_way = tab.under_way.saturating_sub(1);
            if tab.under_way == 0 && tab.unpaid == 0 {
                entry.remove();
            }
        }
    }

    #[cold]
    fn hand_over(&self, account: Account) {
        let borrow = || self.borrow_free(account).is_ok();
        self.waiting.hand_over(account, borrow, || self.came_back(account));
    }

    /// Drops the tab that expires first, of those without a request under way.
    #[cold]
    fn close_one(&self, tabs: &mut Tabs) {
        let idle = tabs.iter().filter(|(_, tab)| tab.under_way == 0 && tab.unpaid > 0);
        if let Some(first) = idle.min_by_key(|(_, tab)| tab.until).map(|(account, _)| *account) {
            tabs.remove(&first);
            self.debtors.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[inline]
    fn tabs(&self, account: Account) -> parking_lot::MutexGuard<'_, Tabs> {
        // The modulo is less than SHARDS.
        self.shards[(account.number() % SHARDS as u64) as usize].lock()
    }
}

/// Accounts are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        // An account is a single number.
        debug_assert!(false, "expected a number");
    }

    fn write_u64(&mut self, account: u64) {
        // The lowest bits choose the shard.
        self.0 = account.rotate_right(6);
    }
}
