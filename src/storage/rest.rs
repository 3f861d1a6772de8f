//! What failed is left alone for a while, each time for longer, so that it stands in nobody's way.

use std::time::Duration;

use parking_lot::Mutex;

/// Doubling more often than this reaches any limit.
const DOUBLINGS_MAX: u32 = 16;

/// When something may be tried again. Times are those of the monotonic clock.
#[derive(Debug)]
pub(crate) struct Rest {
    /// After the first failure.
    first: Duration,
    /// After many.
    longest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    until: Duration,
}

impl Rest {
    /// Nothing has failed yet.
    pub fn new(first: Duration, longest: Duration) -> Rest {
        Rest {
            first,
            longest,
            state: Mutex::default(),
        }
    }

    /// It failed: how long it rests now.
    pub fn fail(&self, now: Duration) -> Duration {
        let mut state = self.state.lock();
        let doublings = state.failures.min(DOUBLINGS_MAX);
        let pause = self.first.saturating_mul(1 << doublings).min(self.longest);
        state.failures = state.failures.saturating_add(1);
        state.until = now + pause;
        pause
    }

    /// It went well.
    pub fn end(&self) {
        *self.state.lock() = State::default();
    }

    /// How long it still rests; none if it does not.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        let left = self.state.lock().until.saturating_sub(now);
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_and_end() {
        let second = Duration::from_secs(1);
        let rest = Rest::new(second, 5 * second);
        assert_eq!(rest.left(second), None);
        let pauses = [1, 2, 4, 5, 5].map(|seconds| seconds * second);
        assert_eq!(pauses.map(|_| rest.fail(10 * second)), pauses);
        assert_eq!(rest.left(12 * second), Some(3 * second));
        assert_eq!(rest.left(15 * second), None);
        rest.end();
        assert_eq!(rest.fail(second), second);
    }
}
