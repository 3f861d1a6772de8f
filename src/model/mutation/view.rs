//! Walking a mutation without copying it.
//!
//! A view trusts its bytes: they came from [`super::check()`] or from a checksummed frame. On damage the walk ends
//! early; it never panics.

use base::bytes::Reader;
use types::Token;
use uuid::Uuid;

use super::format;
use crate::key::RangeTombstoneRef;
use crate::{Damage, Deletion, PartitionKeyRef, TableId};

/// A mutation, opened.
#[derive(Debug, Clone)]
pub struct View<'a> {
    table: TableId,
    key: PartitionKeyRef<'a>,
    elements: Reader<'a>,
}

/// One part of a mutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element<'a> {
    /// Deletes the partition.
    PartitionDeletion(Deletion),
    /// Changes static columns: an image.
    Static(&'a [u8]),
    /// Changes a row.
    Row {
        /// Which.
        clustering: &'a [u8],
        /// How.
        image: &'a [u8],
    },
    /// Deletes a range of rows.
    RangeTombstone(RangeTombstoneRef<'a>),
}

impl<'a> View<'a> {
    /// Opens a mutation; damaged bytes read as one of table zero without elements.
    pub fn new(mutation: &'a [u8]) -> View<'a> {
        View::open(mutation).unwrap_or_else(|_| View {
            table: TableId(Uuid::nil()),
            key: PartitionKeyRef {
                token: Token::MIN,
                bytes: &[],
            },
            elements: Reader::new(&[]),
        })
    }

    pub(super) fn open(mutation: &'a [u8]) -> Result<View<'a>, Damage> {
        let mut reader = Reader::new(mutation);
        let start = reader.clone();
        if reader.u8()? != format::VERSION {
            return Err(start.error("unknown version of a mutation"));
        }
        let table = TableId(Uuid::from_bytes(reader.fixed()?));
        let token = Token(reader.i64_be()?);
        let key = PartitionKeyRef {
            token,
            bytes: reader.varint_bytes()?,
        };
        Ok(View {
            table,
            key,
            elements: reader,
        })
    }

    /// The table it changes.
    #[inline]
    pub fn table(&self) -> TableId {
        self.table
    }

    /// The partition it changes.
    #[inline]
    pub fn key(&self) -> PartitionKeyRef<'a> {
        self.key
    }

    /// Its parts in order.
    #[inline]
    pub fn elements(&self) -> Elements<'a> {
        Elements {
            rest: self.elements.clone(),
        }
    }
}

/// The parts of a mutation in order.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    rest: Reader<'a>,
}

impl<'a> Elements<'a> {
    /// The next part, or what is wrong with it.
    #[inline]
    pub(super) fn step(&mut self) -> Result<Option<Element<'a>>, Damage> {
        let rest = &mut self.rest;
        if rest.is_empty() {
            return Ok(None);
        }
        let start = rest.clone();
        Ok(Some(match rest.u8()? {
            format::PARTITION_DELETION => Element::PartitionDeletion(Deletion::decode(rest)?),
            format::STATIC => Element::Static(rest.varint_bytes()?),
            format::ROW => Element::Row {
                clustering: rest.varint_bytes()?,
                image: rest.varint_bytes()?,
            },
            format::RANGE_TOMBSTONE => {
                let (start, end) = (rest.varint_bytes()?, rest.varint_bytes()?);
                Element::RangeTombstone(RangeTombstoneRef {
                    start,
                    end,
                    deletion: Deletion::decode(rest)?,
                })
            }
            _ => return Err(start.error("unknown element of a mutation")),
        }))
    }

    pub(super) fn position(&self) -> u64 {
        self.rest.position()
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        self.step().unwrap_or_else(|_| {
            self.rest.rest();
            None
        })
    }
}
