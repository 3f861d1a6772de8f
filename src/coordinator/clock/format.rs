//! The file `clock`: the time up to which timestamps may have been issued, in two slots.
//!
//! | offset in a slot | bytes | content |
//! |---|---|---|
//! | 0 | 8 | magic `HELCLOCK` |
//! | 8 | 8 | sequence, little-endian; an even one is in slot 0, an odd one in slot 1 |
//! | 16 | 8 | until, microseconds, little-endian |
//! | 24 | 4 | crc32 of the bytes before, little-endian |
//!
//! Slots are 512 bytes apart, a disk's sector, so that writing one leaves the other whole. A slot is
//! valid if magic and checksum hold; the valid slot with the highest sequence counts. If none is
//! valid and all is zero, nothing was ever reserved: the file is synced before the first time is issued. If none is
//! valid and something is there, the file was damaged, and what was reserved is not known any more.

use base::checksum::crc32;

/// The file's name in the data directory.
pub const FILE_NAME: &str = "clock";
/// The distance between the slots.
pub const SLOT_BYTES: usize = 512;
/// The file's length.
pub const FILE_BYTES: usize = 2 * SLOT_BYTES;
/// What each slot begins with.
pub const MAGIC: [u8; 8] = *b"HELCLOCK";
const CHECKSUM_OFFSET: usize = 24;
const RECORD_BYTES: usize = CHECKSUM_OFFSET + 4;

/// One slot's content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reservation {
    /// Counts the reservations.
    pub sequence: u64,
    /// No timestamp above this was issued.
    pub until_micros: i64,
}

impl Reservation {
    /// The slot's bytes.
    pub fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.until_micros.to_le_bytes());
        let checksum = crc32(&bytes[..CHECKSUM_OFFSET]);
        bytes[CHECKSUM_OFFSET..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Where the slot is.
    pub fn offset(&self) -> u64 {
        (self.sequence % 2) * SLOT_BYTES as u64
    }

    fn decode(slot: &[u8]) -> Option<Self> {
        let record = slot.get(..RECORD_BYTES)?;
        let checksum = crc32(&record[..CHECKSUM_OFFSET]).to_le_bytes();
        if record[..8] != MAGIC || record[CHECKSUM_OFFSET..] != checksum {
            return None;
        }
        Some(Reservation {
            sequence: u64::from_le_bytes(record[8..16].try_into().ok()?),
            until_micros: i64::from_le_bytes(record[16..24].try_into().ok()?),
        })
    }
}

/// The reservation that counts, if there is one.
pub fn newest(file: &[u8]) -> Option<Reservation> {
    file.chunks(SLOT_BYTES)
        .filter_map(Reservation::decode)
        .max_by_key(|slot| slot.sequence)
}

/// Whether reservations were made and none can be read.
pub fn is_damaged(file: &[u8]) -> bool {
    newest(file).is_none() && file.iter().any(|byte| *byte != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_from_a_new_file() {
        let slot = Reservation {
            sequence: 2,
            until_micros: 7,
        };
        let record = slot.encode();
        let check = |file: &[u8], expected| assert_eq!(is_damaged(file), expected, "{file:?}");
        check(&[], false);
        check(&[0; FILE_BYTES], false);
        check(&record, false);
        check(&record[..RECORD_BYTES - 1], true);
        check(b"garbage", true);
    }

    #[test]
    fn the_newest_valid_slot_counts() {
        let mut file = vec![0; FILE_BYTES];
        assert_eq!(newest(&file), None);
        for sequence in 1..6 {
            let slot = Reservation {
                sequence,
                until_micros: 1_000 * sequence as i64,
            };
            let at = slot.offset() as usize;
            file[at..at + RECORD_BYTES].copy_from_slice(&slot.encode());
            assert_eq!(newest(&file), Some(slot));
        }
        let at = Reservation {
            sequence: 5,
            until_micros: 0,
        }
        .offset() as usize;
        file[at + 17] ^= 4;
        assert_eq!(
            newest(&file),
            Some(Reservation {
                sequence: 4,
                until_micros: 4_000
            })
        );
    }
}
