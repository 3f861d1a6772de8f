//! BATCH: several statements that are executed as one.
//!
//! | Field | |
//! |---|---|
//! | `[byte]` kind | 0 logged, 1 unlogged, 2 counter |
//! | `[short]` n, then n times | |
//! | - `[byte]` what follows | 0: `[long string]` text, 1: `[short bytes]` id |
//! | - `[short]` m, m times `[value]` | |
//! | `[short]` consistency | |
//! | flags, `[byte]` on v4, `[int]` on v5 | 0x10, 0x20, 0x80, 0x100 as in `parameters` |
//! | `[short]` serial consistency, `[long]` timestamp, `[string]` keyspace, `[int]` now in seconds | each with its flag |
//!
//! The flag 0x40 (names for values) comes after the values that it would change, so it cannot be honoured and is ignored.
//! Like values, statements are walked once and then iterated in place.

use bytes::{BufMut, BytesMut};

use super::parameters::{self, Tail};
use super::{Bindings, Values};
use crate::consistency::Consistency;
use crate::version::Version;
use crate::wire::{self, Malformed, Reader};

/// BATCH: several statements that are executed as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch<'a> {
    /// Which promise holds for the whole.
    pub kind: BatchKind,
    /// The statements.
    pub statements: BatchStatements<'a>,
    /// How many replicas must answer.
    pub consistency: Consistency,
    /// The level of the conditional part: SERIAL or LOCAL_SERIAL.
    pub serial_consistency: Option<Consistency>,
    /// The timestamp of the writes, in microseconds.
    pub timestamp: Option<i64>,
    /// The keyspace of unqualified names (v5).
    pub keyspace: Option<&'a str>,
    /// The time to take as now (v5).
    pub now_in_seconds: Option<i32>,
}

/// The promise of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BatchKind {
    /// All or nothing, in the end.
    Logged = 0,
    /// Each on its own.
    Unlogged = 1,
    /// Counter updates.
    Counter = 2,
}

/// A statement's text or id, and its values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchStatement<'a> {
    /// What to execute.
    pub query: BatchQuery<'a>,
    /// The bound values; never named.
    pub values: Values<'a>,
}

/// What a statement of a batch executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchQuery<'a> {
    /// A text.
    Text(&'a str),
    /// The id that PREPARED gave.
    Prepared(&'a [u8]),
}

/// The statements of a batch, still in the bytes that they came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchStatements<'a> {
    count: u16,
    bytes: &'a [u8],
}

impl<'a> Batch<'a> {
    /// A batch with these statements and this level, and nothing else.
    pub fn new(
        kind: BatchKind,
        statements: BatchStatements<'a>,
        consistency: Consistency,
    ) -> Batch<'a> {
        Batch {
            kind,
            statements,
            consistency,
            serial_consistency: None,
            timestamp: None,
            keyspace: None,
            now_in_seconds: None,
        }
    }

    pub(super) fn decode(
        version: Version,
        reader: &mut Reader<'a>,
    ) -> Result<Batch<'a>, Malformed> {
        let kind = BatchKind::from_code(reader.byte("the batch's type")?)?;
        let statements = BatchStatements::decode(reader)?;
        let consistency = parameters::consistency(reader)?;
        let flags = parameters::flags(version, reader)?;
        let Tail {
            serial_consistency,
            timestamp,
            keyspace,
            now_in_seconds,
        } = Tail::decode(flags, reader)?;
        Ok(Batch {
            kind,
            statements,
            consistency,
            serial_consistency,
            timestamp,
            keyspace,
            now_in_seconds,
        })
    }

    pub(super) fn encode(&self, version: Version, out: &mut BytesMut) {
        out.put_u8(self.kind as u8);
        out.put_u16(self.statements.count);
        out.put_slice(self.statements.bytes);
        out.put_u16(self.consistency.code());
        let tail = Tail {
            serial_consistency: self.serial_consistency,
            timestamp: self.timestamp,
            keyspace: self.keyspace,
            now_in_seconds: self.now_in_seconds,
        }
        .as_known_in(version);
        parameters::put_flags(tail.flags(), version, out);
        tail.encode(out);
    }
}

