//! What a statement gives: the five kinds of RESULT, and the metadata that says how to read rows.
//!
//! | `[int]` kind | Then |
//! |---|---|
//! | 1 Void | nothing |
//! | 2 Rows | see `rows` |
//! | 3 Set_keyspace | `[string]` keyspace |
//! | 4 Prepared | see `prepared` |
//! | 5 Schema_change | see `event` |

mod class_name;
mod column_type;
mod metadata;
mod prepared;
mod rows;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

use bytes::{BufMut, BytesMut};

pub use self::class_name::class_name;
pub use self::column_type::{decode as decode_type, encode as encode_type};
pub use self::metadata::{ColumnSpec, Metadata, metadata_id};
pub use self::prepared::Prepared;
pub use self::rows::{Cells, Rows, RowsIter};
pub use self::writer::{MetadataChoice, RowsWriter};

use crate::event::SchemaChange;
use crate::version::Version;
use crate::wire::{self, Malformed, Reader};

const VOID: i32 = 1;
const ROWS: i32 = 2;
const SET_KEYSPACE: i32 = 3;
const PREPARED: i32 = 4;
const SCHEMA_CHANGE: i32 = 5;

/// The body of a RESULT.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<'a> {
    /// It is done, and there is nothing to show.
    Void,
    /// Rows, or a page of them. A server writes these with `RowsWriter` instead.
    Rows(Rows<'a>),
    /// The connection's keyspace is now this one.
    SetKeyspace(&'a str),
    /// The statement is prepared.
    Prepared(Prepared<'a>),
    /// The schema was changed.
    SchemaChange(SchemaChange),
}

impl<'a> Outcome<'a> {
    /// Writes the body.
    pub fn encode(&self, version: Version, out: &mut BytesMut) {
        match self {
            Outcome::Void => out.put_i32(VOID),
            Outcome::Rows(rows) => {
                out.put_i32(ROWS);
                rows.encode(version, out);
            }
            Outcome::SetKeyspace(keyspace) => {
                out.put_i32(SET_KEYSPACE);
                wire::put_string(out, keyspace);
            }
            Outcome::Prepared(prepared) => {
                out.put_i32(PREPARED);
                prepared.encode(version, out);
            }
            Outcome::SchemaChange(change) => {
                out.put_i32(SCHEMA_CHANGE);
                change.encode(out);
            }
        }
    }

    /// Reads the body.
    pub fn decode(version: Version, reader: &mut Reader<'a>) -> Result<Outcome<'a>, Malformed> {
        match reader.int("the kind of result")? {
            VOID => Ok(Outcome::Void),
            ROWS => Ok(Outcome::Rows(Rows::decode(reader)?)),
            SET_KEYSPACE => Ok(Outcome::SetKeyspace(reader.string("the keyspace")?)),
            PREPARED => Ok(Outcome::Prepared(Prepared::decode(version, reader)?)),
            SCHEMA_CHANGE => Ok(Outcome::SchemaChange(SchemaChange::decode(reader)?)),
            kind => Err(Malformed::new(format!("Unknown kind of result {kind}"))),
        }
    }
}
