//! Servers asked directly, and what the tests ask of the storage again and again.

use std::{collections::BTreeMap, net::SocketAddr};

use deadpool_redis::redis::{Client, Connection, FromRedisValue, cmd};
use limiter_core::{
    Charge, Key, Limit, Outcome, Quota, Scope, Storage, Strategy, Verb,
    storage::redis::RedisStorage,
};

/// A connection to a server, for binary keys.
pub(crate) struct Raw(Connection);

impl Raw {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let client = Client::open(format!("redis://{address}")).unwrap();
        Self(client.get_connection().unwrap())
    }

    /// Does something that must work.
    pub(crate) fn ask<T: FromRedisValue>(&mut self, words: &[&[u8]]) -> T {
        let mut command = cmd(std::str::from_utf8(words[0]).unwrap());
        words[1..].iter().for_each(|word| {
            command.arg(word);
        });
        command.query(&mut self.0).unwrap()
    }

    pub(crate) fn keys(&mut self) -> Vec<Vec<u8>> {
        self.ask(&[b"KEYS", b"*"])
    }

    /// The name of the one key there is.
    pub(crate) fn key(&mut self) -> Vec<u8> {
        let mut keys = self.keys();
        assert_eq!(keys.len(), 1, "{keys:?}");
        keys.remove(0)
    }

    /// How often the server ran each command that clients sent since the last time, scripts'
    /// own calls included.
    pub(crate) fn commands(&mut self) -> BTreeMap<String, u64> {
        let text: String = self.ask(&[b"INFO", b"commandstats"]);
        let _: () = self.ask(&[b"CONFIG", b"RESETSTAT"]);
        let call = |line: &str| {
            let (name, numbers) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some((name.to_owned(), numbers.split(',').next()?.parse().unwrap()))
        };
        let mut commands: BTreeMap<_, _> = text.lines().filter_map(call).collect();
        for own in ["info", "config|resetstat", "client|setinfo"] {
            commands.remove(own);
        }
        commands
    }
}

/// A storage at a URI.
pub(crate) fn storage(uri: &str) -> RedisStorage {
    RedisStorage::new(uri).unwrap()
}

/// One of several limits that no test uses up in time.
pub(crate) fn per_day(amount: u64, strategy: Strategy, scope: &str) -> Limit {
    Limit::new(Quota::per_day(amount), strategy, &Scope::new(scope))
}

pub(crate) async fn hit(storage: &RedisStorage, limit: &Limit, key: &Key) -> Outcome {
    storage.apply(Verb::Hit, &mut [Charge::new(limit, key)]).await.unwrap()
}

pub(crate) async fn remaining(storage: &RedisStorage, limit: &Limit, key: &Key) -> u64 {
    let mut charges = [Charge::new(limit, key).cost(0)];
    storage.apply(Verb::Test, &mut charges).await.unwrap();
    charges[0].decision().unwrap().remaining()
}
