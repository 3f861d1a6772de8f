//! Two small histograms: when things may be dropped, and how large partitions are.

use std::collections::BTreeMap;

use base::bytes::{self, Reader, put_signed_varint, put_varint};

/// Bars of a [`DropTimes`].
const BARS_MAX: usize = 100;
/// Where its widths start: purging never decides by less than a minute.
const WIDTH_SECONDS_MIN: i64 = 60;
/// Smaller sizes have a bar each.
const SIZES_EXACT: u64 = 4;

/// How many tombstones were made, and cells expire, when: at most a hundred bars of one width, which doubles when they
/// are too few. The result does not depend on the order of what was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTimes {
    width_seconds: i64,
    /// Count by start of the bar.
    bars: BTreeMap<i64, u64>,
}

impl Default for DropTimes {
    fn default() -> DropTimes {
        DropTimes {
            width_seconds: WIDTH_SECONDS_MIN,
            bars: BTreeMap::new(),
        }
    }
}

impl DropTimes {
    /// Counts one more.
    pub fn add(&mut self, seconds: i64) {
        *self.bars.entry(self.bar(seconds)).or_default() += 1;
        while self.bars.len() > BARS_MAX {
            self.widen();
        }
    }

    fn bar(&self, seconds: i64) -> i64 {
        seconds
            .div_euclid(self.width_seconds)
            .saturating_mul(self.width_seconds)
    }

    fn widen(&mut self) {
        // Over a hundred bars apart by `i64::MAX` doubles the width until it saturates; then all share two bars.
        self.width_seconds = self.width_seconds.saturating_mul(2);
        for (start, count) in std::mem::take(&mut self.bars) {
            *self.bars.entry(self.bar(start)).or_default() += count;
        }
    }

    /// How many were counted in bars that end at or before `seconds`.
    pub fn up_to(&self, seconds: i64) -> u64 {
        self.bars
            .iter()
            .take_while(|(start, _)| start.saturating_add(self.width_seconds) <= seconds)
            .map(|(_, count)| count)
            .sum()
    }

    /// The bars: start, and count. Each is [`DropTimes::width_seconds`] wide.
    pub fn bars(&self) -> impl Iterator<Item = (i64, u64)> + '_ {
        self.bars.iter().map(|(start, count)| (*start, *count))
    }

    /// The width of every bar.
    pub fn width_seconds(&self) -> i64 {
        self.width_seconds
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.width_seconds as u64);
        put_varint(out, self.bars.len() as u64);
        for (start, count) in &self.bars {
            put_signed_varint(out, *start);
            put_varint(out, *count);
        }
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<DropTimes, bytes::Error> {
        let width_seconds = i64::try_from(input.varint()?)
            .ok()
            .filter(|width| *width >= WIDTH_SECONDS_MIN)
            .ok_or_else(|| input.error("impossible width of bars"))?;
        let mut bars = BTreeMap::new();
        for _ in 0..input.varint_count()? {
            bars.insert(input.signed_varint()?, input.varint()?);
        }
        Ok(DropTimes {
            width_seconds,
            bars,
        })
    }
}

/// How many partitions have which size: four bars per power of two, so a quantile is at most a quarter too high.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Count by bar.
    bars: BTreeMap<u8, u64>,
    largest: u64,
}

impl Sizes {
    /// Counts one more.
    pub fn add(&mut self, size: u64) {
        *self.bars.entry(bar_of(size)).or_default() += 1;
        self.largest = self.largest.max(size);
    }

    /// The largest size.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.bars.values().sum()
    }

    /// The bars: largest size in it, and count.
    pub fn bars(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.bars.iter().map(|(bar, count)| (end_of(*bar), *count))
    }

    /// A size that is at least as large as this share of all.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (end, count) in self.bars() {
            seen += count;
            if seen >= wanted {
                return end.min(self.largest);
            }
        }
        self.largest
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.largest);
        put_varint(out, self.bars.len() as u64);
        for (bar, count) in &self.bars {
            out.push(*bar);
            put_varint(out, *count);
        }
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Sizes, bytes::Error> {
        let largest = input.varint()?;
        let mut bars = BTreeMap::new();
        for _ in 0..input.varint_count()? {
            bars.insert(input.u8()?, input.varint()?);
        }
        Ok(Sizes { bars, largest })
    }
}

/// Sizes below 4 have their own bars; from there on the two bits after the highest one tell four bars apart.
fn bar_of(size: u64) -> u8 {
    if size < SIZES_EXACT {
        return size as u8;
    }
    let power = size.ilog2();
    let quarter = (size >> (power - 2)) & 3;
    (4 + 4 * (power - 2) + quarter as u32) as u8
}

/// The largest size of a bar.
fn end_of(bar: u8) -> u64 {
    let Some(above) = u32::from(bar).checked_sub(4) else {
        return u64::from(bar);
    };
    let (power, quarter) = (above / 4, u128::from(above % 4));
    // 128 bits, because a damaged byte may name a bar that no size has.
    let end = ((4 + quarter + 1) << power) - 1;
    u64::try_from(end).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_of_sizes_meet() {
        for size in (0..200).chain([u64::MAX / 2, u64::MAX - 1, u64::MAX]) {
            let bar = bar_of(size);
            assert!(size <= end_of(bar), "{size}");
            assert!(bar == 0 || size > end_of(bar - 1), "{size}");
            assert!(end_of(bar) - size <= size / 4, "{size}");
        }
        assert_eq!(end_of(255), u64::MAX);
    }

    #[test]
    fn quantiles_come_from_the_bars() {
        let mut sizes = Sizes::default();
        (1..=100).for_each(|size| sizes.add(size));
        assert_eq!(sizes.count(), 100);
        assert!((50..=62).contains(&sizes.quantile(0.5)));
        assert_eq!(sizes.quantile(1.0), 100);
    }

    #[test]
    fn drop_times_stay_few_and_lose_nothing() {
        let mut times = DropTimes::default();
        let mut reversed = DropTimes::default();
        let seconds: Vec<i64> = (0..10_000).map(|at| at * 7919 - 3_000_000).collect();
        seconds.iter().for_each(|at| times.add(*at));
        seconds.iter().rev().for_each(|at| reversed.add(*at));
        assert_eq!(times, reversed);
        assert!(times.bars.len() <= BARS_MAX);
        assert_eq!(times.bars().map(|(_, count)| count).sum::<u64>(), 10_000);
        assert_eq!(times.up_to(i64::MIN), 0);
        assert_eq!(times.up_to(i64::MAX), 10_000);
        assert!(times.up_to(0) <= seconds.iter().filter(|at| **at < 0).count() as u64);
    }

    #[test]
    fn extreme_drop_times_do_not_overflow() {
        let mut times = DropTimes::default();
        for at in 0..200 {
            times.add(i64::MIN + at * (i64::MAX / 250));
            times.add(i64::MAX - at);
        }
        assert_eq!(times.bars().map(|(_, count)| count).sum::<u64>(), 400);
    }
}
