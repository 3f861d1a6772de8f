//! The bytes of a paging state, version 1.
//!
//! | part | bytes | content |
//! |---|---|---|
//! | version | 1 | 1 |
//! | statement | 16 | digest of the statement |
//! | table | 16 | its id |
//! | position | varint.. | partition key, clustering key, rows returned of the partition |
//! | rows left | varint | of LIMIT, plus one; 0 is no limit |
//! | opaque | varint.. | length, bytes |
//! | checksum | 4 | crc32 of all before, big-endian |
//!
//! A state is valid if it has version 1, its checksum holds, and nothing follows. It is not secret
//! and not signed: it says where to read, and reading is checked like any other.

use base::bytes::{Reader, put_varint, put_varint_bytes};
use base::checksum::crc32;
use model::TableId;
use model::read::Position;
use uuid::Uuid;

use crate::paging::State;

/// The version that is written.
pub const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// Bytes that are not a paging state of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid value for the paging state")]
pub struct Invalid;

impl State {
    /// The state's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.statement);
        out.extend_from_slice(self.table.0.as_bytes());
        self.position.encode(&mut out);
        put_varint(&mut out, self.rows_left.wrapping_add(1));
        put_varint_bytes(&mut out, &self.opaque);
        let checksum = crc32(&out);
        out.extend_from_slice(&checksum.to_be_bytes());
        out
    }

    /// Reads what [`State::encode`] wrote. The bytes may be anything.
    pub fn decode(bytes: &[u8]) -> Result<State, Invalid> {
        let body_bytes = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(Invalid)?;
        let (body, checksum) = bytes.split_at(body_bytes);
        if crc32(body).to_be_bytes() != checksum {
            return Err(Invalid);
        }
        read(&mut Reader::new(body)).map_err(|_| Invalid)
    }
}

fn read(reader: &mut Reader<'_>) -> Result<State, model::Damage> {
    let start = reader.clone();
    if reader.u8()? != VERSION {
        return Err(start.error("unknown version of a paging state"));
    }
    let statement = reader.fixed()?;
    let table = TableId(Uuid::from_bytes(reader.fixed()?));
    let position = Position::decode(reader)?;
    let rows_left = reader.varint()?.wrapping_sub(1);
    let opaque = reader.varint_bytes()?.to_vec();
    reader.expect_end()?;
    Ok(State {
        statement,
        table,
        position,
        rows_left,
        opaque,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use model::PartitionKey;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn states_come_back(
            statement: [u8; 16],
            table: u128,
            key in prop::collection::vec(any::<u8>(), 1..40),
            clustering: Option<Vec<u8>>,
            in_partition: u64,
            rows_left: u64,
            opaque: Vec<u8>,
        ) {
            let position = Position { key: PartitionKey::new(key), clustering: clustering.map(Bytes::from), in_partition };
            let state = State { statement, table: TableId(Uuid::from_u128(table)), position, rows_left, opaque };
            prop_assert_eq!(State::decode(&state.encode()), Ok(state));
        }

        #[test]
        fn any_bytes_are_judged(bytes: Vec<u8>) {
            let _ = State::decode(&bytes);
        }

        #[test]
        fn a_changed_byte_is_noticed(at: prop::sample::Index, bit in 0..8u8) {
            let position = Position { key: PartitionKey::new(vec![1]), clustering: None, in_partition: 7 };
            let state = State { statement: [3; 16], table: TableId(Uuid::nil()), position, rows_left: 9, opaque: vec![] };
            let mut bytes = state.encode();
            let index = at.index(bytes.len());
            bytes[index] ^= 1 << bit;
            prop_assert_eq!(State::decode(&bytes), Err(Invalid));
        }
    }
}
