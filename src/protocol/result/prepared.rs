//! PREPARED: the id of a statement, its variables, and the columns of its result.
//!
//! | Field | |
//! |---|---|
//! | `[short bytes]` id | |
//! | `[short bytes]` result metadata id | v5 |
//! | variables: metadata with the indexes of the partition key's columns | in the order of the key; drivers route by them |
//! | result: metadata | NO_METADATA and no columns, if there are no rows or they cannot be known |

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::metadata::{Metadata, NO_METADATA};
use crate::version::Version;
use crate::wire::{self, Malformed, Reader};

/// What a client needs to know to execute a prepared statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared<'a> {
    /// The id to execute it by.
    pub id: Cow<'a, [u8]>,
    /// The id of the result metadata (v5; empty when decoded on v4).
    pub result_metadata_id: Cow<'a, [u8]>,
    /// The variables.
    pub variables: Cow<'a, Metadata>,
    /// For each partition key column in order, the index of its variable; empty unless all are bound.
    pub partition_key: Cow<'a, [u16]>,
    /// The columns of the result.
    pub result: Cow<'a, Metadata>,
}

impl<'a> Prepared<'a> {
    pub(super) fn encode(&self, version: Version, out: &mut BytesMut) {
        wire::put_short_bytes(out, &self.id);
        if version == Version::V5 {
            wire::put_short_bytes(out, &self.result_metadata_id);
        }
        out.put_i32(self.variables.flags());
        out.put_i32(self.variables.count());
        out.put_i32(
            i32::try_from(self.partition_key.len())
                .expect("a key has at most as many columns as its table"),
        );
        self.partition_key
            .iter()
            .for_each(|index| out.put_u16(*index));
        out.put_slice(self.variables.specs(version));
        out.put_i32(if self.result.columns().is_empty() {
            NO_METADATA
        } else {
            self.result.flags()
        });
        out.put_i32(self.result.count());
        out.put_slice(self.result.specs(version));
    }

    pub(super) fn decode(
        version: Version,
        reader: &mut Reader<'a>,
    ) -> Result<Prepared<'a>, Malformed> {
        let id = Cow::Borrowed(reader.short_bytes("the statement's id")?);
        let result_metadata_id = match version {
            Version::V4 => Cow::Borrowed(&[][..]),
            Version::V5 => Cow::Borrowed(reader.short_bytes("the result metadata's id")?),
        };
        let (flags, count) = flags_and_count(reader)?;
        let partition_key = Cow::Owned(partition_key(reader)?);
        let variables = Cow::Owned(Metadata::decode_specs(flags, count, reader)?);
        let (flags, count) = flags_and_count(reader)?;
        let result = match flags & NO_METADATA {
            0 => Metadata::decode_specs(flags, count, reader)?,
            _ => Metadata::empty(),
        };
        Ok(Prepared {
            id,
            result_metadata_id,
            variables,
            partition_key,
            result: Cow::Owned(result),
        })
    }
}

fn flags_and_count(reader: &mut Reader<'_>) -> Result<(i32, usize), Malformed> {
    let flags = reader.int("the metadata's flags")?;
    Ok((flags, super::rows::count(reader, "the number of columns")?))
}

fn partition_key(reader: &mut Reader<'_>) -> Result<Vec<u16>, Malformed> {
    let count = super::rows::count(reader, "the partition key")?;
    let mut indexes = Vec::with_capacity(reader.count_within(count, 2, "the partition key")?);
    for _ in 0..count {
        indexes.push(reader.short("the partition key")?);
    }
    Ok(indexes)
}
