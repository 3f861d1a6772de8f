//! What DESCRIBE prints makes the same catalog again.

use cql::tree::{Describe, DescribeSubject};
use proptest::prelude::*;
use uuid::Uuid;

use super::{Cluster, describe};
use crate::ddl::{self, Choices};
use crate::{Catalog, Topology};

fn topology() -> Topology {
    Topology {
        data_centers: [("dc1".to_owned(), 1)].into(),
    }
}

fn execute(catalog: &mut Catalog, text: &str) {
    let mut next = catalog.tables().count() as u128;
    let mut id = || {
        next += 1;
        Uuid::from_u128(next)
    };
    let statement = cql::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let choices = Choices {
        id: &mut id,
        now_micros: 5,
    };
    let change = ddl::resolve(&statement, Some("ks"), catalog, choices)
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    *catalog = catalog
        .apply(&change, &topology())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .0;
}

fn with_keyspace() -> Catalog {
    let mut catalog = Catalog::new();
    execute(
        &mut catalog,
        "CREATE KEYSPACE ks WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 2} AND durable_writes = false",
    );
    catalog
}

/// The statements of DESCRIBE SCHEMA; one for each semicolon at the end of a line.
fn statements(catalog: &Catalog, with_internals: bool) -> Vec<String> {
    let statement = Describe {
        subject: DescribeSubject::Schema { full: false },
        with_internals,
    };
    let answer = describe(&statement, None, catalog, &Cluster::default())
        .expect("there is nothing to refuse");
    let texts = answer
        .rows
        .into_iter()
        .map(|row| String::from_utf8(row[3].clone()).expect("statements are text"));
    let texts: Vec<String> = texts.collect();
    texts
        .iter()
        .flat_map(|text| text.split_inclusive(";\n"))
        .map(str::to_owned)
        .collect()
}

fn again(catalog: &Catalog, with_internals: bool) -> Catalog {
    let mut copy = Catalog::new();
    for statement in statements(catalog, with_internals) {
        execute(&mut copy, &statement);
    }
    copy
}

#[test]
fn altered_tables_are_described_as_they_are() {
    let mut catalog = with_keyspace();
    for text in [
        "CREATE TYPE inner (a int, \"B\" text)",
        "CREATE TYPE outer (i frozen<inner>, l list<int>)",
        "CREATE TABLE t (k int, c text, v int, o frozen<outer>, w int, PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (c DESC)",
        "ALTER TYPE inner ADD x timestamp",
        "ALTER TABLE t ADD (s int static, \"Z\" int)",
        "ALTER TABLE t DROP (v, w)",
        "ALTER TABLE t ADD v int",
        "ALTER TABLE t RENAME c TO \"order\"",
        "ALTER TABLE t WITH comment = 'it''s' AND compaction = {'class': 'TimeWindowCompactionStrategy'}",
    ] {
        execute(&mut catalog, text);
    }
    for with_internals in [false, true] {
        let copy = again(&catalog, with_internals);
        assert_eq!(
            statements(&copy, with_internals),
            statements(&catalog, with_internals)
        );
    }
}

/// A type that a column may have; not every one may be part of a key.
fn column_type() -> impl Strategy<Value = String> {
    let native = prop::sample::select(vec![
        "ascii",
        "bigint",
        "blob",
        "boolean",
        "date",
        "decimal",
        "double",
        "float",
        "inet",
        "int",
        "smallint",
        "text",
        "time",
        "timestamp",
        "timeuuid",
        "tinyint",
        "uuid",
        "varint",
        "frozen<udt>",
    ]);
    native
        .prop_map(str::to_owned)
        .prop_recursive(3, 8, 2, |inner| {
            prop_oneof![
                inner
                    .clone()
                    .prop_map(|element| format!("frozen<list<{element}>>")),
                inner
                    .clone()
                    .prop_map(|element| format!("frozen<set<{element}>>")),
                (inner.clone(), inner.clone())
                    .prop_map(|(key, value)| format!("frozen<map<{key}, {value}>>")),
                (inner.clone(), inner.clone())
                    .prop_map(|(a, b)| format!("frozen<tuple<{a}, {b}>>")),
                inner.prop_map(|element| format!("vector<{element}, 3>")),
            ]
        })
}

fn table() -> impl Strategy<Value = String> {
    let others = (column_type(), 0..4_u8).prop_map(|(ty, shape)| match shape {
        0 => format!("list<{ty}>"),
        1 => format!("map<text, {ty}>"),
        2 => "duration".to_owned(),
        _ => ty,
    });
    let columns = |kind| prop::collection::vec(kind, 0..4);
    let keys = prop::collection::vec(column_type(), 1..3);
    (
        keys,
        columns(column_type().boxed()),
        columns(others.boxed()),
        any::<u8>(),
    )
        .prop_map(|(keys, clustering, others, bits)| {
            let names = |prefix: &str, count: usize| {
                (0..count)
                    .map(|index| format!("\"{prefix}{index}\""))
                    .collect::<Vec<_>>()
            };
            let (key_names, clustering_names) =
                (names("k", keys.len()), names("C", clustering.len()));
            let mut lines: Vec<String> = Vec::new();
            lines.extend(
                key_names
                    .iter()
                    .zip(&keys)
                    .map(|(name, ty)| format!("{name} {ty}")),
            );
            lines.extend(
                clustering_names
                    .iter()
                    .zip(&clustering)
                    .map(|(name, ty)| format!("{name} {ty}")),
            );
            let suffix = if !clustering.is_empty() && bits & 1 == 1 {
                " static"
            } else {
                ""
            };
            lines.extend(
                others
                    .iter()
                    .enumerate()
                    .map(|(index, ty)| format!("v{index} {ty}{suffix}")),
            );
            let key = [
                vec![format!("({})", key_names.join(", "))],
                clustering_names.clone(),
            ]
            .concat()
            .join(", ");
            lines.push(format!("PRIMARY KEY ({key})"));
            let order = if bits & 2 == 2 { "DESC" } else { "ASC" };
            let orders = clustering_names
                .iter()
                .map(|name| format!("{name} {order}"))
                .collect::<Vec<_>>()
                .join(", ");
            let orders = if orders.is_empty() {
                String::new()
            } else {
                format!(" AND CLUSTERING ORDER BY ({orders})")
            };
            format!(
                "({}) WITH gc_grace_seconds = {bits}{orders}",
                lines.join(", ")
            )
        })
}

proptest! {
    #[test]
    fn described_schemas_come_back(tables in prop::collection::vec(table(), 1..4)) {
        let mut catalog = with_keyspace();
        execute(&mut catalog, "CREATE TYPE udt (a int, b frozen<list<text>>)");
        for (index, table) in tables.iter().enumerate() {
            execute(&mut catalog, &format!("CREATE TABLE t{index} {table}"));
        }
        prop_assert_eq!(again(&catalog, true), catalog);
    }
}
