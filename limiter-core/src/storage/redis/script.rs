//! The script's arguments and its reply.

use std::sync::LazyLock;

use deadpool_redis::redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, cmd};
use sha1_smol::Sha1;

use super::connection::Connection;
use crate::{
    charge::{Charge, Mode},
    clock::Timestamp,
    decision::Decision,
    storage::Verb,
    strategy::Strategy,
};

const PRELUDE: &str = include_str!("lua/prelude.lua");
const ARITHMETIC: &str = include_str!("lua/arithmetic.lua");
const DECIDE: &str = include_str!("lua/decide.lua");

/// The script for batches of some strategies: the server runs all of it every time, so it holds no
/// more than they need.
struct Script {
    code: String,
    digest: String,
}

/// A script for every set of strategies; see [`bit`].
static SCRIPTS: LazyLock<[Script; 16]> = LazyLock::new(|| std::array::from_fn(Script::of));

impl Script {
    fn of(strategies: usize) -> Self {
        let mut code = PRELUDE.to_owned();
        let wanted = |strategy: &Strategy| strategies & bit(*strategy) != 0;
        if [Strategy::SlidingWindowCounter, Strategy::TokenBucket].iter().any(wanted) {
            code.push_str(ARITHMETIC);
        }
        for strategy in Strategy::ALL.into_iter().filter(wanted) {
            code.push_str(source(strategy));
        }
        code.push_str(DECIDE);
        let digest = Sha1::from(&code).hexdigest();
        Self { code, digest }
    }
}

/// The place of a strategy in a set of them.
fn bit(strategy: Strategy) -> usize {
    match strategy {
        Strategy::FixedWindow => 1,
        Strategy::MovingWindow => 2,
        Strategy::SlidingWindowCounter => 4,
        Strategy::TokenBucket => 8,
    }
}

fn source(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::FixedWindow => include_str!("lua/fixed_window.lua"),
        Strategy::MovingWindow => include_str!("lua/moving_window.lua"),
        Strategy::SlidingWindowCounter => include_str!("lua/sliding_window_counter.lua"),
        Strategy::TokenBucket => include_str!("lua/token_bucket.lua"),
    }
}

/// Numbers of the script are exact up to here.
const MAX_EXACT: u64 = 1 << 53;

/// The first moment and the charges of a call.
pub(super) struct Call<'a, 'b> {
    pub(super) verb: Verb,
    pub(super) now: Option<Timestamp>,
    pub(super) names: &'a [Vec<u8>],
    /// The place of each charge's name.
    pub(super) places: &'a [usize],
    pub(super) charges: &'a [&'a mut Charge<'b>],
}

/// What the script said.
pub(super) struct Reply(Vec<i64>);

/// How many numbers the reply has for each charge.
const PER_CHARGE: usize = 5;

impl Call<'_, '_> {
    /// Runs the script, and sends its text where the server does not know it.
    pub(super) async fn run(&self, connection: &mut Connection) -> RedisResult<Reply> {
        let strategies =
            self.charges.iter().fold(0, |set, charge| set | bit(charge.limit.strategy()));
        let script = &SCRIPTS[strategies];
        let reply = connection.query(&self.command("EVALSHA", &script.digest)).await;
        let reply: RedisResult<Vec<i64>> = match reply {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.query(&self.command("EVAL", &script.code)).await
            }
            reply => reply,
        };
        reply.map(Reply)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(self.names.len());
        for name in self.names {
            command.arg(name);
        }
        command.arg(match self.verb {
            Verb::Hit => "hit",
            Verb::Refund => "refund",
            Verb::Test | Verb::Reset => "test",
        });
        match self.now {
            Some(now) => command.arg(now.micros()),
            None => command.arg(""),
        };
        for (charge, place) in self.charges.iter().zip(self.places) {
            let (limit, quota) = (charge.limit, charge.limit.quota());
            command
                // Lua counts from 1.
                .arg(place + 1)
                .arg(limit.strategy().name())
                .arg(quota.amount())
                .arg(quota.capacity())
                .arg(quota.window_micros())
                .arg(charge.cost.min(MAX_EXACT))
                .arg(match charge.mode {
                    Mode::Enforce => "enforce",
                    Mode::Shadow => "shadow",
                    Mode::Test => "test",
                })
                .arg(charge.charged_at.map_or(0, Timestamp::micros));
        }
        command
    }
}

impl Reply {
    /// Whether the batch was admitted; `None` if the reply is not that of the script.
    pub(super) fn admitted(&self) -> Option<bool> {
        self.0.first().map(|outcome| *outcome == 1)
    }

    /// Writes the decisions on the charges. Whether the reply had one for each.
    pub(super) fn write(&self, charges: &mut [&mut Charge<'_>]) -> bool {
        let Some((&[_, now], decisions)) = self.0.split_first_chunk() else { return false };
        let Ok(now) = u64::try_from(now) else { return false };
        if decisions.len() != charges.len() * PER_CHARGE {
            return false;
        }
        for (charge, numbers) in charges.iter_mut().zip(decisions.chunks_exact(PER_CHARGE)) {
            let &[admitted, remaining, reset_after, retry_after, taken] = numbers else {
                return false;
            };
            // Nothing of it is ever negative, but for "never".
            let (remaining, reset_after) = (remaining.max(0) as u64, reset_after.max(0) as u64);
            charge.decision = Some(match (admitted, u64::try_from(retry_after)) {
                (1, _) => Decision::admit(remaining, reset_after),
                (_, Ok(retry_after)) => Decision::deny(remaining, reset_after, retry_after),
                (_, Err(_)) => Decision::never(remaining, reset_after),
            });
            charge.charged_at = (taken == 1).then_some(Timestamp::from_micros(now));
        }
        true
    }
}

/// A line of the script that has a digest: errors of the server name both.
pub(super) fn line(digest: &str, number: usize) -> Option<&'static str> {
    let script = SCRIPTS.iter().find(|script| script.digest == digest)?;
    script.code.lines().nth(number.checked_sub(1)?)
}
