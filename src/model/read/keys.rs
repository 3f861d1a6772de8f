//! Which partitions a command reads, and how far it has come.

use std::ops::Bound;

use base::bytes::{Reader, put_varint, put_varint_bytes};
use bytes::Bytes;
use types::Token;

use crate::{Damage, PartitionKey, PartitionKeyRef};

/// Which partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// These, in this order, which is the order of the result. It need not be token order, which a merge needs: who
    /// merges goes through the list key by key.
    List(Vec<PartitionKey>),
    /// All in a range, in token order.
    Range(KeyRange),
}

/// A range of partitions in token order. It does not wrap around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it begins.
    pub start: Bound<KeyEdge>,
    /// Where it ends.
    pub end: Bound<KeyEdge>,
}

/// An edge of a range of partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyEdge {
    /// All keys of one token.
    Token(Token),
    /// One key.
    Key(PartitionKey),
}

/// How far a read has come: everything up to here was returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The partition of the last row.
    pub key: PartitionKey,
    /// The clustering key of the last row. `None`: nothing of the partition is left (its static row alone, or one row
    /// of DISTINCT, was returned).
    pub clustering: Option<Bytes>,
    /// How many rows of the partition were returned, on all pages.
    pub in_partition: u64,
}

impl KeyEdge {
    /// The token at the edge.
    #[inline]
    pub fn token(&self) -> Token {
        match self {
            KeyEdge::Token(token) => *token,
            KeyEdge::Key(key) => key.token,
        }
    }

    /// Where `key` lies: `Less` below the edge, `Equal` on it.
    #[inline]
    fn place(&self, key: PartitionKeyRef<'_>) -> std::cmp::Ordering {
        match self {
            KeyEdge::Token(token) => key.token.cmp(token),
            KeyEdge::Key(edge) => key.cmp(&edge.as_ref()),
        }
    }
}

impl KeyRange {
    /// Every partition.
    pub fn all() -> KeyRange {
        KeyRange {
            start: Bound::Unbounded,
            end: Bound::Unbounded,
        }
    }

    /// Whether `key` lies before the range.
    #[inline]
    pub fn is_before(&self, key: PartitionKeyRef<'_>) -> bool {
        match &self.start {
            Bound::Unbounded => false,
            Bound::Included(edge) => edge.place(key).is_lt(),
            Bound::Excluded(edge) => edge.place(key).is_le(),
        }
    }

    /// Whether `key` lies after the range.
    #[inline]
    pub fn is_after(&self, key: PartitionKeyRef<'_>) -> bool {
        match &self.end {
            Bound::Unbounded => false,
            Bound::Included(edge) => edge.place(key).is_gt(),
            Bound::Excluded(edge) => edge.place(key).is_ge(),
        }
    }

    /// Whether `key` lies in the range.
    #[inline]
    pub fn contains(&self, key: PartitionKeyRef<'_>) -> bool {
        !self.is_before(key) && !self.is_after(key)
    }

    /// The smallest token that a key in the range can have.
    pub fn first_token(&self) -> Token {
        match &self.start {
            Bound::Unbounded => Token::MIN,
            Bound::Excluded(KeyEdge::Token(token)) => Token(token.0.saturating_add(1)),
            Bound::Included(edge) | Bound::Excluded(edge) => edge.token(),
        }
    }

    /// The largest token that a key in the range can have.
    pub fn last_token(&self) -> Token {
        match &self.end {
            Bound::Unbounded => Token::MAX,
            Bound::Excluded(KeyEdge::Token(token)) => Token(token.0.saturating_sub(1)),
            Bound::Included(edge) | Bound::Excluded(edge) => edge.token(),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        encode_bound(&self.start, out);
        encode_bound(&self.end, out);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<KeyRange, Damage> {
        Ok(KeyRange {
            start: decode_bound(reader)?,
            end: decode_bound(reader)?,
        })
    }
}

impl Keys {
    /// Whether `key` is among them.
    pub fn contains(&self, key: PartitionKeyRef<'_>) -> bool {
        match self {
            Keys::List(keys) => keys.iter().any(|listed| listed.as_ref() == key),
            Keys::Range(range) => range.contains(key),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Keys::Range(range) => {
                put_varint(out, 0);
                range.encode(out);
            }
            Keys::List(keys) => {
                put_varint(out, keys.len() as u64 + 1);
                keys.iter().for_each(|key| key.as_ref().encode(out));
            }
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Keys, Damage> {
        let start = reader.clone();
        let count = match reader.varint()? {
            0 => return Ok(Keys::Range(KeyRange::decode(reader)?)),
            more => more - 1,
        };
        if count > reader.remaining() as u64 {
            return Err(start.error("count of keys beyond the data"));
        }
        let keys =
            (0..count).map(|_| PartitionKeyRef::decode(reader).map(PartitionKeyRef::to_owned));
        keys.collect::<Result<_, _>>().map(Keys::List)
    }
}

impl Position {
    /// Appends the position.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.key.as_ref().encode(out);
        match &self.clustering {
            None => put_varint(out, 0),
            Some(clustering) => {
                put_varint(out, 1);
                put_varint_bytes(out, clustering);
            }
        }
        put_varint(out, self.in_partition);
    }

    /// Reads what [`Position::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Position, Damage> {
        let key = PartitionKeyRef::decode(reader)?.to_owned();
        let start = reader.clone();
        let clustering = match reader.varint()? {
            0 => None,
            1 => Some(Bytes::copy_from_slice(reader.varint_bytes()?)),
            _ => return Err(start.error("unknown form of a position")),
        };
        Ok(Position {
            key,
            clustering,
            in_partition: reader.varint()?,
        })
    }
}

fn encode_bound(bound: &Bound<KeyEdge>, out: &mut Vec<u8>) {
    let (edge, inclusive) = match bound {
        Bound::Unbounded => return out.push(0),
        Bound::Included(edge) => (edge, 1),
        Bound::Excluded(edge) => (edge, 0),
    };
    match edge {
        KeyEdge::Token(token) => {
            out.push(2 | inclusive);
            out.extend_from_slice(&token.0.to_be_bytes());
        }
        KeyEdge::Key(key) => {
            out.push(4 | inclusive);
            key.as_ref().encode(out);
        }
    }
}

fn decode_bound(reader: &mut Reader<'_>) -> Result<Bound<KeyEdge>, Damage> {
    let start = reader.clone();
    let tag = reader.u8()?;
    let edge = match tag & !1 {
        0 if tag == 0 => return Ok(Bound::Unbounded),
        2 => KeyEdge::Token(Token(reader.i64_be()?)),
        4 => KeyEdge::Key(PartitionKeyRef::decode(reader)?.to_owned()),
        _ => return Err(start.error("unknown kind of key bound")),
    };
    Ok(if tag & 1 == 1 {
        Bound::Included(edge)
    } else {
        Bound::Excluded(edge)
    })
}
