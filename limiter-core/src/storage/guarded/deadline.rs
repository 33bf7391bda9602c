//! The deadline of a call.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    mem,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    runtime::{self, Handle},
    time::{self, Instant, Sleep},
};

use crate::error::StorageError;

/// The answer, if it comes in time.
pub(super) async fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    let Ok(runtime) = Handle::try_current() else {
        return Err(StorageError::new("expected a tokio runtime to wait on, found none"));
    };
    let (mut answer, mut alarm) = (pin!(answer), None);
    poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        let alarm = alarm.get_or_insert_with(|| Alarm::after(deadline, runtime.id()));
        alarm.poll(context).map(|()| {
            Err(StorageError::new(format!("expected an answer within {deadline:?}, found none")))
        })
    })
    .await
}

/// A timer that is kept for the next call when this one has ended.
///
/// Nearly every answer comes in time. To set a timer and to take it off again for each takes the
/// lock of the runtime's timers twice, and often wakes the runtime with a system call, for the
/// timer may be the next to go off. A timer that is still set only has to be set to a later moment.
struct Alarm {
    runtime: runtime::Id,
    /// `None` once it is given back.
    timer: Option<Pin<Box<Sleep>>>,
}

thread_local! {
    /// Idle timers, and the runtime that each belongs to.
    static IDLE: RefCell<Vec<(runtime::Id, Pin<Box<Sleep>>)>> = const { RefCell::new(Vec::new()) };
}

/// How many timers a thread keeps.
const MOST_IDLE: usize = 256;

impl Alarm {
    fn after(delay: Duration, runtime: runtime::Id) -> Self {
        let mut timer = match idle(runtime) {
            Some(timer) => timer,
            None => return Self { runtime, timer: Some(Box::pin(time::sleep(delay))) },
        };
        timer.as_mut().reset(Instant::now() + delay);
        Self { runtime, timer: Some(timer) }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(context),
            None => Poll::Ready(()),
        }
    }
}

/// An idle timer of this runtime.
fn idle(runtime: runtime::Id) -> Option<Pin<Box<Sleep>>> {
    // Dropped after the borrow: dropping a timer drops its waker, which may run other code.
    let (timer, _others) = IDLE.with_borrow_mut(|idle| match idle.pop() {
        Some((of, timer)) if of == runtime => (Some(timer), Vec::new()),
        // Of a runtime that this thread worked for before.
        other => (None, mem::take(idle).into_iter().chain(other).collect()),
    });
    timer
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let Some(timer) = self.timer.take() else { return };
        let mut timer = Some((self.runtime, timer));
        // Where the thread is ending, the timer is dropped.
        let _ = IDLE.try_with(|idle| {
            let mut idle = idle.borrow_mut();
            if idle.len() < MOST_IDLE {
                idle.extend(timer.take());
            }
        });
    }
}
