//! One call of the script: its arguments.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
};

use ahash::RandomState;
use deadpool_redis::redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, Value, cmd};

use super::{
    answer::{self, Answer},
    batch::{Batch, Terms},
    connection::Connection,
    script::{self, Script},
};
use crate::{charge::Mode, clock::Timestamp, storage::interface::Verb};

/// A call for several batches, decided one after the other.
pub(super) struct Call<'a> {
    script: &'static Script,
    batches: &'a [Batch],
    /// For every question, the place of its counter among the strings or the logs.
    counters: Vec<usize>,
    names: Vec<&'a [u8]>,
    packed: Vec<u8>,
    now: Option<Timestamp>,
}

impl<'a> Call<'a> {
    /// A call for these batches, at this moment; `None` is the server's.
    pub(super) fn new(batches: &'a [Batch], now: Option<Timestamp>) -> Self {
        let count = batches.iter().map(|batch| batch.questions.len()).sum();
        let (mut strings, mut logs) = (Numbered::with_capacity(count), Numbered::with_capacity(0));
        let mut counters = Vec::with_capacity(count);
        for (name, question) in batches.iter().flat_map(Batch::named) {
            let numbered = if question.is_log() { &mut logs } else { &mut strings };
            counters.push(numbered.number(Counter { number: question.counter, name }));
        }
        let mut terms = Numbered::with_capacity(1);
        let questions = batches.iter().flat_map(|batch| &batch.questions);
        let charges: Vec<_> = questions
            .zip(&counters)
            .map(|(question, counter)| {
                let place = if question.is_log() { strings.all.len() + counter } else { *counter };
                (place, terms.number(question.terms))
            })
            .collect();

        let mut packed = Vec::with_capacity(8 + terms.all.len() * 42 + charges.len() * 8);
        pack_count(&mut packed, strings.all.len());
        pack_count(&mut packed, terms.all.len());
        terms.all.iter().for_each(|terms| pack_terms(&mut packed, terms));
        let mut rest = &*charges;
        let rows = batches.iter().map(|batch| {
            let (row, others) = rest.split_at(batch.questions.len());
            rest = others;
            (batch.verb, row)
        });
        for same in rows.collect::<Vec<_>>().chunk_by(|row, next| row == next) {
            pack_row(&mut packed, same[0], same.len());
        }

        let script = Script::of(terms.all.iter().map(|terms| terms.strategy));
        let names = strings.all.iter().chain(&logs.all).map(|counter| counter.name).collect();
        Self { script, batches, counters, names, packed, now }
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
        reply.map(|reply| answer::read(reply, self.batches, &self.counters))
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

/// A counter, compared by its number alone.
#[derive(Clone, Copy)]
struct Counter<'a> {
    number: u128,
    name: &'a [u8],
}

impl PartialEq for Counter<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Counter<'_> {}

impl Hash for Counter<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

/// Different things, in the order in which they came.
struct Numbered<T> {
    all: Vec<T>,
    numbers: HashMap<T, usize, RandomState>,
}

impl<T: Copy + Eq + Hash> Numbered<T> {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            all: Vec::with_capacity(capacity),
            numbers: HashMap::with_capacity_and_hasher(capacity, RandomState::default()),
        }
    }

    fn number(&mut self, thing: T) -> usize {
        *self.numbers.entry(thing).or_insert_with(|| {
            self.all.push(thing);
            self.all.len() - 1
        })
    }
}

/// A row of questions, each the place of a counter and of its terms, so many times.
fn pack_row(packed: &mut Vec<u8>, (verb, row): (Verb, &[(usize, usize)]), times: usize) {
    packed.push(match verb {
        Verb::Test | Verb::Reset => 0,
        Verb::Hit => 1,
        Verb::Refund => 2,
    });
    pack_count(packed, times);
    pack_count(packed, row.len());
    for (counter, terms) in row {
        // Lua counts from 1.
        pack_count(packed, counter + 1);
        pack_count(packed, terms + 1);
    }
}

fn pack_terms(packed: &mut Vec<u8>, terms: &Terms) {
    packed.push(script::number(terms.strategy));
    packed.push(match terms.mode {
        Mode::Enforce => 0,
        Mode::Shadow => 1,
        Mode::Test => 2,
    });
    let quota = &terms.quota;
    let numbers = [
        quota.amount(),
        quota.capacity(),
        quota.window_micros(),
        terms.cost,
        terms.charged_at.micros(),
    ];
    for number in numbers {
        packed.extend_from_slice(&(number as f64).to_le_bytes());
    }
}

/// A count never reaches 2^32: such a command would be too long.
fn pack_count(packed: &mut Vec<u8>, count: usize) {
    packed.extend_from_slice(&(count as u32).to_le_bytes());
}
