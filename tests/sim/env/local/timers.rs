//! Virtual time, and who waits for which moment of it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;

pub(super) struct Timers(Mutex<State>);

struct State {
    now: Duration,
    /// By moment, then in the order of their making.
    waiting: BTreeMap<(Duration, u64), Waker>,
    next: u64,
}

impl Timers {
    pub(super) fn new(now: Duration) -> Arc<Timers> {
        Arc::new(Timers(Mutex::new(State {
            now,
            waiting: BTreeMap::new(),
            next: 0,
        })))
    }

    pub(super) fn now(&self) -> Duration {
        self.0.lock().now
    }

    pub(super) fn sleep(self: &Arc<Timers>, duration: Duration) -> Sleep {
        let deadline = self.now().saturating_add(duration);
        Sleep {
            timers: self.clone(),
            deadline,
            key: None,
        }
    }

    /// Moves time to the next timer and wakes who waits for that moment; false without any.
    pub(super) fn advance(&self) -> bool {
        let mut state = self.0.lock();
        let Some((&(at, _), _)) = state.waiting.first_key_value() else {
            return false;
        };
        state.now = state.now.max(at);
        while let Some(timer) = state.waiting.first_entry() {
            if timer.key().0 > at {
                break;
            }
            timer.remove().wake();
        }
        true
    }

    /// Forgets all timers.
    pub(super) fn clear(&self) {
        let waiting = std::mem::take(&mut self.0.lock().waiting);
        drop(waiting);
    }
}

/// Ready once virtual time has come to the deadline.
pub(super) struct Sleep {
    timers: Arc<Timers>,
    deadline: Duration,
    key: Option<(Duration, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let timers = self.timers.clone();
        let mut state = timers.0.lock();
        if state.now >= self.deadline {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or_else(|| {
            state.next += 1;
            (self.deadline, state.next)
        });
        self.key = Some(key);
        state.waiting.insert(key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.timers.0.lock().waiting.remove(&key);
            drop(waker);
        }
    }
}
