//! Counters and histograms that many threads feed and few read.
//!
//! A [`Counter`] has several cells on cache lines of their own; each connection adds to the cell of its number, so
//! two cores seldom write one line. Reading sums the cells and is never exact while others write. All accesses are
//! relaxed: a counter orders nothing.
//!
//! A [`Histogram`] has four buckets per power of two, so a quantile is at most a quarter too high.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Cells of a counter: enough for the cores that answer requests, one KiB in all.
const STRIPES: usize = 8;

/// One cell, alone on the two lines that processors fetch together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Cell(AtomicU64);

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter {
    cells: [Cell; STRIPES],
}

impl Counter {
    /// A counter at zero.
    pub fn new() -> Counter {
        Counter::default()
    }

    /// Adds `count`, in the cell of `stripe` (any number: a connection's, a shard's).
    #[inline]
    pub fn add(&self, stripe: usize, count: u64) {
        self.cells[stripe % STRIPES]
            .0
            .fetch_add(count, Ordering::Relaxed);
    }

    /// The sum of all cells.
    pub fn total(&self) -> u64 {
        self.cells.iter().fold(0, |sum, cell| {
            sum.wrapping_add(cell.0.load(Ordering::Relaxed))
        })
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// A gauge at zero.
    pub fn new() -> Gauge {
        Gauge::default()
    }

    /// Adds `change` and gives the new value.
    #[inline]
    pub fn add(&self, change: i64) -> i64 {
        self.0
            .fetch_add(change, Ordering::Relaxed)
            .wrapping_add(change)
    }

    /// Sets the value.
    #[inline]
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The value.
    #[inline]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Buckets per power of two, as a power of two.
const SUB_BITS: u32 = 2;
/// Values below 4 have a bucket each; each of the 62 powers of two above has four.
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) << SUB_BITS;

/// How often values of each size occurred.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64; BUCKETS]>,
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram::new()
    }
}

impl Histogram {
    /// An empty histogram.
    pub fn new() -> Histogram {
        Histogram {
            buckets: Box::new([const { AtomicU64::new(0) }; BUCKETS]),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts `value`, `weight` times: a turn counts one latency for all its requests.
    #[inline]
    pub fn record(&self, value: u64, weight: u64) {
        self.buckets[bucket(value)].fetch_add(weight, Ordering::Relaxed);
        self.sum
            .fetch_add(value.wrapping_mul(weight), Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn snapshot(&self) -> Snapshot {
        let counts: Vec<u64> = self
            .buckets
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed))
            .collect();
        Snapshot {
            counts,
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

/// A histogram's counts at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    counts: Vec<u64>,
    sum: u64,
}

impl Snapshot {
    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of the values.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// The smallest bucket bound below which at least this share of the values lie; zero without values.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.count() as f64 * share.clamp(0.0, 1.0)).ceil() as u64;
        let mut seen = 0;
        for (bound, count) in self.buckets() {
            seen += count;
            if count > 0 && seen >= wanted {
                return bound;
            }
        }
        0
    }

    /// Each bucket's largest value and its count, in ascending order.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts
            .iter()
            .enumerate()
            .map(|(index, count)| (bucket_max(index), *count))
    }

    /// What was counted since `earlier`, a snapshot of the same histogram.
    pub fn since(&self, earlier: &Snapshot) -> Snapshot {
        let pairs = self.counts.iter().zip(&earlier.counts);
        Snapshot {
            counts: pairs
                .map(|(now, before)| now.saturating_sub(*before))
                .collect(),
            sum: self.sum.wrapping_sub(earlier.sum),
        }
    }
}

/// The bucket of a value: its highest bit, and the two bits below it.
#[inline]
fn bucket(value: u64) -> usize {
    let small = 1 << SUB_BITS;
    if value < small {
        return value as usize;
    }
    let shift = 63 - value.leading_zeros() - SUB_BITS;
    let sub = (value >> shift) & (small - 1);
    ((shift as usize + 1) << SUB_BITS) + sub as usize
}

/// The largest value that falls into a bucket.
fn bucket_max(index: usize) -> u64 {
    let small = 1 << SUB_BITS;
    if index < small {
        return index as u64;
    }
    let shift = (index >> SUB_BITS) as u32 - 1;
    let lowest = ((small + (index & (small - 1))) as u64) << shift;
    lowest + ((1u64 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stripes_sum_up() {
        let counter = Counter::new();
        for stripe in 0..100 {
            counter.add(stripe, 2);
        }
        assert_eq!(counter.total(), 200);
        let gauge = Gauge::new();
        assert_eq!((gauge.add(5), gauge.add(-7), gauge.get()), (5, -2, -2));
    }

    #[test]
    fn buckets_are_contiguous() {
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert_eq!(bucket_max(BUCKETS - 1), u64::MAX);
        for index in 0..BUCKETS - 1 {
            assert_eq!(bucket(bucket_max(index)), index);
            assert_eq!(bucket(bucket_max(index) + 1), index + 1);
        }
    }

    #[test]
    fn quantiles_are_close() {
        let histogram = Histogram::new();
        (1..=1000).for_each(|value| histogram.record(value, 1));
        let before = histogram.snapshot();
        assert_eq!((before.count(), before.sum()), (1000, 500_500));
        assert!(
            (500..=625).contains(&before.quantile(0.5)),
            "{}",
            before.quantile(0.5)
        );
        assert!((990..=1237).contains(&before.quantile(0.99)));
        histogram.record(7, 64);
        let since = histogram.snapshot().since(&before);
        assert_eq!(
            (since.count(), since.sum(), since.quantile(0.5)),
            (64, 448, 7)
        );
        assert_eq!(Histogram::new().snapshot().quantile(0.5), 0);
    }

    proptest! {
        #[test]
        fn a_bucket_is_at_most_a_quarter_wide(value in any::<u64>()) {
            let bound = bucket_max(bucket(value));
            prop_assert!(bound >= value && bound - value <= value / 4);
        }
    }
}
