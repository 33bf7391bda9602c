//! The script's arguments and its reply.

use std::{collections::HashMap, sync::LazyLock};

use ahash::RandomState;
use deadpool_redis::redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, Value, cmd};
use sha1_smol::Sha1;

use super::{connection::Connection, key_name};
use crate::{
    charge::{Charge, Mode},
    clock::Timestamp,
    decision::{Decision, Outcome},
    error::StorageError,
    storage::Verb,
    strategy::{FixedWindow, SlidingWindowCounter, State, Strategy, TokenBucket},
};

/// A batch in the words of the script. The charges themselves stay with the request.
pub(super) struct Batch {
    verb: Verb,
    questions: Vec<Question>,
}

/// What the script is to know of a charge.
struct Question {
    name: Vec<u8>,
    strategy: Strategy,
    mode: Mode,
    /// Amount, capacity, window, cost, and the moment of the charge.
    numbers: [f64; 5],
}

/// A call of the script for several batches, decided one after the other.
pub(super) struct Call<'a> {
    script: &'static Script,
    names: Vec<&'a [u8]>,
    packed: Vec<u8>,
    now: Option<Timestamp>,
}

/// What the script said of a batch.
pub(super) struct Answer {
    now: Timestamp,
    verdict: Verdict,
}

enum Verdict {
    Admit(Vec<Value>),
    Deny(Vec<Value>),
    /// A counter was something else, and is gone.
    Foreign,
}

impl Batch {
    /// A batch of these charges. To be refunded are only those that were taken.
    pub(super) fn new<'c, 'l: 'c>(
        verb: Verb,
        prefix: &str,
        charges: impl IntoIterator<Item = &'c Charge<'l>>,
    ) -> Self {
        let wanted = |charge: &&Charge<'_>| verb != Verb::Refund || charge.charged_at.is_some();
        let charges = charges.into_iter().filter(wanted);
        Self { verb, questions: charges.map(|charge| Question::new(prefix, charge)).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.questions.is_empty()
    }

    /// How many charges it has.
    pub(super) fn len(&self) -> usize {
        self.questions.len()
    }
}

impl Question {
    fn new(prefix: &str, charge: &Charge<'_>) -> Self {
        let quota = charge.limit.quota();
        let numbers = [
            quota.amount(),
            quota.capacity(),
            quota.window_micros(),
            charge.cost.min(MAX_EXACT),
            charge.charged_at.map_or(0, Timestamp::micros),
        ];
        Self {
            name: key_name::of(prefix, charge),
            strategy: charge.limit.strategy(),
            mode: charge.mode,
            numbers: numbers.map(|number| number as f64),
        }
    }

    /// Whether the counter is a list, and not a string.
    fn is_log(&self) -> bool {
        self.strategy == Strategy::MovingWindow
    }
}

/// Numbers of the script are exact up to here.
const MAX_EXACT: u64 = 1 << 53;

impl<'a> Call<'a> {
    /// A call for these batches, at this moment; `None` is the server's.
    pub(super) fn new(batches: &'a [Batch], now: Option<Timestamp>) -> Self {
        let questions = || batches.iter().flat_map(|batch| &batch.questions);
        let strategies = questions().fold(0, |set, question| set | 1 << place(question.strategy));
        let (mut names, mut places) = (Vec::new(), HashMap::with_hasher(RandomState::new()));
        let mut strings = 0;
        for logs in [false, true] {
            for question in questions().filter(|question| question.is_log() == logs) {
                places.entry(&*question.name).or_insert_with(|| {
                    names.push(&*question.name);
                    // Lua counts from 1.
                    names.len() as u32
                });
            }
            strings = if logs { strings } else { names.len() as u32 };
        }
        let mut packed = strings.to_le_bytes().to_vec();
        for batch in batches {
            packed.push(match batch.verb {
                Verb::Test | Verb::Reset => 0,
                Verb::Hit => 1,
                Verb::Refund => 2,
            });
            packed.extend_from_slice(&(batch.questions.len() as u32).to_le_bytes());
            for question in &batch.questions {
                packed.extend_from_slice(&places[&*question.name].to_le_bytes());
                // Here, too, Lua counts from 1.
                packed.push(place(question.strategy) as u8 + 1);
                packed.push(match question.mode {
                    Mode::Enforce => 0,
                    Mode::Shadow => 1,
                    Mode::Test => 2,
                });
                for number in question.numbers {
                    packed.extend_from_slice(&number.to_le_bytes());
                }
            }
        }
        Self { script: &SCRIPTS[strategies], names, packed, now }
    }

    /// Runs the script, and sends its text where the server does not know it. An answer for each
    /// batch.
    pub(super) async fn run(
        &self,
        connection: &mut Connection,
    ) -> RedisResult<Option<Vec<Answer>>> {
        let reply = connection.query(&self.command("EVALSHA", &self.script.digest)).await;
        let reply: RedisResult<Value> = match reply {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.query(&self.command("EVAL", &self.script.code)).await
            }
            reply => reply,
        };
        reply.map(Answer::read)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(self.names.len()).arg(&self.names).arg(&self.packed);
        if let Some(now) = self.now {
            command.arg(now.micros());
        }
        command
    }
}

impl Answer {
    /// The answers in a reply; `None` if it is not one of the script.
    fn read(reply: Value) -> Option<Vec<Self>> {
        let Value::Array(parts) = reply else { return None };
        let mut parts = parts.into_iter();
        let Some(Value::Int(now)) = parts.next() else { return None };
        let now = Timestamp::from_micros(u64::try_from(now).ok()?);
        let verdict = |part| match part {
            Value::Array(mut found) if !found.is_empty() => match found.remove(0) {
                Value::Int(1) => Some(Verdict::Admit(found)),
                Value::Int(0) => Some(Verdict::Deny(found)),
                _ => None,
            },
            Value::Int(-1) => Some(Verdict::Foreign),
            _ => None,
        };
        parts.map(|part| Some(Self { now, verdict: verdict(part)? })).collect()
    }

