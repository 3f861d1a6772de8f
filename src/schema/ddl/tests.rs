//! What the golden scripts do not show: changes that come between resolving and applying, and damaged bytes.

use base::bytes::Reader;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Choices, resolve};
use crate::{Catalog, Change, Error, Topology};

fn change(catalog: &Catalog, text: &str) -> Change {
    let mut id = || Uuid::from_u128(catalog.tables().count() as u128);
    let statement = cql::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let choices = Choices {
        id: &mut id,
        now_micros: 5,
    };
    resolve(&statement, Some("ks"), catalog, choices)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn applied(catalog: &Catalog, change: &Change) -> Result<Catalog, Error> {
    let topology = Topology {
        data_centers: [("dc1".to_owned(), 1)].into(),
    };
    catalog.apply(change, &topology).map(|(catalog, _)| catalog)
}

fn after(texts: &[&str]) -> Catalog {
    let mut catalog = Catalog::new();
    let keyspace = "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";
    for text in [keyspace].iter().chain(texts) {
        catalog = applied(&catalog, &change(&catalog, text))
            .unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    catalog
}

#[test]
fn a_type_changed_meanwhile_is_taken_as_it_is() {
    let catalog = after(&["CREATE TYPE u (a int)"]);
    let create = change(&catalog, "CREATE TABLE t (k int PRIMARY KEY, v frozen<u>)");
    let altered = applied(&catalog, &change(&catalog, "ALTER TYPE u ADD b text")).unwrap();
    let table = applied(&altered, &create)
        .unwrap()
        .table("ks", "t")
        .unwrap()
        .clone();
    assert_eq!(
        table.column("v").unwrap().ty,
        altered
            .user_type("ks", "u")
            .map(|u| ::types::Type::Udt {
                definition: u.clone(),
                frozen: true
            })
            .unwrap()
    );
}

#[test]
fn a_type_dropped_meanwhile_is_missed() {
    let catalog = after(&["CREATE TYPE u (a int)"]);
    let create = change(&catalog, "CREATE TABLE t (k int PRIMARY KEY, v frozen<u>)");
    let dropped = applied(&catalog, &change(&catalog, "DROP TYPE u")).unwrap();
    assert_eq!(
        applied(&dropped, &create),
        Err(Error::invalid("Unknown type ks.u"))
    );
}

#[test]
fn the_second_of_two_tables_of_one_name_is_refused() {
    let catalog = after(&[]);
    let create = change(&catalog, "CREATE TABLE t (k int PRIMARY KEY)");
    let once = applied(&catalog, &create).unwrap();
    let twice = applied(&once, &create);
    assert_eq!(
        twice,
        Err(Error::AlreadyExists {
            keyspace: "ks".to_owned(),
            table: "t".to_owned()
        })
    );
}

#[test]
fn options_altered_at_once_are_both_kept() {
    let catalog = after(&["CREATE TABLE t (k int PRIMARY KEY)"]);
    let first = change(&catalog, "ALTER TABLE t WITH comment = 'a'");
    let second = change(&catalog, "ALTER TABLE t WITH gc_grace_seconds = 7");
    let both = applied(&applied(&catalog, &first).unwrap(), &second).unwrap();
    let options = &both.table("ks", "t").unwrap().options;
    assert_eq!(
        (options.comment.as_str(), options.gc_grace_seconds),
        ("a", 7)
    );
}

#[test]
fn the_version_follows_the_content() {
    let empty = Catalog::new();
    let catalog = after(&["CREATE TABLE t (k int PRIMARY KEY)"]);
    let more = applied(&catalog, &change(&catalog, "ALTER TABLE t ADD v int")).unwrap();
    assert_eq!(
        after(&["CREATE TABLE t (k int PRIMARY KEY)"]).version(),
        catalog.version()
    );
    assert_ne!(catalog.version(), empty.version());
    assert_ne!(catalog.version(), more.version());
    let gone = applied(&catalog, &change(&catalog, "DROP KEYSPACE ks")).unwrap();
    assert_eq!(gone.version(), empty.version());
    assert_eq!(gone, empty);
}

#[test]
fn unaltered_tables_are_shared() {
    let catalog = after(&[
        "CREATE TABLE a (k int PRIMARY KEY)",
        "CREATE TABLE b (k int PRIMARY KEY)",
    ]);
    let more = applied(&catalog, &change(&catalog, "ALTER TABLE b ADD v int")).unwrap();
    let shared = |name| {
        std::sync::Arc::ptr_eq(
            catalog.table("ks", name).unwrap(),
            more.table("ks", name).unwrap(),
        )
    };
    assert!(shared("a") && !shared("b"));
}

/// Bytes of a valid change with some of them changed.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let texts = [
        "CREATE TABLE t (k int, c text, v list<frozen<u>>, s int static, PRIMARY KEY (k, c))",
        "ALTER TABLE old ADD (v int, w text)",
        "ALTER TYPE u ADD b text",
        "ALTER KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}",
    ];
    let catalog = after(&[
        "CREATE TYPE u (a int)",
        "CREATE TABLE old (k int PRIMARY KEY)",
    ]);
    let bytes: Vec<Vec<u8>> = texts
        .iter()
        .map(|text| {
            let mut bytes = Vec::new();
            change(&catalog, text).encode(&mut bytes);
            bytes
        })
        .collect();
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (
        prop::sample::select(bytes),
        edits,
        any::<prop::sample::Index>(),
    )
        .prop_map(|(mut bytes, edits, cut)| {
            for (index, byte) in edits {
                let index = index.index(bytes.len());
                bytes[index] = byte;
            }
            bytes.truncate(cut.index(bytes.len() * 2));
            bytes
        })
}

proptest! {
    #[test]
    fn damaged_changes_never_panic(bytes in damaged()) {
        if let Ok(change) = Change::decode(&mut Reader::new(&bytes)) {
            let catalog = after(&["CREATE TYPE u (a int)", "CREATE TABLE old (k int PRIMARY KEY)"]);
            if let Ok(catalog) = applied(&catalog, &change) {
                let mut bytes = Vec::new();
                catalog.encode(&mut bytes);
                prop_assert_eq!(Catalog::decode(&mut Reader::new(&bytes)), Ok(catalog));
            }
        }
        let _ = Catalog::decode(&mut Reader::new(&bytes));
    }
}