impl BatchKind {
    fn from_code(code: u8) -> Result<BatchKind, Malformed> {
        match code {
            0 => Ok(BatchKind::Logged),
            1 => Ok(BatchKind::Unlogged),
            2 => Ok(BatchKind::Counter),
            _ => Err(Malformed::new(format!("Invalid BATCH message type {code}"))),
        }
    }
}

impl<'a> BatchStatements<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<BatchStatements<'a>, Malformed> {
        let count = reader.short("the number of statements")?;
        let start = reader.rest();
        for _ in 0..count {
            BatchStatement::decode(reader)?;
        }
        Ok(BatchStatements {
            count,
            bytes: &start[..start.len() - reader.remaining()],
        })
    }

    /// How many statements there are.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The statements in order.
    pub fn iter(&self) -> BatchStatementsIter<'a> {
        BatchStatementsIter {
            left: self.count,
            reader: Reader::new(self.bytes),
        }
    }
}

impl<'a> IntoIterator for BatchStatements<'a> {
    type Item = BatchStatement<'a>;
    type IntoIter = BatchStatementsIter<'a>;

    fn into_iter(self) -> BatchStatementsIter<'a> {
        self.iter()
    }
}

/// The statements of a batch, one after the other.
#[derive(Debug, Clone)]
pub struct BatchStatementsIter<'a> {
    left: u16,
    reader: Reader<'a>,
}

impl<'a> Iterator for BatchStatementsIter<'a> {
    type Item = BatchStatement<'a>;

    fn next(&mut self) -> Option<BatchStatement<'a>> {
        self.left = self.left.checked_sub(1)?;
        BatchStatement::decode(&mut self.reader).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

impl ExactSizeIterator for BatchStatementsIter<'_> {}

impl<'a> BatchStatement<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<BatchStatement<'a>, Malformed> {
        let query = match reader.byte("the kind of a statement")? {
            0 => BatchQuery::Text(reader.long_string("a statement's text")?),
            1 => BatchQuery::Prepared(reader.short_bytes("a statement's id")?),
            kind => {
                return Err(Malformed::new(format!(
                    "Invalid query kind in BATCH messages. Must be 0 or 1 but got {kind}"
                )));
            }
        };
        Ok(BatchStatement {
            query,
            values: Values::decode(false, reader)?,
        })
    }
}

/// The statements of a batch as a client gathers them.
#[derive(Debug, Clone, Default)]
pub struct BatchBuilder {
    count: u16,
    bytes: BytesMut,
}

impl BatchBuilder {
    /// No statements yet.
    pub fn new() -> BatchBuilder {
        BatchBuilder::default()
    }

    /// Adds a statement as text.
    pub fn push_text(&mut self, text: &str, values: &Bindings) -> &mut BatchBuilder {
        self.bytes.put_u8(0);
        wire::put_long_string(&mut self.bytes, text);
        self.add(values)
    }

    /// Adds a prepared statement.
    pub fn push_prepared(&mut self, id: &[u8], values: &Bindings) -> &mut BatchBuilder {
        self.bytes.put_u8(1);
        wire::put_short_bytes(&mut self.bytes, id);
        self.add(values)
    }

    fn add(&mut self, values: &Bindings) -> &mut BatchBuilder {
        let values = values.values();
        assert!(!values.are_named(), "values of a batch have no names");
        values.encode(&mut self.bytes);
        self.count = self
            .count
            .checked_add(1)
            .expect("a batch has at most 65535 statements");
        self
    }

    /// The statements, as requests take them.
    pub fn statements(&self) -> BatchStatements<'_> {
        BatchStatements {
            count: self.count,
            bytes: &self.bytes,
        }
    }
}
