//! The binary form of a change, as entries of the metadata log hold it.
//!
//! | Field | Form |
//! |---|---|
//! | version | 1 byte, [`VERSION`] |
//! | kind | 1 byte, the `CREATE_KEYSPACE` .. constants; never reused |
//! | rest | the fields of the change in the order of [`Change`], in the forms of `codec` |
//!
//! A reader refuses versions and kinds it does not know: an entry that cannot be understood stops the log, it is
//! never skipped. Bytes after the change belong to the caller.

use std::sync::Arc;

use base::bytes::{Reader, put_signed_varint};

use super::{Change, NewColumn, TableAction, TypeAction};
use crate::codec::{self, Decoded, content};
use crate::table;

/// The version written.
pub const VERSION: u8 = 1;

const CREATE_KEYSPACE: u8 = 1;
const ALTER_KEYSPACE: u8 = 2;
const DROP_KEYSPACE: u8 = 3;
const CREATE_TYPE: u8 = 4;
const ALTER_TYPE_ADD: u8 = 5;
const ALTER_TYPE_RENAME: u8 = 6;
const DROP_TYPE: u8 = 7;
const CREATE_TABLE: u8 = 8;
const ALTER_TABLE_ADD: u8 = 9;
const ALTER_TABLE_DROP: u8 = 10;
const ALTER_TABLE_RENAME: u8 = 11;
const ALTER_TABLE_OPTIONS: u8 = 12;
const DROP_TABLE: u8 = 13;

impl Change {
    /// Appends the binary form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        match self {
            Change::CreateKeyspace {
                name,
                replication,
                durable_writes,
                if_not_exists,
            } => {
                put_head(out, CREATE_KEYSPACE, name, None);
                codec::put_map(out, replication);
                codec::put_flag(out, *durable_writes);
                codec::put_flag(out, *if_not_exists);
            }
            Change::AlterKeyspace {
                name,
                replication,
                durable_writes,
                if_exists,
            } => {
                put_head(out, ALTER_KEYSPACE, name, None);
                put_option(out, replication.as_ref(), codec::put_map);
                put_option(out, durable_writes.as_ref(), |out, flag| {
                    codec::put_flag(out, *flag)
                });
                codec::put_flag(out, *if_exists);
            }
            Change::DropKeyspace { name, if_exists } => {
                put_head(out, DROP_KEYSPACE, name, None);
                codec::put_flag(out, *if_exists);
            }
            Change::CreateType {
                keyspace,
                name,
                fields,
                if_not_exists,
            } => {
                put_head(out, CREATE_TYPE, keyspace, Some(name));
                codec::put_list(out, fields, |out, (name, ty)| {
                    codec::put_text(out, name);
                    codec::put_type(out, ty);
                });
                codec::put_flag(out, *if_not_exists);
            }
            Change::AlterType {
                keyspace,
                name,
                if_exists,
                action,
            } => {
                put_alter_type(out, keyspace, name, *if_exists, action);
            }
            Change::DropType {
                keyspace,
                name,
                if_exists,
            } => {
                put_head(out, DROP_TYPE, keyspace, Some(name));
                codec::put_flag(out, *if_exists);
            }
            Change::CreateTable {
                table,
                if_not_exists,
            } => {
                out.push(CREATE_TABLE);
                table::encode(table, out);
                codec::put_flag(out, *if_not_exists);
            }
            Change::AlterTable {
                keyspace,
                name,
                if_exists,
                action,
            } => {
                put_alter_table(out, keyspace, name, *if_exists, action);
            }
            Change::DropTable {
                keyspace,
                name,
                if_exists,
            } => {
                put_head(out, DROP_TABLE, keyspace, Some(name));
                codec::put_flag(out, *if_exists);
            }
        }
    }

    /// Reads what [`Change::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Decoded<Change> {
        let start = reader.clone();
        let version = reader.u8()?;
        if version != VERSION {
            return Err(content(
                &start,
                format!("schema change of version {version}"),
            ));
        }
        let start = reader.clone();
        match reader.u8()? {
            CREATE_KEYSPACE => Ok(Change::CreateKeyspace {
                name: codec::text(reader)?,
                replication: codec::map(reader)?,
                durable_writes: codec::flag(reader)?,
                if_not_exists: codec::flag(reader)?,
            }),
            ALTER_KEYSPACE => Ok(Change::AlterKeyspace {
                name: codec::text(reader)?,
                replication: option(reader, codec::map)?,
                durable_writes: option(reader, codec::flag)?,
                if_exists: codec::flag(reader)?,
            }),
            DROP_KEYSPACE => Ok(Change::DropKeyspace {
                name: codec::text(reader)?,
                if_exists: codec::flag(reader)?,
            }),
            CREATE_TYPE => Ok(Change::CreateType {
                keyspace: codec::text(reader)?,
                name: codec::text(reader)?,
                fields: codec::list(reader, |reader| {
                    Ok((codec::text(reader)?, codec::ty(reader)?))
                })?,
                if_not_exists: codec::flag(reader)?,
            }),
            kind @ (ALTER_TYPE_ADD | ALTER_TYPE_RENAME) => alter_type(reader, kind),
            DROP_TYPE => Ok(Change::DropType {
                keyspace: codec::text(reader)?,
                name: codec::text(reader)?,
                if_exists: codec::flag(reader)?,
            }),
            CREATE_TABLE => Ok(Change::CreateTable {
                table: Arc::new(table::decode(reader)?),
                if_not_exists: codec::flag(reader)?,
            }),
            kind @ ALTER_TABLE_ADD..=ALTER_TABLE_OPTIONS => alter_table(reader, kind),
            DROP_TABLE => Ok(Change::DropTable {
                keyspace: codec::text(reader)?,
                name: codec::text(reader)?,
                if_exists: codec::flag(reader)?,
            }),
            kind => Err(content(&start, format!("schema change of kind {kind}"))),
        }
    }
}

