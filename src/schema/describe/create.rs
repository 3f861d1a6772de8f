//! The statements that make a keyspace, a type or a table again, laid out as Cassandra does.

use std::collections::BTreeMap;
use std::fmt::Write;

use ::types::name::quoted;
use ::types::udt;

use crate::property::{Properties, Value};
use crate::table::{Column, ColumnKind, Dropped, Order, options};
use crate::{Keyspace, Table, system};

/// The options whose value is a word in quotes.
const QUOTED: &[&str] = &[
    "additional_write_policy",
    "comment",
    "memtable",
    "read_repair",
    "speculative_retry",
];

/// `CREATE KEYSPACE`, or a comment for a virtual one.
pub fn keyspace(keyspace: &Keyspace) -> String {
    let name = quoted(&keyspace.name);
    if system::is_virtual(&keyspace.name) {
        return format!(
            "/*\nWarning: Keyspace {name} is a virtual keyspace and cannot be recreated with CQL.\n\
             Structure, for reference:\nVIRTUAL KEYSPACE {name};\n*/"
        );
    }
    let mut replication = format!("'class': '{}'", keyspace.replication.class());
    for (name, value) in keyspace.replication.options() {
        push(
            &mut replication,
            format_args!(", '{}': '{}'", escape(&name), escape(&value)),
        );
    }
    format!(
        "CREATE KEYSPACE {name} WITH replication = {{{replication}}}  AND durable_writes = {};",
        keyspace.durable_writes
    )
}

/// `CREATE TYPE`.
pub fn user_type(definition: &udt::Definition) -> String {
    let fields = definition
        .fields
        .iter()
        .map(|(name, ty)| format!("    {} {ty}", quoted(name)));
    let fields: Vec<String> = fields.collect();
    format!(
        "CREATE TYPE {}.{} (\n{}\n);",
        quoted(&definition.keyspace),
        quoted(&definition.name),
        fields.join(",\n")
    )
}

/// `CREATE TABLE`, or a comment for a virtual one. With internals: the id and the dropped columns too.
pub fn table(table: &Table, with_internals: bool) -> String {
    let is_virtual = system::is_virtual(&table.keyspace);
    let name = table.qualified_name();
    let mut text = String::new();
    if is_virtual {
        push(
            &mut text,
            format_args!(
                "/*\nWarning: Table {name} is a virtual table and cannot be recreated with CQL.\n\
                 Structure, for reference:\n"
            ),
        );
    }
    let verb = if is_virtual { "VIRTUAL" } else { "CREATE" };
    let dropped = if with_internals {
        latest_dropped(table)
    } else {
        BTreeMap::new()
    };
    push(
        &mut text,
        format_args!(
            "{verb} TABLE {name} (\n{}\n) WITH ",
            definitions(table, &dropped)
        ),
    );
    text.push_str(&options(table, with_internals, is_virtual).join("\n    AND "));
    text.push(';');
    if is_virtual {
        text.push_str("\n*/");
    }
    for dropped in dropped.values() {
        push(
            &mut text,
            format_args!(
                "\nALTER TABLE {name} DROP {} USING TIMESTAMP {};",
                quoted(&dropped.name),
                dropped.time_micros
            ),
        );
        if let Some(column) = table.column(&dropped.name) {
            push(
                &mut text,
                format_args!("\nALTER TABLE {name} ADD {};", definition(column)),
            );
        }
    }
    text
}

/// Of each name the column dropped last.
fn latest_dropped(table: &Table) -> BTreeMap<&str, &Dropped> {
    table
        .dropped
        .iter()
        .map(|dropped| (&*dropped.name, dropped))
        .collect()
}

/// The lines between the parentheses. A column that was dropped and added again is made as it was dropped.
fn definitions(table: &Table, dropped: &BTreeMap<&str, &Dropped>) -> String {
    let is_single = table.partition_key.len() == 1 && table.clustering.is_empty();
    let mut lines = Vec::new();
    // Columns of several cells come last of their kind.
    let mut columns: Vec<&Column> = table
        .columns()
        .filter(|column| !dropped.contains_key(&*column.name))
        .collect();
    columns.sort_by_key(|column| (column.kind, column.ty.is_multi_cell()));
    for column in columns {
        let key = if is_single && column.kind == ColumnKind::PartitionKey {
            " PRIMARY KEY"
        } else {
            ""
        };
        lines.push(format!("    {}{key}", definition(column)));
    }
    for dropped in dropped.values() {
        let suffix = if dropped.kind == ColumnKind::Static {
            " static"
        } else {
            ""
        };
        lines.push(format!(
            "    {} {}{suffix}",
            quoted(&dropped.name),
            dropped.ty
        ));
    }
    if !is_single {
        lines.push(format!("    PRIMARY KEY ({})", primary_key(table)));
    }
    lines.join(",\n")
}

fn definition(column: &Column) -> String {
    let suffix = if column.is_static() { " static" } else { "" };
    format!("{} {}{suffix}", quoted(&column.name), column.ty)
}

fn primary_key(table: &Table) -> String {
    let names = |columns: &[Column]| {
        columns
            .iter()
            .map(|column| quoted(&column.name).into_owned())
            .collect::<Vec<_>>()
    };
    let partition = names(&table.partition_key).join(", ");
    let partition = if table.partition_key.len() > 1 {
        format!("({partition})")
    } else {
        partition
    };
    [vec![partition], names(&table.clustering)]
        .concat()
        .join(", ")
}

/// The parts of WITH.
fn options(table: &Table, with_internals: bool, is_virtual: bool) -> Vec<String> {
    let mut parts = Vec::new();
    if with_internals && !is_virtual {
        parts.push(format!("ID = {}", table.id));
    }
    if !table.clustering.is_empty() {
        let order = |column: &Column| {
            let order = if column.order == Order::Desc {
                "DESC"
            } else {
                "ASC"
            };
            format!("{} {order}", quoted(&column.name))
        };
        let orders: Vec<String> = table.clustering.iter().map(order).collect();
        parts.push(format!("CLUSTERING ORDER BY ({})", orders.join(", ")));
    }
    if is_virtual {
        parts.push(format!("comment = '{}'", escape(&table.options.comment)));
        return parts;
    }
    let properties = table.options.properties();
    parts.extend(
        options::NAMES
            .iter()
            .filter_map(|name| option(name, &properties)),
    );
    parts
}

fn option(name: &str, properties: &Properties) -> Option<String> {
    let value = match properties.0.get(name)? {
        Value::Text(text) if QUOTED.contains(&name) => format!("'{}'", escape(text)),
        Value::Text(text) => text.clone(),
        Value::Map(map) => {
            let entry = |(key, value): (&String, &String)| {
                format!("'{}': '{}'", escape(key), escape(value))
            };
            format!(
                "{{{}}}",
                map.iter().map(entry).collect::<Vec<_>>().join(", ")
            )
        }
    };
    Some(format!("{name} = {value}"))
}

fn escape(text: &str) -> String {
    text.replace('\'', "''")
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes any text");
}
