//! The binary form of a table, as the catalog's encoding and `CREATE TABLE` entries hold it.
//!
//! | Field | Form |
//! |---|---|
//! | id | 16 bytes |
//! | keyspace, name | text |
//! | version | varint |
//! | next column id | varint |
//! | partition key, clustering, static, regular columns | count, then each: name, id as varint, order, type |
//! | dropped columns | count, then each: name, id, kind, time as signed varint, type |
//! | options | properties ([`Options::properties`]) |
//!
//! Kind and order are one byte. Only stored tables are ever written: the others are built in.

use std::collections::BTreeMap;

use base::bytes::{Reader, put_signed_varint, put_varint};
use model::{ColumnId, TableId};
use uuid::Uuid;

use super::{Column, ColumnKind, Dropped, Kind, Options, Order, Table};
use crate::codec::{self, Decoded, content};

const ASCENDING: u8 = 0;
const DESCENDING: u8 = 1;
const STATIC: u8 = 2;
const REGULAR: u8 = 3;

pub(crate) fn encode(table: &Table, out: &mut Vec<u8>) {
    out.extend_from_slice(table.id.0.as_bytes());
    codec::put_text(out, &table.keyspace);
    codec::put_text(out, &table.name);
    put_varint(out, table.version);
    put_varint(out, u64::from(table.next_column));
    for columns in [
        &table.partition_key,
        &table.clustering,
        &table.statics,
        &table.regulars,
    ] {
        codec::put_list(out, columns, put_column);
    }
    codec::put_list(out, &table.dropped, put_dropped);
    codec::put_properties(out, &table.options.properties());
}

pub(crate) fn decode(reader: &mut Reader<'_>) -> Decoded<Table> {
    let start = reader.clone();
    let id = TableId(Uuid::from_bytes(reader.fixed::<16>()?));
    let keyspace = codec::name(reader)?;
    let name = codec::name(reader)?;
    let version = reader.varint()?;
    let next_column = small(reader)?;
    let partition_key = codec::list(reader, |reader| column(reader, ColumnKind::PartitionKey))?;
    let clustering = codec::list(reader, |reader| column(reader, ColumnKind::Clustering))?;
    let statics = codec::list(reader, |reader| column(reader, ColumnKind::Static))?;
    let regulars = codec::list(reader, |reader| column(reader, ColumnKind::Regular))?;
    let dropped = codec::list(reader, dropped)?;
    let options_start = reader.clone();
    let properties = codec::properties(reader)?;
    let options = Options::default()
        .with(&properties)
        .map_err(|error| content(&options_start, error.to_string()))?;
    if partition_key.is_empty() {
        return Err(content(
            &start,
            format!("table {keyspace}.{name} without a partition key"),
        ));
    }
    let table = Table {
        id,
        keyspace,
        name,
        partition_key,
        clustering,
        statics,
        regulars,
        options,
        dropped,
        version,
        kind: Kind::Stored,
        next_column,
        names: BTreeMap::new(),
        content: 0,
    };
    check_ids(&start, &table)?;
    Ok(table.seal())
}

fn check_ids(start: &Reader<'_>, table: &Table) -> Decoded<()> {
    let mut ids: Vec<ColumnId> = table.columns().map(|column| column.id).collect();
    ids.extend(table.dropped.iter().map(|dropped| dropped.id));
    let count = ids.len();
    ids.sort();
    ids.dedup();
    let last = ids.last().map_or(0, |id| id.0);
    if ids.len() != count || last >= table.next_column || ids.first().is_some_and(|id| id.0 == 0) {
        return Err(content(
            start,
            format!(
                "table {}.{} uses a column id twice",
                table.keyspace, table.name
            ),
        ));
    }
    Ok(())
}

fn put_column(out: &mut Vec<u8>, column: &Column) {
    codec::put_text(out, &column.name);
    put_varint(out, u64::from(column.id.0));
    out.push(match column.order {
        Order::Asc => ASCENDING,
        Order::Desc => DESCENDING,
    });
    codec::put_type(out, &column.ty);
}

fn column(reader: &mut Reader<'_>, kind: ColumnKind) -> Decoded<Column> {
    let name = codec::name(reader)?;
    let id = ColumnId(small(reader)?);
    let start = reader.clone();
    let order = match reader.u8()? {
        ASCENDING => Order::Asc,
        DESCENDING => Order::Desc,
        byte => return Err(content(&start, format!("clustering order {byte}"))),
    };
    Ok(Column {
        name,
        id,
        ty: codec::ty(reader)?,
        kind,
        position: 0,
        order,
    })
}

fn put_dropped(out: &mut Vec<u8>, dropped: &Dropped) {
    codec::put_text(out, &dropped.name);
    put_varint(out, u64::from(dropped.id.0));
    out.push(if dropped.kind == ColumnKind::Static {
        STATIC
    } else {
        REGULAR
    });
    put_signed_varint(out, dropped.time_micros);
    codec::put_type(out, &dropped.ty);
}

fn dropped(reader: &mut Reader<'_>) -> Decoded<Dropped> {
    let name = codec::name(reader)?;
    let id = ColumnId(small(reader)?);
    let start = reader.clone();
    let kind = match reader.u8()? {
        STATIC => ColumnKind::Static,
        REGULAR => ColumnKind::Regular,
        byte => return Err(content(&start, format!("column kind {byte}"))),
    };
    let time_micros = reader.signed_varint()?;
    Ok(Dropped {
        name,
        id,
        kind,
        time_micros,
        ty: codec::ty(reader)?,
    })
}

fn small(reader: &mut Reader<'_>) -> Decoded<u16> {
    let start = reader.clone();
    let value = reader.varint()?;
    u16::try_from(value).map_err(|_| content(&start, format!("column id {value}")))
}
