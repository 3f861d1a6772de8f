//! The meter: how much work a turn has done, counted instead of timed.
//!
//! Reading a clock per row would cost as much as the row, and a count is the same in simulation. Each kind of work is
//! charged its estimated cost in nanoseconds of one ordinary core:
//!
//! | Work | Charge | From |
//! |---|---|---|
//! | request | 2,000 ns | decode 0.3 µs, bind and route 0.5, write or read of one partition 0.5, encode 0.3; rounded up |
//! | row returned | 150 ns | a scan of 100 rows should cost 12-25 µs |
//! | dead row | 150 ns | read and merged like a row |
//! | 1 KiB read | 256 ns | 16 KiB cost 1.6 µs from the page cache and up to 5.4 to decompress, but mostly neither |
//! | 1 KiB answered | 128 ns | one copy and its part of a system call |
//!
//! A turn ends when any limit is reached: 64 requests (128 µs of requests alone), 256 KiB of answers, or 200 µs of
//! charges, which is 1,333 rows or 800 KiB read. The check comes after the charge, so a turn overshoots by at most one charge:
//! whoever charges does so per row or block, never per page.

use crate::limits::{TURN_ANSWER_BYTES, TURN_REQUESTS, TURN_WORK_NANOS};

/// Charge of a request, in nanoseconds.
pub const REQUEST_NANOS: u64 = 2_000;
/// Charge of a row returned, in nanoseconds.
pub const ROW_NANOS: u64 = 150;
/// Charge of a dead row, in nanoseconds.
pub const DEAD_ROW_NANOS: u64 = 150;
/// Charge of four bytes read, in nanoseconds: a quarter of a nanosecond each.
const READ_BYTES_PER_NANO: u64 = 4;
/// Charge of eight bytes answered, in nanoseconds.
const ANSWER_BYTES_PER_NANO: u64 = 8;

/// Work done, in the units that are charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Requests begun.
    pub requests: u64,
    /// Rows read and returned.
    pub rows: u64,
    /// Rows, cell groups and tombstones read and not returned.
    pub dead_rows: u64,
    /// Bytes of images and blocks looked at.
    pub read_bytes: u64,
    /// Bytes of answers produced.
    pub answer_bytes: u64,
}

impl Work {
    /// The charge for all of it, in nanoseconds.
    #[inline]
    pub fn nanos(&self) -> u64 {
        self.requests * REQUEST_NANOS
            + self.rows * ROW_NANOS
            + self.dead_rows * DEAD_ROW_NANOS
            + self.read_bytes / READ_BYTES_PER_NANO
            + self.answer_bytes / ANSWER_BYTES_PER_NANO
    }
}

/// Counts the work of one turn against its limits.
#[derive(Clone, Debug)]
pub struct Meter {
    work: Work,
    limit: Limit,
}

/// What a turn may do before it yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Requests.
    pub requests: u64,
    /// Bytes of answers.
    pub answer_bytes: u64,
    /// Charged work, in nanoseconds.
    pub nanos: u64,
}

impl Limit {
    /// The limits of a connection's turn.
    pub const TURN: Limit = Limit {
        requests: TURN_REQUESTS,
        answer_bytes: TURN_ANSWER_BYTES,
        nanos: TURN_WORK_NANOS,
    };
    /// No limit, for work that nobody waits behind.
    pub const NONE: Limit = Limit {
        requests: u64::MAX,
        answer_bytes: u64::MAX,
        nanos: u64::MAX,
    };
}

impl Default for Meter {
    fn default() -> Meter {
        Meter::new(Limit::TURN)
    }
}

impl Meter {
    /// A meter at zero.
    pub fn new(limit: Limit) -> Meter {
        Meter {
            work: Work::default(),
            limit,
        }
    }

    /// A meter that is never exhausted.
    pub fn unlimited() -> Meter {
        Meter::new(Limit::NONE)
    }

    /// Charges one request.
    #[inline]
    pub fn request(&mut self) {
        self.work.requests += 1;
    }

    /// Charges rows returned, dead rows, and the bytes read for both.
    #[inline]
    pub fn charge(&mut self, rows: u64, dead_rows: u64, read_bytes: u64) {
        self.work.rows += rows;
        self.work.dead_rows += dead_rows;
        self.work.read_bytes += read_bytes;
    }

    /// Charges bytes of an answer.
    #[inline]
    pub fn answer(&mut self, bytes: u64) {
        self.work.answer_bytes += bytes;
    }

    /// Whether the turn should end.
    #[inline]
    pub fn exhausted(&self) -> bool {
        self.work.nanos() >= self.limit.nanos
            || self.work.requests >= self.limit.requests
            || self.work.answer_bytes >= self.limit.answer_bytes
    }

    /// What was charged since the last reset.
    #[inline]
    pub fn work(&self) -> Work {
        self.work
    }

    /// Starts the next turn at zero and gives back what this one did.
    #[inline]
    pub fn reset(&mut self) -> Work {
        std::mem::take(&mut self.work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many times `charge` fits into a turn.
    fn count(charge: impl Fn(&mut Meter)) -> u64 {
        let mut meter = Meter::default();
        let mut count = 0;
        while !meter.exhausted() {
            charge(&mut meter);
            count += 1;
        }
        count
    }

    #[test]
    fn each_kind_of_work_ends_a_turn() {
        assert_eq!(count(Meter::request), 64);
        assert_eq!(count(|meter| meter.answer(1024)), 256);
        assert_eq!(count(|meter| meter.charge(1, 0, 0)), 1334);
        assert_eq!(count(|meter| meter.charge(0, 1, 0)), 1334);
        assert_eq!(count(|meter| meter.charge(0, 0, 1024)), 782);
    }

    #[test]
    fn small_bytes_add_up() {
        assert_eq!(count(|meter| meter.charge(0, 0, 1)), 800_000);
    }

    #[test]
    fn reset_returns_the_work() {
        let mut meter = Meter::default();
        meter.request();
        meter.charge(3, 2, 100);
        meter.answer(50);
        let work = Work {
            requests: 1,
            rows: 3,
            dead_rows: 2,
            read_bytes: 100,
            answer_bytes: 50,
        };
        assert_eq!(meter.reset(), work);
        assert_eq!(work.nanos(), 2_000 + 450 + 300 + 25 + 6);
        assert_eq!(meter.work(), Work::default());
    }

    #[test]
    fn an_unlimited_meter_only_counts() {
        let mut meter = Meter::unlimited();
        meter.charge(u64::from(u32::MAX), 0, 1 << 40);
        assert!(!meter.exhausted());
    }
}