fn put_head(out: &mut Vec<u8>, kind: u8, first: &str, second: Option<&str>) {
    out.push(kind);
    codec::put_text(out, first);
    if let Some(second) = second {
        codec::put_text(out, second);
    }
}

fn put_option<T>(out: &mut Vec<u8>, value: Option<&T>, put: impl Fn(&mut Vec<u8>, &T)) {
    codec::put_flag(out, value.is_some());
    if let Some(value) = value {
        put(out, value);
    }
}

fn option<T>(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Decoded<T>,
) -> Decoded<Option<T>> {
    if codec::flag(reader)? {
        read(reader).map(Some)
    } else {
        Ok(None)
    }
}

fn put_pairs(out: &mut Vec<u8>, pairs: &[(String, String)]) {
    codec::put_list(out, pairs, |out, (from, to)| {
        codec::put_text(out, from);
        codec::put_text(out, to);
    });
}

fn pairs(reader: &mut Reader<'_>) -> Decoded<Vec<(String, String)>> {
    codec::list(reader, |reader| {
        Ok((codec::text(reader)?, codec::text(reader)?))
    })
}

fn put_alter_type(
    out: &mut Vec<u8>,
    keyspace: &str,
    name: &str,
    if_exists: bool,
    action: &TypeAction,
) {
    match action {
        TypeAction::Add {
            field,
            ty,
            if_not_exists,
        } => {
            put_head(out, ALTER_TYPE_ADD, keyspace, Some(name));
            codec::put_flag(out, if_exists);
            codec::put_text(out, field);
            codec::put_type(out, ty);
            codec::put_flag(out, *if_not_exists);
        }
        TypeAction::Rename {
            renames,
            if_exists: if_field_exists,
        } => {
            put_head(out, ALTER_TYPE_RENAME, keyspace, Some(name));
            codec::put_flag(out, if_exists);
            put_pairs(out, renames);
            codec::put_flag(out, *if_field_exists);
        }
    }
}

fn alter_type(reader: &mut Reader<'_>, kind: u8) -> Decoded<Change> {
    let (keyspace, name) = (codec::text(reader)?, codec::text(reader)?);
    let if_exists = codec::flag(reader)?;
    let action = if kind == ALTER_TYPE_ADD {
        TypeAction::Add {
            field: codec::text(reader)?,
            ty: codec::ty(reader)?,
            if_not_exists: codec::flag(reader)?,
        }
    } else {
        TypeAction::Rename {
            renames: pairs(reader)?,
            if_exists: codec::flag(reader)?,
        }
    };
    Ok(Change::AlterType {
        keyspace,
        name,
        if_exists,
        action,
    })
}

fn put_alter_table(
    out: &mut Vec<u8>,
    keyspace: &str,
    name: &str,
    if_exists: bool,
    action: &TableAction,
) {
    let kind = match action {
        TableAction::Add { .. } => ALTER_TABLE_ADD,
        TableAction::Drop { .. } => ALTER_TABLE_DROP,
        TableAction::Rename { .. } => ALTER_TABLE_RENAME,
        TableAction::Options(_) => ALTER_TABLE_OPTIONS,
    };
    put_head(out, kind, keyspace, Some(name));
    codec::put_flag(out, if_exists);
    match action {
        TableAction::Add {
            columns,
            if_not_exists,
        } => {
            codec::put_list(out, columns, |out, column| {
                codec::put_text(out, &column.name);
                codec::put_type(out, &column.ty);
                codec::put_flag(out, column.is_static);
            });
            codec::put_flag(out, *if_not_exists);
        }
        TableAction::Drop {
            columns,
            if_exists,
            time_micros,
        } => {
            codec::put_list(out, columns, |out, name| codec::put_text(out, name));
            codec::put_flag(out, *if_exists);
            put_signed_varint(out, *time_micros);
        }
        TableAction::Rename { renames, if_exists } => {
            put_pairs(out, renames);
            codec::put_flag(out, *if_exists);
        }
        TableAction::Options(properties) => codec::put_properties(out, properties),
    }
}

fn alter_table(reader: &mut Reader<'_>, kind: u8) -> Decoded<Change> {
    let (keyspace, name) = (codec::text(reader)?, codec::text(reader)?);
    let if_exists = codec::flag(reader)?;
    let action = match kind {
        ALTER_TABLE_ADD => TableAction::Add {
            columns: codec::list(reader, |reader| {
                Ok(NewColumn {
                    name: codec::text(reader)?,
                    ty: codec::ty(reader)?,
                    is_static: codec::flag(reader)?,
                })
            })?,
            if_not_exists: codec::flag(reader)?,
        },
        ALTER_TABLE_DROP => TableAction::Drop {
            columns: codec::list(reader, codec::text)?,
            if_exists: codec::flag(reader)?,
            time_micros: reader.signed_varint()?,
        },
        ALTER_TABLE_RENAME => TableAction::Rename {
            renames: pairs(reader)?,
            if_exists: codec::flag(reader)?,
        },
        _ => TableAction::Options(codec::properties(reader)?),
    };
    Ok(Change::AlterTable {
        keyspace,
        name,
        if_exists,
        action,
    })
}
