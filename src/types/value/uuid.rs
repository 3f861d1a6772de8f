//! `uuid` and `timeuuid`: 16 bytes; version 1 carries 100 ns ticks since 1582-10-15.

use uuid::Uuid;

/// Ticks between 1582-10-15 and 1970-01-01.
const EPOCH_TICKS: i64 = 0x01b2_1dd2_1381_4000;
/// Ticks in a millisecond.
const TICKS_PER_MILLI: i64 = 10_000;
/// The ticks a version 1 UUID has room for.
const TICKS_MAX: u64 = (1 << 60) - 1;
/// The smallest clock sequence and node in `timeuuid` order, whose bytes are signed.
const LOW_MIN: u64 = 0x8080_8080_8080_8080;
/// The largest.
const LOW_MAX: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// Reads a `uuid`.
pub fn read(value: &[u8]) -> Option<Uuid> {
    Uuid::from_slice(value).ok()
}

/// The form with hyphens, as CQL writes it.
pub fn parse(text: &str) -> Option<Uuid> {
    if text.len() == 36 {
        Uuid::try_parse(text).ok()
    } else {
        None
    }
}

/// A version 1 UUID of these ticks since 1582-10-15 (the upper four bits are dropped), a clock sequence of 14 bits
/// and a node.
pub fn version1(ticks: u64, clock_sequence: u16, node: [u8; 6]) -> Uuid {
    let low = 1 << 63
        | u64::from(clock_sequence & 0x3fff) << 48
        | node
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
    Uuid::from_u64_pair(high_word(ticks), low)
}

/// A random UUID of these 16 bytes.
pub fn version4(random: [u8; 16]) -> Uuid {
    let mut bytes = random;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid::from_bytes(bytes)
}

/// The ticks at the start of a millisecond. Times that a version 1 UUID cannot hold wrap around, as in Cassandra.
pub fn ticks_of_millis(millis: i64) -> u64 {
    let ticks = millis
        .wrapping_mul(TICKS_PER_MILLI)
        .wrapping_add(EPOCH_TICKS);
    ticks as u64 & TICKS_MAX
}

/// Ticks since 1582-10-15 of a Unix time in microseconds.
pub fn ticks_of_micros(micros: i64) -> Option<u64> {
    let ticks = micros.checked_mul(10)?.checked_add(EPOCH_TICKS)?;
    u64::try_from(ticks)
        .ok()
        .filter(|ticks| *ticks <= TICKS_MAX)
}

/// The least version 1 UUID of a millisecond in the order of `timeuuid`.
pub fn min_of_millis(millis: i64) -> Uuid {
    Uuid::from_u64_pair(high_word(ticks_of_millis(millis)), LOW_MIN)
}

/// The greatest version 1 UUID of a millisecond in the order of `timeuuid`.
pub fn max_of_millis(millis: i64) -> Uuid {
    let ticks = ticks_of_millis(millis) + (TICKS_PER_MILLI as u64 - 1);
    Uuid::from_u64_pair(high_word(ticks), LOW_MAX)
}

/// The ticks of a version 1 UUID.
pub fn ticks(value: &[u8]) -> Option<u64> {
    let high = read(value)?.as_u64_pair().0;
    (high >> 12 & 0xf == 1).then(|| reorder(high) & TICKS_MAX)
}

/// The Unix time of a version 1 UUID in milliseconds, rounded down.
pub fn unix_millis(value: &[u8]) -> Option<i64> {
    // Ticks have 60 bits, so they fit.
    Some((ticks(value)? as i64 - EPOCH_TICKS).div_euclid(TICKS_PER_MILLI))
}

/// The Unix time of a version 1 UUID in microseconds, rounded down.
pub fn unix_micros(value: &[u8]) -> Option<i64> {
    Some((ticks(value)? as i64 - EPOCH_TICKS).div_euclid(10))
}

fn high_word(ticks: u64) -> u64 {
    let ticks = ticks & TICKS_MAX;
    (ticks & 0xffff_ffff) << 32 | (ticks >> 32 & 0xffff) << 16 | 0x1000 | ticks >> 48
}

/// A version 1 high word with the time's highest bits first, the version above them.
fn reorder(high: u64) -> u64 {
    high << 48 | high << 16 & 0xffff_0000_0000 | high >> 32
}

/// The inverse of [`reorder`].
fn restore(ordered: u64) -> u64 {
    ordered << 32 | ordered >> 16 & 0xffff_0000 | ordered >> 48
}

/// What orders `uuid` values, as two words: the version in the highest four bits, then for version 1 the time, for
/// others the rest of the high word as it stands; the low word.
pub fn order_key(value: &[u8]) -> Option<(u64, u64)> {
    let (high, low) = read(value)?.as_u64_pair();
    let ordered = match high >> 12 & 0xf {
        1 => reorder(high),
        version => version << 60 | high >> 16 << 12 | high & 0xfff,
    };
    Some((ordered, low))
}

/// The value of an [`order_key`].
pub fn of_order_key(ordered: u64, low: u64) -> Uuid {
    let high = match ordered >> 60 {
        1 => restore(ordered),
        version => ordered >> 12 << 16 | version << 12 | ordered & 0xfff,
    };
    Uuid::from_u64_pair(high, low)
}

/// What orders `timeuuid` values: time, then clock sequence and node with every byte signed.
pub fn time_order_key(value: &[u8]) -> Option<(u64, u64)> {
    let (high, low) = read(value)?.as_u64_pair();
    Some((reorder(high), low ^ LOW_MIN))
}

/// The value of a [`time_order_key`].
pub fn of_time_order_key(high: u64, low: u64) -> Uuid {
    Uuid::from_u64_pair(restore(high), low ^ LOW_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_in_and_out() {
        for millis in [0, 1, -1, 1_700_000_000_123, -12_219_292_800_000] {
            let ticks = ticks_of_millis(millis);
            let id = version1(ticks, 0x3fff, [1, 2, 3, 4, 5, 6]);
            assert_eq!(id.get_version_num(), 1);
            assert_eq!(unix_millis(id.as_bytes()), Some(millis));
            assert_eq!(unix_micros(id.as_bytes()), Some(millis * 1000));
            assert_eq!(id.as_u64_pair().1, 0xbfff_0102_0304_0506);
            let (min, max) = (min_of_millis(millis), max_of_millis(millis));
            assert_eq!(unix_millis(min.as_bytes()), Some(millis));
            assert_eq!(unix_millis(max.as_bytes()), Some(millis));
            let key = |id: &Uuid| time_order_key(id.as_bytes()).expect("16 bytes");
            assert!(key(&min) < key(&id) && key(&id) < key(&max));
        }
        assert_eq!(
            min_of_millis(i64::MAX).to_string(),
            "138118f0-1dd2-11b2-8080-808080808080"
        );
    }

    #[test]
    fn known_version_1() {
        let id = parse("e23f1e02-8c62-11ed-9d1b-6d0a4d1c5a5e").expect("uuid");
        assert_eq!(unix_millis(id.as_bytes()), Some(1_672_859_184_882));
        assert_eq!(
            version4([0xff; 16]).to_string(),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(unix_millis(version4([0; 16]).as_bytes()), None);
    }
}
