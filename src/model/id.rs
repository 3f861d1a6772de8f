//! Names for things: tables, columns, moments, and sets of columns.

use std::fmt;
use std::sync::Arc;

use base::bytes::{Reader, put_varint};
use uuid::Uuid;

use crate::Damage;

/// A table, for ever: a table dropped and made again under the same name is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub Uuid);

impl fmt::Display for TableId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A column of one table, never used again for another column of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub u16);

impl ColumnId {
    /// Not a column of the catalog: its value holds the client's bytes of key components whose comparable form does
    /// not give them back ([`crate::key::originals`]). It never keeps a row alive.
    pub const ORIGINALS: ColumnId = ColumnId(0);
}

/// Microseconds since the epoch, from the client or the coordinator's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Below every timestamp that a client may send.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// The largest.
    pub const MAX: Timestamp = Timestamp(i64::MAX);
}

/// Which columns a reader wants. [`ColumnId::ORIGINALS`] is always among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Columns {
    /// Every column.
    #[default]
    All,
    /// These, ascending.
    Only(Arc<[ColumnId]>),
}

impl Columns {
    /// Exactly these columns, in any order.
    pub fn only(ids: impl IntoIterator<Item = ColumnId>) -> Columns {
        let mut ids: Vec<ColumnId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Columns::Only(ids.into())
    }

    /// Whether the column is wanted.
    #[inline]
    pub fn contains(&self, id: ColumnId) -> bool {
        match self {
            Columns::All => true,
            Columns::Only(ids) => id == ColumnId::ORIGINALS || ids.binary_search(&id).is_ok(),
        }
    }

    /// Appends the set: 0 for all, else the count plus one and each id's distance from the one before.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let Columns::Only(ids) = self else {
            return out.push(0);
        };
        put_varint(out, ids.len() as u64 + 1);
        let mut next = 0;
        for id in ids.iter() {
            put_varint(out, u64::from(id.0) - next);
            next = u64::from(id.0) + 1;
        }
    }

    /// Reads what [`Columns::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Columns, Damage> {
        let start = reader.clone();
        let count = match reader.varint()? {
            0 => return Ok(Columns::All),
            more => more - 1,
        };
        if count > reader.remaining() as u64 {
            return Err(start.error("column count beyond the data"));
        }
        let mut ids = Vec::with_capacity(count as usize);
        let mut next = 0u64;
        for _ in 0..count {
            let id = reader
                .varint()?
                .checked_add(next)
                .and_then(|id| u16::try_from(id).ok());
            let id = id.ok_or_else(|| reader.error("column id beyond 16 bits"))?;
            ids.push(ColumnId(id));
            next = u64::from(id) + 1;
        }
        Ok(Columns::Only(ids.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_originals_are_always_wanted() {
        let columns = Columns::only([ColumnId(7), ColumnId(3), ColumnId(7)]);
        assert!(columns.contains(ColumnId::ORIGINALS));
        assert!(columns.contains(ColumnId(3)) && columns.contains(ColumnId(7)));
        assert!(!columns.contains(ColumnId(4)));
        assert!(Columns::All.contains(ColumnId(4)));
    }

    #[test]
    fn a_lying_count_is_refused() {
        assert!(Columns::decode(&mut Reader::new(&[0xff, 0xff, 0x03, 1])).is_err());
        assert!(Columns::decode(&mut Reader::new(&[3, 0xff, 0xff, 0x03, 1])).is_err());
    }

    proptest! {
        #[test]
        fn column_sets_come_back(ids in proptest::collection::vec(any::<u16>(), 0..20)) {
            let columns = Columns::only(ids.into_iter().map(ColumnId));
            let mut bytes = Vec::new();
            columns.encode(&mut bytes);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(Columns::decode(&mut reader), Ok(columns));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn any_bytes_decode_or_fail(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            let _ = Columns::decode(&mut Reader::new(&bytes));
        }
    }
}
