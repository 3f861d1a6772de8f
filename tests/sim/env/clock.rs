//! A node's own clocks, made from the run's virtual time.
//!
//! The monotonic clock runs at its own rate; the wall clock adds a skew that a test may change at any moment, so it
//! can be wrong, drift away, or jump either way. A sleep counts the node's own monotonic time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Wall time at which runs begin: 2026-01-01 00:00:00 UTC, in microseconds.
pub const WALL_START_MICROS: i64 = 1_767_225_600_000_000;

/// One node's clocks. Clones share the settings.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Settings>);

#[derive(Debug, Default)]
struct Settings {
    skew_micros: AtomicI64,
    drift_ppm: AtomicI64,
}

impl Clock {
    /// Clocks that are right.
    pub fn new() -> Clock {
        Clock::default()
    }

    /// Sets how far the wall clock is ahead (or behind, if negative).
    pub fn set_skew_micros(&self, skew_micros: i64) {
        self.0.skew_micros.store(skew_micros, Ordering::Relaxed);
    }

    /// Moves the wall clock by this much from where it is.
    pub fn jump_micros(&self, micros: i64) {
        self.0.skew_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Sets how much too fast the clocks run, in parts per million; at most half a million either way. Set it before
    /// the node starts: the rate counts from the beginning of the run.
    pub fn set_drift_ppm(&self, drift_ppm: i64) {
        self.0
            .drift_ppm
            .store(drift_ppm.clamp(-500_000, 500_000), Ordering::Relaxed);
    }

    /// The monotonic clock at this virtual time.
    pub(crate) fn mono(&self, now: Duration) -> Duration {
        scale(now, 1_000_000 + self.drift_ppm(), 1_000_000)
    }

    /// The wall clock at this virtual time.
    pub(crate) fn wall_micros(&self, now: Duration) -> i64 {
        let elapsed = i64::try_from(self.mono(now).as_micros()).unwrap_or(i64::MAX / 4);
        WALL_START_MICROS
            .saturating_add(elapsed)
            .saturating_add(self.0.skew_micros.load(Ordering::Relaxed))
    }

    /// How much virtual time passes while this node's clock counts `duration`.
    pub(crate) fn virtual_time(&self, duration: Duration) -> Duration {
        scale(duration, 1_000_000, 1_000_000 + self.drift_ppm())
    }

    fn drift_ppm(&self) -> i64 {
        self.0.drift_ppm.load(Ordering::Relaxed)
    }
}

/// `duration * to / from`, rounded down; equal rates leave it exact.
fn scale(duration: Duration, to: i64, from: i64) -> Duration {
    if to == from {
        return duration;
    }
    let nanos = duration.as_nanos().saturating_mul(to.unsigned_abs().into())
        / u128::from(from.unsigned_abs());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_jump_and_drift() {
        let clock = Clock::new();
        let hour = Duration::from_secs(3600);
        assert_eq!(clock.mono(hour), hour);
        assert_eq!(clock.wall_micros(hour), WALL_START_MICROS + 3_600_000_000);
        clock.set_skew_micros(-5);
        clock.jump_micros(-10);
        assert_eq!(
            clock.wall_micros(hour),
            WALL_START_MICROS + 3_600_000_000 - 15
        );
        clock.set_drift_ppm(100);
        assert_eq!(clock.mono(hour), hour + Duration::from_millis(360));
        assert_eq!(clock.virtual_time(clock.mono(hour)), hour);
    }
}
