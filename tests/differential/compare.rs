//! Runs traces on both servers, and finds the shortest one that is answered wrongly.

use std::{
    cell::RefCell,
    env, fmt,
    hash::{BuildHasher, RandomState},
    ops::Range,
    time::{SystemTime, UNIX_EPOCH},
};

use actix_web::rt::System;
use limiter_actix::{FakeClock, Headers, Limiter};
use limiter_tests::{Answer, RunningServer};

use crate::{
    client,
    model::{Difference, Model, Prediction},
    reference::Reference,
    trace::{Ask, Step, Trace},
    world::World,
};

/// The seeds of the traces that are the same in every run. These show every difference of every
/// world.
const FIXED: Range<u64> = 30..42;

/// How many traces are run besides that no run has seen before.
const NEW: u64 = 8;

/// Runs the traces of a world.
///
/// # Panics
/// If an answer of either server is not what the model says; with the shortest trace that shows
/// it. And if the fixed traces do not show what the world is for: denials, and every difference.
pub(crate) fn traces_of(world: &World) {
    let reference = RefCell::new(Reference::start(world));
    if let Some(seed) = number("LIMITER_SEED") {
        check(world, &reference, &Trace::random(world, seed), Some(seed));
        return;
    }
    let mut shown = Shown::new(world);
    for seed in FIXED {
        let trace = Trace::random(world, seed);
        check(world, &reference, &trace, Some(seed));
        shown.note(&trace);
    }
    let new = new_seeds(number("LIMITER_TRACES").unwrap_or(NEW));
    println!("{}: {shown}; new traces of the seeds {new:?}", world.name);
    for seed in new {
        check(world, &reference, &Trace::random(world, seed), Some(seed));
    }
    shown.check();
}

/// Runs one trace of a world that somebody wrote down.
///
/// # Panics
/// As [`traces_of`] does.
pub(crate) fn trace_of(world: &World, trace: &Trace) {
    check(world, &RefCell::new(Reference::start(world)), trace, None);
}

/// Panics if an answer is wrong.
fn check(world: &World, reference: &RefCell<Reference>, trace: &Trace, seed: Option<u64>) {
    if first_mistake(world, reference, trace).is_none() {
        return;
    }
    let shortest = trace.clone().shrunk(|trace| first_mistake(world, reference, trace).is_some());
    let mistake = first_mistake(world, reference, &shortest);
    let mistake = mistake.map_or("not every time\n".to_owned(), |mistake| mistake.to_string());
    let name = world.name;
    let again = seed.map_or(String::new(), |seed| {
        format!(
            "seed {seed}, again: LIMITER_SEED={seed} cargo test -p limiter-tests --test \
             differential {name}"
        )
    });
    panic!("{name}: the shortest trace that is answered wrongly:\n{shortest}{mistake}{again}");
}

/// Seeds that differ from run to run, and are short enough to be typed.
fn new_seeds(count: u64) -> Range<u64> {
    let start = RandomState::new().hash_one("seeds") >> 32;
    start..start + count
}

/// A number in the environment.
fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: expected a number, found {text}")))
}

/// An answer that is not what the model says.
struct Mistake {
    ask: Ask,
    side: &'static str,
    expected: Expected,
    found: Option<Answer>,
}

/// An answer by the model, in the form in which it is sent.
struct Expected {
    status: u16,
    /// A header's name, and the value or values it may have; none where it must not be there.
    headers: Vec<(&'static str, Option<Range<i64>>)>,
}

/// The first answer of a trace, from fresh counters on, that is wrong.
fn first_mistake(world: &World, reference: &RefCell<Reference>, trace: &Trace) -> Option<Mistake> {
    let mut reference = reference.borrow_mut();
    let mut now = trace.starts_at;
    reference.reset(now);
    let clock = FakeClock::new();
    // A new server: it has not yet learnt which handlers are decorated.
    let server = serve(world, &clock);
    let mut theirs = Model::new(world, &[], now);
    let differences = differences(world);
    let mut ours = Model::new(world, &differences, now);
    for step in &trace.steps {
        match step {
            Step::Wait(micros) => {
                now += micros;
                reference.set_clock(now);
                clock.advance_micros(*micros);
                theirs.wait(*micros);
                ours.wait(*micros);
            }
            Step::Ask(ask) => {
                let found = client::send(ask, reference.address());
                let expected = Expected::of_reference(&theirs.ask(ask));
                if !found.as_ref().is_some_and(|found| expected.is(found)) {
                    return Some(Mistake {
                        ask: ask.clone(),
                        side: "Flask-Limiter",
                        expected,
                        found,
                    });
                }
                let before = wall_clock();
                let found = client::send(ask, server.address());
                let wall_clock = before..wall_clock() + 1;
                let expected = Expected::of_library(&ours.ask(ask), now, &wall_clock);
                if !found.as_ref().is_some_and(|found| expected.is(found)) {
                    return Some(Mistake {
                        ask: ask.clone(),
                        side: "this library",
                        expected,
                        found,
                    });
                }
            }
        }
    }
    None
}

fn serve(world: &World, clock: &FakeClock) -> RunningServer {
    let builder = Limiter::builder().clock(clock.clone()).headers(Headers::x_rate_limit());
    let limiter = System::new().block_on((world.limiter)(builder).build());
    (world.serve)(limiter.expect("the worlds declare legal limiters"))
}

fn differences(world: &World) -> Vec<Difference> {
    [&[Difference::OneBreach], world.differences].concat()
}

/// Microseconds since the epoch.
fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_micros()).expect("it is before the year 294,000")
}

