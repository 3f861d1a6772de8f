//! The hybrid clock: microsecond timestamps near wall time that never repeat, even across restarts.
//!
//! A timestamp is the wall clock, or one more than the last if the wall clock is not beyond it. To hold across a
//! restart whose wall clock went back, the clock issues nothing above a *reservation* that its owner has synced to
//! disk; after a restart it issues nothing at or below it:
//!
//! 1. The owner reads the reservation from disk (zero for a new node) and makes the clock with it.
//! 2. [`Clock::needs_reservation`] names a new ceiling, [`LEAD_MICROS`] ahead, when less than half of that is left.
//!    The owner writes and syncs it, then calls [`Clock::reserve`].
//! 3. [`Clock::next`] issues up to the ceiling. When wall time runs beyond it (a slow disk, a pause of the process, a
//!    jump ahead), the clock counts on from the last timestamp; `None` when the ceiling is reached.
//!
//! What always holds: issued timestamps increase strictly, across threads and lives of the node.
//! What it leaves out: who writes the reservation, and client timestamps, which never move a clock.

use std::sync::atomic::{AtomicI64, Ordering};

/// How far a new reservation reaches beyond now: a sync each second, and two million timestamps at a standstill. A node
/// that was killed is ahead of the wall clock by so much at most, or waits so long.
pub const LEAD_MICROS: i64 = 2_000_000;

/// How far ahead of the wall clock a peer's time may be and still be adopted.
pub const ADOPT_AHEAD_MICROS_MAX: i64 = 10_000_000;

/// A source of timestamps, shared by all threads of a node.
#[derive(Debug)]
pub struct Clock {
    /// The largest timestamp issued, or adopted from a peer.
    last: AtomicI64,
    /// The largest that may be issued.
    reserved: AtomicI64,
}

impl Clock {
    /// A clock that issues nothing at or below `reserved_until`, and nothing at all before the first
    /// [`Clock::reserve`].
    pub fn new(reserved_until: i64) -> Clock {
        Clock {
            last: AtomicI64::new(reserved_until),
            reserved: AtomicI64::new(reserved_until),
        }
    }

    /// A clock without a ceiling, for tests and for owners whose timestamps die with the process.
    pub fn unbounded() -> Clock {
        Clock {
            last: AtomicI64::new(0),
            reserved: AtomicI64::new(i64::MAX),
        }
    }

    /// The next timestamp; `None` if the reservation must be renewed first.
    #[inline]
    pub fn next(&self, wall_micros: i64) -> Option<i64> {
        self.take(wall_micros, 1)
    }