    /// Writes the decisions on the charges that were asked about.
    pub(super) fn write<'c, 'l: 'c>(
        self,
        verb: Verb,
        charges: impl IntoIterator<Item = &'c mut Charge<'l>>,
    ) -> Result<Outcome, StorageError> {
        let (outcome, found) = match self.verdict {
            Verdict::Admit(found) => (Outcome::Admit, found),
            Verdict::Deny(found) => (Outcome::Deny, found),
            Verdict::Foreign => return Err(StorageError::new(FOREIGN)),
        };
        if verb == Verb::Refund {
            charges.into_iter().for_each(|charge| charge.charged_at = None);
            return Ok(outcome);
        }
        let (mut found, mut denies) = (found.iter(), false);
        for charge in charges {
            let decision = found.next().and_then(|found| decision(charge, found, self.now));
            charge.decision = Some(decision.ok_or_else(strange)?);
            denies |= charge.denies();
            let is_taken = verb == Verb::Hit && outcome == Outcome::Admit && charge.takes();
            charge.charged_at = is_taken.then_some(self.now);
        }
        // The script and the strategies must never be of two minds.
        if found.next().is_some() || denies != (outcome == Outcome::Deny) {
            return Err(strange());
        }
        Ok(outcome)
    }
}

const FOREIGN: &str = "expected a counter, found something else under its name: another program \
                       uses the same `key_prefix`; what was there is deleted";

/// Why a reply is of no use.
pub(super) fn strange() -> StorageError {
    StorageError::new("expected the reply of the script, found another one")
}

/// What the strategy says, from the counter that the script found.
fn decision(charge: &Charge<'_>, found: &Value, now: Timestamp) -> Option<Decision> {
    let moment = Timestamp::from_micros;
    Some(match charge.limit.strategy() {
        Strategy::FixedWindow => {
            let [ends_at, used] = numbers(found)?;
            decide(FixedWindow { ends_at: moment(ends_at), used }, charge, now)
        }
        Strategy::SlidingWindowCounter => {
            let [started_at, previous, current] = numbers(found)?;
            let [previous, current] =
                [previous, current].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
            let started_at = moment(started_at);
            decide(SlidingWindowCounter { started_at, previous, current }, charge, now)
        }
        Strategy::TokenBucket => {
            let [full_at, fraction] = numbers(found)?;
            decide(TokenBucket { full_at: moment(full_at), fraction }, charge, now)
        }
        // Its log stayed where it is.
        Strategy::MovingWindow => {
            let Value::Array(told) = found else { return None };
            let &[
                Value::Int(admitted),
                Value::Int(remaining),
                Value::Int(reset_after),
                Value::Int(retry_after),
            ] = &told[..]
            else {
                return None;
            };
            // Nothing of it is ever negative, but for "never".
            let (remaining, reset_after) = (remaining.max(0) as u64, reset_after.max(0) as u64);
            match (admitted, u64::try_from(retry_after)) {
                (1, _) => Decision::admit(remaining, reset_after),
                (_, Ok(retry_after)) => Decision::deny(remaining, reset_after, retry_after),
                (_, Err(_)) => Decision::never(remaining, reset_after),
            }
        }
    })
}

fn decide(mut state: impl State, charge: &Charge<'_>, now: Timestamp) -> Decision {
    state.settle(charge.limit.quota(), now);
    state.decide(charge.limit.quota(), charge.cost, now)
}

/// The numbers of a counter, whole ones stored as doubles; all zero where there is none.
fn numbers<const COUNT: usize>(value: &Value) -> Option<[u64; COUNT]> {
    let Value::BulkString(bytes) = value else {
        return (*value == Value::Nil).then_some([0; COUNT]);
    };
    let (doubles, []) = bytes.as_chunks() else { return None };
    let doubles: &[_; COUNT] = doubles.try_into().ok()?;
    Some(doubles.map(|double| f64::from_le_bytes(double) as u64))
}

const PRELUDE: &str = include_str!("lua/prelude.lua");
const ARITHMETIC: &str = include_str!("lua/arithmetic.lua");
const DECIDE: &str = include_str!("lua/decide.lua");

/// The script for batches of some strategies: the server runs all of it every time, so it holds no
/// more than they need.
struct Script {
    code: String,
    digest: String,
}

/// A script for every set of strategies: the one of place `n` has that of place `i` if it has bit
/// `i`.
static SCRIPTS: LazyLock<[Script; 16]> = LazyLock::new(|| std::array::from_fn(Script::of));

impl Script {
    fn of(strategies: usize) -> Self {
        let mut code = PRELUDE.to_owned();
        let wanted = |strategy: &Strategy| strategies & 1 << place(*strategy) != 0;
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

/// The place of a strategy among them, as in the script.
fn place(strategy: Strategy) -> usize {
    match strategy {
        Strategy::FixedWindow => 0,
        Strategy::MovingWindow => 1,
        Strategy::SlidingWindowCounter => 2,
        Strategy::TokenBucket => 3,
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

/// The script that has a digest: errors of the server name it so.
pub(super) fn code(digest: &str) -> Option<&'static str> {
    SCRIPTS.iter().find(|script| script.digest == digest).map(|script| &*script.code)
}