/// Microseconds by which this library's wall clock may be behind: it reads that of the last timer
/// tick, which comes late on a busy machine.
const TIMER_TICK: i64 = 50_000;

impl Expected {
    fn of_reference(prediction: &Prediction) -> Self {
        let reset = prediction.headline.as_ref().map(|headline| exactly(headline.reset()));
        Self::new(prediction, reset)
    }

    /// The moment of reset is told by the wall clock, which goes on while the fake clock stands:
    /// the value is that of some moment between the request and the answer.
    fn of_library(prediction: &Prediction, now: u64, wall_clock: &Range<i64>) -> Self {
        let reset = prediction.headline.as_ref().map(|headline| {
            let after = headline.resets_at.cast_signed() - now.cast_signed();
            let at = |moment: i64| (moment + after) / 1_000_000 + 1;
            at(wall_clock.start - TIMER_TICK)..at(wall_clock.end) + 1
        });
        Self::new(prediction, reset)
    }

    fn new(prediction: &Prediction, reset: Option<Range<i64>>) -> Self {
        let headline = prediction.headline.as_ref();
        Self {
            status: prediction.status,
            headers: vec![
                ("x-ratelimit-limit", headline.map(|headline| exactly(headline.limit))),
                ("x-ratelimit-remaining", headline.map(|headline| exactly(headline.remaining))),
                ("x-ratelimit-reset", reset),
                ("retry-after", prediction.retry_after.map(|value| value..value + 1)),
            ],
        }
    }

    fn is(&self, answer: &Answer) -> bool {
        let status = match answer.status {
            // Actix answers 404 where no route has the method.
            405 => 404,
            status => status,
        };
        status == self.status
            && self.headers.iter().all(|(name, values)| match (answer.header(name), values) {
                (Some(found), Some(values)) => {
                    found.parse().is_ok_and(|found| values.contains(&found))
                }
                (found, values) => found.is_none() && values.is_none(),
            })
    }
}

fn exactly(value: u64) -> Range<i64> {
    value.cast_signed()..value.cast_signed() + 1
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ask, side, expected, found } = self;
        writeln!(f, "{side}, asked {}:", Step::Ask(ask.clone()))?;
        let Some(found) = found else { return writeln!(f, "  hangs up") };
        writeln!(f, "  status: expected {}, found {}", expected.status, found.status)?;
        for (name, values) in &expected.headers {
            let expected = match values {
                Some(values) if values.end - values.start == 1 => values.start.to_string(),
                Some(values) => format!("{} to {}", values.start, values.end - 1),
                None => "none".to_owned(),
            };
            let found = found.header(name).unwrap_or("none");
            writeln!(f, "  {name}: expected {expected}, found {found}")?;
        }
        Ok(())
    }
}

/// What the fixed traces of a world have shown.
struct Shown<'a> {
    world: &'a World,
    asked: usize,
    denied: usize,
    /// Answers that differ between the reference and this library, `Retry-After` apart.
    different: usize,
    /// Each difference, and how many answers it alone changes.
    by_difference: Vec<(Difference, usize)>,
}

impl<'a> Shown<'a> {
    fn new(world: &'a World) -> Self {
        let by_difference = differences(world).into_iter().map(|one| (one, 0)).collect();
        Self { world, asked: 0, denied: 0, different: 0, by_difference }
    }

    /// Asks models with all differences, with all but one, and with none.
    fn note(&mut self, trace: &Trace) {
        let differences = differences(self.world);
        let ours = self.predictions(trace, &differences);
        let theirs = self.predictions(trace, &[]);
        let counted = |prediction: &&Prediction| prediction.status == 429;
        self.asked += ours.len();
        self.denied += ours.iter().filter(counted).count();
        self.different += ours
            .iter()
            .zip(&theirs)
            .filter(|(ours, theirs)| {
                (ours.status, &ours.headline) != (theirs.status, &theirs.headline)
            })
            .count();
        for index in 0..differences.len() {
            let mut others = differences.clone();
            others.remove(index);
            let without = self.predictions(trace, &others);
            let changed = ours.iter().zip(&without).filter(|(ours, without)| ours != without);
            self.by_difference[index].1 += changed.count();
        }
    }

    fn predictions(&self, trace: &Trace, differences: &[Difference]) -> Vec<Prediction> {
        let mut model = Model::new(self.world, differences, trace.starts_at);
        let mut predictions = Vec::new();
        for step in &trace.steps {
            match step {
                Step::Wait(micros) => model.wait(*micros),
                Step::Ask(ask) => predictions.push(model.ask(ask)),
            }
        }
        predictions
    }

    fn check(&self) {
        assert!(
            self.denied * 10 > self.asked,
            "{}: expected a tenth of the requests to be denied, found {self}",
            self.world.name
        );
        for (difference, answers) in &self.by_difference {
            assert!(
                *answers > 0,
                "{}: expected `{difference:?}` to change an answer, found {self}",
                self.world.name
            );
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, denied, different, by_difference, .. } = self;
        write!(f, "{asked} requests, {denied} denied, {different} answered differently; ")?;
        write!(f, "changed by {by_difference:?}")
    }
}
