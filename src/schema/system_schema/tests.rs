//! What a driver reads, through the stream that serves it.

use std::sync::Arc;

use base::meter::{Limit, Meter};
use model::key::clustering::Decoded;
use model::key::{Slice, clustering};
use model::read::{Command, KeyRange, Keys, Position};
use model::stream::{Step, Stream};
use model::{PartitionKey, image};

use super::{Latest, sources};
use crate::Catalog;
use crate::virtual_table::{Cursor, Source};

fn source(keyspace: &str, name: &str) -> Arc<dyn Source> {
    let catalog = Arc::new(Catalog::new());
    let latest: Latest = Arc::new(move || catalog.clone());
    let found = sources(&latest).into_iter().find(|source| {
        let table = source.definition();
        &*table.keyspace == keyspace && &*table.name == name
    });
    found.expect("the table has a source")
}

/// The rows of a stream: the partition key and the clustering components, as text.
fn rows(source: &Arc<dyn Source>, command: &Command) -> Vec<String> {
    let mut cursor = Cursor::new(source.clone(), command);
    let table = source.definition();
    let columns: Vec<_> = table
        .clustering
        .iter()
        .map(|column| (column.ty.clone(), column.order))
        .collect();
    let mut meter = Meter::unlimited();
    let mut rows = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("all keys are text");
    loop {
        match cursor
            .step(&mut meter)
            .expect("a computed table cannot fail")
        {
            Step::Row => {
                let mut decoded = Decoded::default();
                decoded
                    .decode(&columns, cursor.row().clustering)
                    .expect("a computed key is whole");
                let mut parts = vec![text(cursor.partition().key.bytes)];
                parts.extend(
                    (0..decoded.count())
                        .map(|index| text(decoded.component(index).bytes().unwrap_or_default())),
                );
                image::check(cursor.row().image).expect("a computed image is valid");
                rows.push(parts.join("."));
            }
            Step::End => return rows,
            _ => {}
        }
    }
}

fn all(source: &Arc<dyn Source>) -> Command {
    Command::new(source.definition().id, Keys::Range(KeyRange::all()), 0)
}

fn key(name: &str) -> PartitionKey {
    PartitionKey::new(name.as_bytes().to_vec())
}

#[test]
fn every_table_is_in_exactly_one_of_the_two() {
    let real = source("system_schema", "tables");
    let virtual_ = source("system_virtual_schema", "tables");
    let mut shown = rows(&real, &all(&real));
    shown.extend(rows(&virtual_, &all(&virtual_)));
    shown.sort();
    let catalog = Catalog::new();
    let mut expected: Vec<String> = catalog
        .tables()
        .map(|table| format!("{}.{}", table.keyspace, table.name))
        .collect();
    expected.sort();
    assert_eq!(shown, expected);
    let is_virtual = |name: &String| {
        name.starts_with("system_views.") || name.starts_with("system_virtual_schema.")
    };
    assert!(rows(&virtual_, &all(&virtual_)).iter().all(is_virtual));
}

#[test]
fn a_scan_goes_by_token_and_resumes_anywhere() {
    let source = source("system_schema", "columns");
    let whole = rows(&source, &all(&source));
    assert!(whole.len() > 300, "{}", whole.len());
    let mut cursor = Cursor::new(source.clone(), &all(&source));
    let mut last = None;
    let mut seen = 0;
    loop {
        match cursor
            .step(&mut Meter::unlimited())
            .expect("a computed table cannot fail")
        {
            Step::Partition => {
                let key = cursor.partition().key.to_owned();
                assert!(last.as_ref().is_none_or(|last| *last < key));
                last = Some(key);
            }
            Step::Row => {
                seen += 1;
                if seen % 37 == 0 {
                    let position = Position {
                        key: cursor.partition().key.to_owned(),
                        clustering: Some(cursor.row().clustering.to_vec().into()),
                        in_partition: 0,
                    };
                    let resumed = Command {
                        resume: Some(position),
                        ..all(&source)
                    };
                    assert_eq!(rows(&source, &resumed), whole[seen..]);
                }
            }
            Step::End => break,
            _ => {}
        }
    }
    assert_eq!(seen, whole.len());
}

#[test]
fn a_partition_is_read_alone_sliced_and_reversed() {
    let source = source("system_schema", "columns");
    let table = source.definition().clone();
    let mut prefix = Vec::new();
    let column = &table.clustering[0];
    clustering::push(
        &column.ty,
        column.order,
        clustering::Component::Value(b"peers"),
        &mut prefix,
    )
    .unwrap();
    let keys = Keys::List(vec![key("none"), key("system")]);
    let slice = Command {
        slices: vec![Slice::prefix(&prefix)],
        ..Command::new(table.id, keys, 0)
    };
    let forward = rows(&source, &slice);
    assert_eq!(forward.len(), 9);
    assert_eq!(forward[0], "system.peers.data_center");
    let mut backward = rows(
        &source,
        &Command {
            reversed: true,
            ..slice
        },
    );
    backward.reverse();
    assert_eq!(backward, forward);
}

#[test]
fn an_exhausted_meter_stops_and_loses_nothing() {
    let source = source("system_schema", "tables");
    let mut cursor = Cursor::new(source.clone(), &all(&source));
    let limit = Limit {
        nanos: 1,
        ..Limit::NONE
    };
    let (mut seen, mut yields) = (0, 0);
    let mut meter = Meter::new(limit);
    loop {
        match cursor
            .step(&mut meter)
            .expect("a computed table cannot fail")
        {
            Step::Row => seen += 1,
            Step::Yield => {
                yields += 1;
                meter.reset();
            }
            Step::End => break,
            _ => {}
        }
    }
    assert_eq!(seen, rows(&source, &all(&source)).len());
    assert!(yields >= seen, "{yields}");
}

/// The columns that Cassandra leaves empty where a table has the default.
const EMPTY_BY_DEFAULT: [&str; 4] = [
    "allow_auto_snapshot",
    "cdc",
    "incremental_backups",
    "memtable",
];

#[test]
fn sources_fill_every_column_that_drivers_need() {
    let source = source("system_schema", "tables");
    let table = source.definition();
    let mut cursor = Cursor::new(source.clone(), &all(&source));
    loop {
        match cursor
            .step(&mut Meter::unlimited())
            .expect("a computed table cannot fail")
        {
            Step::Row => {
                let view = image::View::new(cursor.row().image);
                for column in &table.regulars {
                    let is_empty = EMPTY_BY_DEFAULT.contains(&&*column.name);
                    assert_ne!(view.find(column.id).is_some(), is_empty, "{}", column.name);
                }
            }
            Step::End => break,
            _ => {}
        }
    }
}