    /// The first of `count` consecutive timestamps, all of them the caller's; `None` if the reservation must be
    /// renewed first.
    pub fn take(&self, wall_micros: i64, count: u32) -> Option<i64> {
        let count = i64::from(count.max(1));
        let reserved = self.reserved.load(Ordering::Acquire);
        // Latest first timestamp with which all of them stay within the reservation.
        let first_max = reserved.checked_sub(count - 1)?;
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let after = last.checked_add(1)?;
            if after > first_max {
                return None;
            }
            // Beyond the reservation, all of what is left of it is there to count on.
            let first = match wall_micros > first_max {
                true => after,
                false => wall_micros.max(after),
            };
            match self.last.compare_exchange_weak(
                last,
                first + count - 1,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(first),
                Err(current) => last = current,
            }
        }
    }

    /// The largest timestamp issued or adopted so far.
    pub fn last(&self) -> i64 {
        self.last.load(Ordering::Acquire)
    }

    /// The largest timestamp that may be issued.
    pub fn reserved_until(&self) -> i64 {
        self.reserved.load(Ordering::Acquire)
    }

    /// The ceiling to sync to disk and then [`Clock::reserve`], if less than half a lead is left.
    pub fn needs_reservation(&self, wall_micros: i64) -> Option<i64> {
        let now = self.last().max(wall_micros);
        let left = self.reserved_until().saturating_sub(now);
        (left < LEAD_MICROS / 2).then(|| now.saturating_add(LEAD_MICROS))
    }

    /// Allows timestamps up to `until`, which is durable by now. A reservation never shrinks.
    pub fn reserve(&self, until: i64) {
        self.reserved.fetch_max(until, Ordering::AcqRel);
    }

    /// Issues nothing any more. Nothing may be reserved afterwards.
    pub fn close(&self) {
        self.reserved.store(i64::MIN, Ordering::Release);
    }

    /// Moves on to a peer's time, so that what is issued next exceeds it. A time too far ahead of the wall clock is
    /// left alone: false.
    pub fn adopt(&self, peer_micros: i64, wall_micros: i64) -> bool {
        if peer_micros > wall_micros.saturating_add(ADOPT_AHEAD_MICROS_MAX) {
            return false;
        }
        self.last.fetch_max(peer_micros, Ordering::AcqRel);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_follows_the_wall_clock_and_never_repeats() {
        let clock = Clock::unbounded();
        assert_eq!(clock.next(1000), Some(1000));
        assert_eq!(clock.next(1000), Some(1001));
        assert_eq!(clock.next(900), Some(1002));
        assert_eq!(clock.take(2000, 5), Some(2000));
        assert_eq!(clock.next(2000), Some(2005));
    }

    #[test]
    fn nothing_is_issued_beyond_the_reservation() {
        let clock = Clock::new(0);
        assert_eq!(clock.next(1000), None);
        let ceiling = clock.needs_reservation(1000).unwrap();
        assert_eq!(ceiling, 1000 + LEAD_MICROS);
        clock.reserve(ceiling);
        assert_eq!(clock.needs_reservation(1000), None);
        assert_eq!(clock.next(1000), Some(1000));
        // The wall jumps far ahead: the clock counts on, one by one, until the ceiling is renewed or reached.
        assert_eq!(clock.take(i64::MAX / 2, 3), Some(1001));
        assert_eq!(clock.next(i64::MAX / 2), Some(1004));
        assert_eq!(clock.take(i64::MAX / 2, LEAD_MICROS as u32), None);
        let rest = (ceiling - 1004) as u32;
        assert_eq!(clock.take(i64::MAX / 2, rest), Some(1005));
        assert_eq!(clock.next(i64::MAX / 2), None);
        assert_eq!(
            clock.needs_reservation(i64::MAX / 2),
            Some(i64::MAX / 2 + LEAD_MICROS)
        );
    }

    #[test]
    fn a_restart_begins_above_the_old_reservation() {
        let clock = Clock::new(5000);
        clock.reserve(clock.needs_reservation(10).unwrap());
        assert_eq!(clock.next(10), Some(5001));
    }

    #[test]
    fn a_peer_moves_it_only_so_far() {
        let clock = Clock::unbounded();
        assert!(clock.adopt(1_000_500, 1_000_000));
        assert_eq!(clock.next(1_000_000), Some(1_000_501));
        assert!(!clock.adopt(1_000_000 + ADOPT_AHEAD_MICROS_MAX + 1, 1_000_000));
        assert_eq!(clock.next(1_000_000), Some(1_000_502));
    }

    proptest! {
        /// Random wall clocks, counts and restarts against the largest timestamp ever issued.
        #[test]
        fn issued_times_increase(steps in proptest::collection::vec((0i64..100_000_000, 1u32..100, 0u8..10), 1..200)) {
            let mut durable = 0;
            let mut issued = 0;
            let mut clock = Clock::new(durable);
            for (wall, count, what) in steps {
                match what {
                    0 => clock = Clock::new(durable),
                    1 => { clock.adopt(wall, wall / 2); }
                    2 | 3 => if let Some(ceiling) = clock.needs_reservation(wall) {
                        durable = durable.max(ceiling);
                        clock.reserve(ceiling);
                    },
                    _ => if let Some(first) = clock.take(wall, count) {
                        prop_assert!(first > issued);
                        issued = first + i64::from(count) - 1;
                        prop_assert!(issued <= durable);
                    },
                }
            }
        }
    }
}
