//! The memtables' budget: bytes of all memtables of all tables, those being flushed included.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::Error;
use crate::options::{DELAY_MAX, DELAY_PERCENT, FLUSH_PERCENT};

/// The budget.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicU64,
    bytes_max: u64,
}

impl Budget {
    pub fn new(bytes_max: u64) -> Budget {
        Budget {
            used: AtomicU64::new(0),
            bytes_max,
        }
    }

    /// Adds what a memtable grew by, which may wrap.
    pub fn add(&self, bytes: u64) {
        if bytes != 0 {
            self.used.fetch_add(bytes, Relaxed);
        }
    }

    /// Takes back what a memtable held.
    pub fn release(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
    }

    pub fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    pub fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Whether a memtable should be flushed, given what is in active ones, and what is held by tables that cannot be
    /// flushed now.
    pub fn wants_flush(&self, active_bytes: u64, held_bytes: u64) -> bool {
        active_bytes > self.bytes_max.saturating_sub(held_bytes) / 100 * FLUSH_PERCENT
    }

    /// How long a write should wait before it starts: up to [`DELAY_MAX`], the longer the fuller.
    pub fn delay(&self) -> Option<Duration> {
        let threshold = self.bytes_max / 100 * DELAY_PERCENT;
        let above = self.used().checked_sub(threshold)?;
        let range = (self.bytes_max - threshold).max(1);
        Some(DELAY_MAX.mul_f64((above.min(range)) as f64 / range as f64))
    }

    /// Refuses when nothing is left.
    pub fn check(&self) -> Result<(), Error> {
        if self.used() < self.bytes_max {
            return Ok(());
        }
        Err(Error::Overloaded(format!(
            "memtables hold {} of {} bytes: tables are not flushed as fast as they are written",
            self.used(),
            self.bytes_max
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_rises_with_use() {
        let budget = Budget::new(1000);
        assert_eq!(
            (budget.wants_flush(400, 0), budget.wants_flush(401, 0)),
            (false, true)
        );
        assert_eq!(
            (budget.wants_flush(200, 500), budget.wants_flush(201, 500)),
            (false, true)
        );
        assert_eq!(budget.delay(), None);
        budget.add(850);
        assert_eq!(budget.delay(), Some(DELAY_MAX / 2));
        assert!(budget.check().is_ok());
        budget.add(150);
        assert_eq!(budget.delay(), Some(DELAY_MAX));
        assert!(matches!(budget.check(), Err(Error::Overloaded(_))));
        budget.release(990);
        assert_eq!((budget.used(), budget.delay()), (10, None));
    }
}
