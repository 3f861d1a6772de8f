//! A read.

use uuid::Uuid;

use base::bytes::{Reader, put_signed_varint, put_varint};

use super::format::{self, DISTINCT, FILTER, RESUME, REVERSED, STATICS};
use super::{Columns, Keys, Position};
use crate::filter::Filter;
use crate::key::Slice;
use crate::{Damage, TableId};

/// What to read.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The table.
    pub table: TableId,
    /// The columns to read, static ones included.
    pub columns: Columns,
    /// Whether a partition with static content but without rows gives a row.
    pub statics: bool,
    /// The partitions.
    pub keys: Keys,
    /// The rows of each partition: disjoint and ascending, whatever the direction. Whole partitions are one
    /// [`Slice::all`].
    pub slices: Vec<Slice>,
    /// Largest clustering key first.
    pub reversed: bool,
    /// What rows must satisfy.
    pub filter: Option<Filter>,
    /// When to stop.
    pub limits: Limits,
    /// The one "now" of the request: what has expired.
    pub now_seconds: i64,
    /// One row per partition, of its key and static columns.
    pub distinct: bool,
    /// Where to go on: after this.
    pub resume: Option<Position>,
}

/// When a read stops. `u64::MAX` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows in all.
    pub rows: u64,
    /// Rows of each partition, over all pages.
    pub per_partition: u64,
    /// Bytes of keys and images: the row that reaches it is the last.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            rows: u64::MAX,
            per_partition: u64::MAX,
            bytes: u64::MAX,
        }
    }
}

impl Default for Command {
    /// Nothing of no table.
    fn default() -> Command {
        Command::new(TableId(Uuid::nil()), Keys::List(Vec::new()), 0)
    }
}

impl Command {
    /// Everything of these partitions, without limits, at `now_seconds`.
    pub fn new(table: TableId, keys: Keys, now_seconds: i64) -> Command {
        Command {
            table,
            columns: Columns::All,
            statics: true,
            keys,
            slices: vec![Slice::all()],
            reversed: false,
            filter: None,
            limits: Limits::default(),
            now_seconds,
            distinct: false,
            resume: None,
        }
    }

    /// Whether clustering keys are not restricted.
    pub fn is_whole_partition(&self) -> bool {
        matches!(&self.slices[..], [slice] if slice.is_all())
    }

    /// Appends the command: [`format`](super::format).
    pub fn encode(&self, out: &mut Vec<u8>) {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        out.push(format::VERSION);
        out.push(
            flag(self.statics, STATICS)
                | flag(self.reversed, REVERSED)
                | flag(self.distinct, DISTINCT)
                | flag(self.filter.is_some(), FILTER)
                | flag(self.resume.is_some(), RESUME),
        );
        out.extend_from_slice(self.table.0.as_bytes());
        self.columns.encode(out);
        self.keys.encode(out);
        put_varint(out, self.slices.len() as u64);
        self.slices.iter().for_each(|slice| slice.encode(out));
        // No limit is the usual limit: as the largest number plus one it is a zero.
        for limit in [
            self.limits.rows,
            self.limits.per_partition,
            self.limits.bytes,
        ] {
            put_varint(out, limit.wrapping_add(1));
        }
        put_signed_varint(out, self.now_seconds);
        if let Some(filter) = &self.filter {
            filter.encode(out);
        }
        if let Some(position) = &self.resume {
            position.encode(out);
        }
    }

    /// Reads what [`Command::encode`] wrote. The bytes may be anything.
    pub fn decode(bytes: &[u8]) -> Result<Command, Damage> {
        let mut reader = Reader::new(bytes);
        let command = Command::read(&mut reader)?;
        reader.expect_end()?;
        Ok(command)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Command, Damage> {
        let start = reader.clone();
        if reader.u8()? != format::VERSION {
            return Err(start.error("unknown version of a read command"));
        }
        let flags = reader.u8()?;
        if flags & !format::FLAGS != 0 {
            return Err(start.error("unknown flag of a read command"));
        }
        let table = TableId(Uuid::from_bytes(reader.fixed()?));
        let columns = Columns::decode(reader)?;
        let keys = Keys::decode(reader)?;
        let slices = read_slices(reader)?;
        let mut limits = [0; 3];
        for limit in &mut limits {
            *limit = reader.varint()?.wrapping_sub(1);
        }
        let now_seconds = reader.signed_varint()?;
        let filter = if flags & FILTER != 0 {
            Some(Filter::decode(reader)?)
        } else {
            None
        };
        let resume = if flags & RESUME != 0 {
            Some(Position::decode(reader)?)
        } else {
            None
        };
        Ok(Command {
            table,
            columns,
            statics: flags & STATICS != 0,
            keys,
            slices,
            reversed: flags & REVERSED != 0,
            filter,
            limits: Limits {
                rows: limits[0],
                per_partition: limits[1],
                bytes: limits[2],
            },
            now_seconds,
            distinct: flags & DISTINCT != 0,
            resume,
        })
    }
}

fn read_slices(reader: &mut Reader<'_>) -> Result<Vec<Slice>, Damage> {
    let start = reader.clone();
    let count = reader.varint_count()?;
    let mut slices: Vec<Slice> = Vec::new();
    for _ in 0..count {
        let slice = Slice::decode(reader)?;
        if slices.last().is_some_and(|last| slice.start < last.end) {
            return Err(start.error("slices do not ascend"));
        }
        slices.push(slice);
    }
    Ok(slices)
}
