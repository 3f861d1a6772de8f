//! What each table says of a keyspace.

use crate::property::Value;
use crate::table::{Column, ColumnKind, Memtable, Order};
use crate::virtual_table::{Row, Rows};
use crate::{Keyspace, Table};

pub(super) fn keyspace(keyspace: &Keyspace, rows: &mut Rows) {
    rows.add(&[], |row| {
        row.boolean("durable_writes", keyspace.durable_writes)
            .text_map("replication", keyspace.replication.properties());
    });
}

pub(super) fn virtual_keyspace(_: &Keyspace, rows: &mut Rows) {
    rows.add(&[], |_| {});
}

pub(super) fn virtual_tables(keyspace: &Keyspace, rows: &mut Rows) {
    for table in keyspace.tables.values() {
        rows.add(&[table.name.as_bytes()], |row| {
            row.text("comment", &table.options.comment);
        });
    }
}

pub(super) fn tables(keyspace: &Keyspace, rows: &mut Rows) {
    for table in keyspace.tables.values() {
        rows.add(&[table.name.as_bytes()], |row| {
            let counter = table.is_counter().then_some("counter");
            row.uuid("id", table.id.0)
                .texts("flags", counter.into_iter().chain(["compound"]));
            fill_options(row, table);
        });
    }
}

fn fill_options(row: &mut Row<'_>, table: &Table) {
    let options = &table.options;
    let int = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    // For drivers of old: Cassandra has not had them since 4.0.
    row.double("dclocal_read_repair_chance", 0.0)
        .double("read_repair_chance", 0.0);
    // Cassandra writes these only where they differ from the default, and `cdc` only on nodes that do it.
    if !options.allow_auto_snapshot {
        row.boolean("allow_auto_snapshot", false);
    }
    if !options.incremental_backups {
        row.boolean("incremental_backups", false);
    }
    if options.memtable != Memtable::Default {
        row.text("memtable", options.memtable.as_str());
    }
    row.double("bloom_filter_fp_chance", options.bloom_filter_fp_chance)
        .double("crc_check_chance", options.crc_check_chance)
        .int(
            "default_time_to_live",
            int(options.default_time_to_live_seconds),
        )
        .int("gc_grace_seconds", int(options.gc_grace_seconds))
        .int("max_index_interval", int(options.max_index_interval))
        .int(
            "memtable_flush_period_in_ms",
            int(options.memtable_flush_period_ms),
        )
        .int("min_index_interval", int(options.min_index_interval));
    let words = [
        "additional_write_policy",
        "comment",
        "read_repair",
        "speculative_retry",
    ];
    let maps = ["caching", "compaction", "compression", "extensions"];
    for (name, value) in options.properties().0 {
        match value {
            Value::Text(text) if words.contains(&name.as_str()) => row.text(&name, text),
            Value::Map(map) if maps.contains(&name.as_str()) => row.text_map(&name, map),
            _ => row,
        };
    }
}

pub(super) fn columns(keyspace: &Keyspace, rows: &mut Rows) {
    for table in keyspace.tables.values() {
        if !rows.wants(&[table.name.as_bytes()]) {
            continue;
        }
        for column in table.columns() {
            rows.add(&[table.name.as_bytes(), column.name.as_bytes()], |row| {
                fill_column(row, column)
            });
        }
    }
}

fn fill_column(row: &mut Row<'_>, column: &Column) {
    let order = match (column.kind, column.order) {
        (ColumnKind::Clustering, Order::Asc) => "asc",
        (ColumnKind::Clustering, Order::Desc) => "desc",
        _ => "none",
    };
    let position = if column.is_key() {
        i32::from(column.position)
    } else {
        -1
    };
    row.text("clustering_order", order)
        .set("column_name_bytes", column.name.as_bytes())
        .text("kind", column.kind.as_str())
        .int("position", position)
        .text("type", column.ty.to_string());
}

pub(super) fn dropped_columns(keyspace: &Keyspace, rows: &mut Rows) {
    for table in keyspace.tables.values() {
        if table.dropped.is_empty() || !rows.wants(&[table.name.as_bytes()]) {
            continue;
        }
        // Of a name dropped twice the later one stays: it is added last.
        for dropped in &table.dropped {
            rows.add(&[table.name.as_bytes(), dropped.name.as_bytes()], |row| {
                row.bigint("dropped_time", dropped.time_micros.div_euclid(1000))
                    .text("kind", dropped.kind.as_str())
                    .text("type", dropped.ty.to_string());
            });
        }
    }
}

pub(super) fn types(keyspace: &Keyspace, rows: &mut Rows) {
    for definition in keyspace.types.values() {
        rows.add(&[definition.name.as_bytes()], |row| {
            row.texts(
                "field_names",
                definition.fields.iter().map(|(name, _)| name),
            )
            .texts(
                "field_types",
                definition.fields.iter().map(|(_, ty)| ty.to_string()),
            );
        });
    }
}
