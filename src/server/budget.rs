//! The memory of all connections together: requests that were read and not answered, answers that were not sent.
//!
//! A connection reports what it holds once per turn, as a difference, through its [`Share`]; a share gives everything back
//! at its end. So the sum is exact between turns and costs one addition per turn.

use std::sync::Arc;

use base::counters::Gauge;

/// What a waiting request costs beside its bytes: its plan's state, cursor and place in line.
pub(crate) const WAITING_REQUEST_BYTES: usize = 1_024;

/// Bytes and requests in flight on a node.
#[derive(Debug)]
pub struct Budget {
    bytes: Gauge,
    waiting: Gauge,
    bytes_max: i64,
}

impl Budget {
    /// A budget of this many bytes.
    pub fn new(bytes_max: usize) -> Arc<Budget> {
        Arc::new(Budget {
            bytes: Gauge::new(),
            waiting: Gauge::new(),
            bytes_max: i64::try_from(bytes_max).unwrap_or(i64::MAX),
        })
    }

    /// Bytes that connections hold.
    pub fn bytes(&self) -> u64 {
        self.bytes.get().max(0) as u64
    }

    /// Requests that wait: for a block, for their next turn, for a sync.
    pub fn waiting(&self) -> u64 {
        self.waiting.get().max(0) as u64
    }

    /// Whether requests are to be refused.
    pub fn is_exceeded(&self) -> bool {
        self.bytes.get() > self.bytes_max
    }

    /// How many whole eighths of its bytes are held, at most eight.
    fn eighths(&self) -> u8 {
        let eighths = self.bytes.get().saturating_mul(8) / self.bytes_max.max(1);
        u8::try_from(eighths.clamp(0, 8)).unwrap_or(8)
    }

    /// A connection's part.
    pub(crate) fn share(self: &Arc<Budget>) -> Share {
        Share {
            budget: self.clone(),
            bytes: 0,
            waiting: 0,
        }
    }
}

/// What one connection has reported.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
    waiting: usize,
}

impl Share {
    /// Reports what the connection holds now.
    pub(crate) fn report(&mut self, bytes: usize, waiting: usize) {
        let bytes = bytes.saturating_add(waiting.saturating_mul(WAITING_REQUEST_BYTES));
        if bytes != self.bytes {
            self.budget.bytes.add(difference(self.bytes, bytes));
            self.bytes = bytes;
        }
        if waiting != self.waiting {
            self.budget.waiting.add(difference(self.waiting, waiting));
            self.waiting = waiting;
        }
    }

    /// How many whole eighths of its bytes the node holds, at most eight. Who holds much is refused before all are, so that
    /// few clients cannot shut out the others.
    pub(crate) fn eighths(&self) -> u8 {
        self.budget.eighths()
    }

    /// Whether the node holds too much.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.budget.is_exceeded()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.report(0, 0);
    }
}

fn difference(before: usize, after: usize) -> i64 {
    (after as i64).wrapping_sub(before as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_are_given_back() {
        let budget = Budget::new(10_000);
        let (mut one, mut two) = (budget.share(), budget.share());
        one.report(6_000, 0);
        two.report(1_000, 2);
        assert_eq!((budget.bytes(), budget.waiting()), (9_048, 2));
        assert!(!budget.is_exceeded());
        assert_eq!(one.eighths(), 7);
        two.report(2_000, 2);
        assert!(budget.is_exceeded() && one.is_exceeded());
        assert_eq!(one.eighths(), 8);
        one.report(10, 1);
        assert_eq!((budget.bytes(), budget.waiting()), (5_082, 3));
        assert!(!budget.is_exceeded());
        drop(one);
        drop(two);
        assert_eq!((budget.bytes(), budget.waiting()), (0, 0));
        assert_eq!(budget.eighths(), 0);
    }
}
