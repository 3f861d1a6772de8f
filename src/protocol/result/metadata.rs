//! Result metadata: which columns the rows have.
//!
//! | Field | When |
//! |---|---|
//! | `[int]` flags | always |
//! | `[int]` number of columns | always |
//! | in PREPARED's variables: `[int]` n, n times `[short]` index of a partition key column | always |
//! | in rows: `[bytes]` paging state | 0x02 HAS_MORE_PAGES |
//! | in rows: `[short bytes]` new metadata id | 0x08 METADATA_CHANGED, v5 |
//! | `[string]` keyspace, `[string]` table | 0x01 GLOBAL_TABLES_SPEC, and not 0x04 NO_METADATA |
//! | per column: (`[string]` keyspace, `[string]` table if not 0x01), `[string]` name, type | not 0x04 |
//!
//! A `Metadata` is made once per statement and holds its last two lines ready for both versions, so answering with full metadata
//! is one copy. The versions differ in nothing but `duration`; without one they share the bytes.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use types::Type;

use super::column_type;
use crate::digest::digest128;
use crate::version::Version;
use crate::wire::{self, Malformed, Reader};

pub(super) const GLOBAL_TABLES_SPEC: i32 = 0x01;
pub(super) const HAS_MORE_PAGES: i32 = 0x02;
pub(super) const NO_METADATA: i32 = 0x04;
pub(super) const METADATA_CHANGED: i32 = 0x08;

/// A column of a result, or a variable of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// The keyspace of its table.
    pub keyspace: Arc<str>,
    /// Its table.
    pub table: Arc<str>,
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// The columns of a result, or the variables of a statement.
#[derive(Debug, Clone)]
pub struct Metadata {
    columns: Vec<ColumnSpec>,
    /// Whether all columns are of one table, which is then written once.
    global: bool,
    specs_v4: Bytes,
    specs_v5: Bytes,
}

impl Metadata {
    /// The metadata of these columns.
    pub fn new(columns: Vec<ColumnSpec>) -> Metadata {
        let global = columns.first().is_some_and(|first| {
            columns
                .iter()
                .all(|column| column.keyspace == first.keyspace && column.table == first.table)
        });
        let specs_v5 = encode_specs(&columns, global, Version::V5);
        let specs_v4 = encode_specs(&columns, global, Version::V4);
        let specs_v4 = if specs_v4 == specs_v5 {
            specs_v5.clone()
        } else {
            specs_v4
        };
        Metadata {
            columns,
            global,
            specs_v4,
            specs_v5,
        }
    }

    /// No columns.
    pub fn empty() -> Metadata {
        Metadata {
            columns: Vec::new(),
            global: false,
            specs_v4: Bytes::new(),
            specs_v5: Bytes::new(),
        }
    }

    /// The columns in order.
    pub fn columns(&self) -> &[ColumnSpec] {
        &self.columns
    }

    /// Whether all columns are of one table, which is then written once.
    pub fn has_global_table_spec(&self) -> bool {
        self.global
    }

    pub(super) fn count(&self) -> i32 {
        i32::try_from(self.columns.len()).expect("a statement has far fewer than 2^31 columns")
    }

    /// The flags of the metadata in full.
    pub(super) fn flags(&self) -> i32 {
        if self.global { GLOBAL_TABLES_SPEC } else { 0 }
    }

    /// The table if it is one, and the columns.
    pub(super) fn specs(&self, version: Version) -> &[u8] {
        match version {
            Version::V4 => &self.specs_v4,
            Version::V5 => &self.specs_v5,
        }
    }

    /// Reads what `specs` holds.
    pub(super) fn decode_specs(
        flags: i32,
        count: usize,
        reader: &mut Reader<'_>,
    ) -> Result<Metadata, Malformed> {
        let global = if flags & GLOBAL_TABLES_SPEC != 0 {
            Some(table(reader)?)
        } else {
            None
        };
        let column_bytes_min = if global.is_some() { 4 } else { 8 };
        let mut columns =
            Vec::with_capacity(reader.count_within(count, column_bytes_min, "the columns")?);
        for _ in 0..count {
            let (keyspace, table) = match &global {
                Some(global) => global.clone(),
                None => table(reader)?,
            };
            let name = reader.string("a column's name")?.to_owned();
            columns.push(ColumnSpec {
                keyspace,
                table,
                name,
                ty: column_type::decode(reader)?,
            });
        }
        Ok(Metadata::new(columns))
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Metadata) -> bool {
        self.columns == other.columns
    }
}

/// The id of result metadata: a function of what clients see of it, on every node and in every release alike.
pub fn metadata_id(metadata: &Metadata) -> [u8; 16] {
    digest128(&[&metadata.count().to_be_bytes(), metadata.specs(Version::V5)])
}

fn table(reader: &mut Reader<'_>) -> Result<(Arc<str>, Arc<str>), Malformed> {
    Ok((
        reader.string("the keyspace's name")?.into(),
        reader.string("the table's name")?.into(),
    ))
}

fn encode_specs(columns: &[ColumnSpec], global: bool, version: Version) -> Bytes {
    let mut out = BytesMut::new();
    if let Some(first) = columns.first().filter(|_| global) {
        wire::put_string(&mut out, &first.keyspace);
        wire::put_string(&mut out, &first.table);
    }
    for column in columns {
        if !global {
            wire::put_string(&mut out, &column.keyspace);
            wire::put_string(&mut out, &column.table);
        }
        wire::put_string(&mut out, &column.name);
        column_type::encode(&column.ty, version, &mut out);
    }
    out.freeze()
}
