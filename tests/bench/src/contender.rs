//! One of those that are compared.

use std::{
    cell::RefCell,
    future::Future,
    hint::black_box,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// One of those that are compared: something that can be done many times.
pub struct Contender {
    pub name: &'static str,
    /// Gets ready for so many times.
    prepare: Box<dyn FnMut(usize)>,
    /// Does it so many times.
    run: Box<dyn FnMut(usize)>,
    /// The most times in a row for which it gets ready.
    at_once: usize,
    /// How many times less often it is done than the others, because it takes so much longer.
    slower: usize,
}

/// As many requests as Actix keeps in its pools.
const REQUESTS_AT_ONCE: usize = 64;

impl Contender {
    /// Does `once` many times. It is true if the answer was the right one.
    pub fn new(name: &'static str, mut once: impl FnMut() -> bool + 'static) -> Self {
        // The loop is here, around the concrete type, so that no call through a pointer is measured.
        let run = move |times: usize| {
            let right = (0..times).filter(|_| black_box(once())).count();
            assert_eq!(right, times, "{name}: a wrong answer");
        };
        Self { name, prepare: Box::new(|_| ()), run: Box::new(run), at_once: usize::MAX, slower: 1 }
    }

    /// Does `once` with inputs that are made outside of what is measured.
    pub fn with_input<I: 'static>(
        name: &'static str,
        mut input: impl FnMut() -> I + 'static,
        mut once: impl FnMut(I) -> bool + 'static,
    ) -> Self {
        let inputs = Rc::new(RefCell::new(Vec::with_capacity(REQUESTS_AT_ONCE)));
        let prepared = Rc::clone(&inputs);
        let take = move || once(inputs.borrow_mut().pop().expect("as many as prepared"));
        Self {
            prepare: Box::new(move |times| {
                prepared.borrow_mut().extend((0..times).map(|_| input()));
            }),
            at_once: REQUESTS_AT_ONCE,
            ..Self::new(name, take)
        }
    }

    #[must_use]
    pub fn slower(self, slower: usize) -> Self {
        Self { slower, ..self }
    }

    /// Does it about so many times; `measure` is called around nothing but that. Tells how many
    /// times it was.
    pub fn run(&mut self, times: usize, mut measure: impl FnMut(&mut dyn FnMut())) -> usize {
        let times = (times / self.slower).max(1);
        self.run_exactly(times, &mut measure);
        times
    }

    /// Does it so many times without measuring, however long it takes: what is done the first time
    /// is not what is done every time.
    pub fn warm_up(&mut self, times: usize) {
        self.run_exactly(times, &mut |run| run());
    }

    fn run_exactly(&mut self, times: usize, measure: &mut dyn FnMut(&mut dyn FnMut())) {
        let mut left = times;
        while left > 0 {
            let now = left.min(self.at_once);
            (self.prepare)(now);
            measure(&mut || (self.run)(now));
            left -= now;
        }
    }

    /// How long it takes once, in nanoseconds.
    pub fn time(&mut self, times: usize) -> f64 {
        let mut elapsed = Duration::ZERO;
        let times = self.run(times, |run| {
            let start = Instant::now();
            run();
            elapsed += start.elapsed();
        });
        elapsed.as_nanos() as f64 / times as f64
    }
}

/// The output of a future that has nothing to wait for.
#[inline]
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("expected a future that is ready at once"),
    }
}
