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
    catalog.check(change)?;
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

/// What resolving or applying the statement is refused with.
fn refused(catalog: &Catalog, text: &str) -> String {
    let mut id = || Uuid::from_u128(u128::MAX);
    let statement = cql::parse(text).expect("the statement parses");
    let choices = Choices {
        id: &mut id,
        now_micros: 5,
    };
    let result = resolve(&statement, Some("ks"), catalog, choices);
    let result = result.and_then(|change| applied(catalog, &change));
    match result {
        Ok(_) => "nothing".to_owned(),
        Err(Error::Invalid(message)) => message.into(),
        Err(other) => format!("{other:?}"),
    }
}

fn too_large(name: &str) -> String {
    format!("Type {name} is too large: with user types written out it has more than 1000 parts")
}

/// Types `d0` to `d8`, each with two fields of the one before: 2^(i + 2) - 1 parts, 1023 for the next.
fn doubled() -> Vec<String> {
    let first = "CREATE TYPE d0 (a int, b int)".to_owned();
    let next = |i: u32| {
        let before = i - 1;
        format!("CREATE TYPE d{i} (a frozen<d{before}>, b frozen<d{before}>)")
    };
    std::iter::once(first).chain((1..8).map(next)).collect()
}

#[test]
fn types_that_double_are_refused_in_time() {
    let mut texts = doubled();
    texts.push("CREATE TABLE t (k int PRIMARY KEY, v frozen<d7>)".to_owned());
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let catalog = after(&texts);
    let check = |text: &str, name: &str| {
        assert_eq!(refused(&catalog, text), too_large(name), "{text}");
    };
    check("CREATE TYPE d8 (a frozen<d7>, b frozen<d7>)", "ks.d8");
    check(
        "CREATE TABLE u (k int PRIMARY KEY, v tuple<frozen<d7>, frozen<d7>>)",
        "tuple",
    );
    check(
        "CREATE TABLE u (k int PRIMARY KEY, v map<frozen<d7>, frozen<d7>>)",
        "map<frozen<d7>, frozen<d7>>",
    );
    check(
        "ALTER TABLE t ADD w map<frozen<d7>, frozen<d7>>",
        "map<frozen<d7>, frozen<d7>>",
    );
    check(
        "ALTER TYPE d7 ADD c map<frozen<d7>, frozen<d7>>",
        "map<frozen<d7>, frozen<d7>>",
    );
    // Three parts more in each of the 128 d0, and a user of a user has too many.
    check(
        "ALTER TYPE d0 ADD c frozen<map<int, tuple<int, int>>>",
        "ks.d7",
    );
}

#[test]
fn wide_types_are_refused() {
    let fields = |count: u32| {
        let fields: Vec<String> = (0..count).map(|i| format!("f{i} int")).collect();
        format!("CREATE TYPE u ({})", fields.join(", "))
    };
    let catalog = after(&[
        &fields(999),
        "CREATE TABLE t (k int PRIMARY KEY, v frozen<u>)",
    ]);
    assert_eq!(refused(&after(&[]), &fields(1000)), too_large("ks.u"));
    assert_eq!(
        refused(&catalog, "ALTER TYPE u ADD g int"),
        too_large("ks.u")
    );
    let list = "CREATE TABLE u (k int PRIMARY KEY, v list<frozen<u>>)";
    assert_eq!(refused(&catalog, list), too_large("list<frozen<u>>"));
}

#[test]
fn a_change_from_elsewhere_is_measured_too() {
    let texts = doubled();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let before = after(&texts);
    let table = change(
        &before,
        "CREATE TABLE t (k int PRIMARY KEY, v map<frozen<d7>, int>, w map<frozen<d6>, frozen<d7>>)",
    );
    let grown = applied(
        &before,
        &change(&before, "ALTER TYPE d6 ADD c frozen<list<int>>"),
    );
    let grown = grown.expect("d7 grows by four parts");
    assert!(applied(&grown, &table).is_ok());
    let grown = applied(&grown, &change(&grown, "ALTER TYPE d5 ADD c frozen<d4>"));
    let error = grown
        .and_then(|grown| applied(&grown, &table))
        .expect_err("the map has too many parts by now");
    assert_eq!(error.to_string(), too_large("map<frozen<d6>, frozen<d7>>"));
}

#[test]
fn long_names_are_refused() {
    let catalog = after(&[
        "CREATE TYPE u (a int)",
        "CREATE TABLE t (k int PRIMARY KEY, v int)",
    ]);
    let check = |what: &str, text: &str| {
        let with = |length: usize| text.replace('$', &"n".repeat(length));
        assert_eq!(refused(&catalog, &with(1024)), "nothing", "{text}");
        let expected = format!(
            "{what} name must not be more than 1024 bytes long (got '{}...' of 1025 bytes)",
            "n".repeat(48)
        );
        assert_eq!(refused(&catalog, &with(1025)), expected, "{text}");
    };
    check("Column", "CREATE TABLE x ($ int PRIMARY KEY)");
    check("Column", "CREATE TABLE x (k int PRIMARY KEY, $ int)");
    check("Column", "ALTER TABLE t ADD $ int");
    check("Column", "ALTER TABLE t RENAME k TO $");
    check("Type", "CREATE TYPE $ (a int)");
    check("Field", "CREATE TYPE x ($ int)");
    check("Field", "ALTER TYPE u ADD $ int");
    check("Field", "ALTER TYPE u RENAME a TO $");
}

/// Thousands of columns take time in proportion to their number: looking each up among the others would take minutes
/// in the time that these take seconds.
#[test]
fn thousands_of_columns_are_added_and_dropped() {
    let columns = |prefix: &str, count: usize, ty: &str| {
        let columns: Vec<String> = (0..count).map(|n| format!("{prefix}{n}{ty}")).collect();
        columns.join(", ")
    };
    let catalog = after(&[&format!(
        "CREATE TABLE t (k int PRIMARY KEY, {})",
        columns("a", 16_000, " int")
    )]);
    let add = format!("ALTER TABLE t ADD ({})", columns("b", 16_000, " text"));
    let more = applied(&catalog, &change(&catalog, &add)).unwrap();
    assert_eq!(more.table("ks", "t").unwrap().columns().count(), 32_001);
    let drop = format!("ALTER TABLE t DROP ({})", columns("a", 16_000, ""));
    let less = applied(&more, &change(&more, &drop)).unwrap();
    let table = less.table("ks", "t").unwrap();
    assert_eq!(
        (table.columns().count(), table.dropped.len()),
        (16_001, 16_000)
    );
    let add = format!("ALTER TABLE t ADD ({})", columns("a", 16_000, " int"));
    let again = applied(&less, &change(&less, &add)).unwrap();
    let table = again.table("ks", "t").unwrap();
    assert_eq!(table.column("a15999").unwrap().id.0, 48_001);
    let add = format!("ALTER TABLE t ADD ({})", columns("c", 1_000, " int"));
    assert_eq!(
        applied(&again, &change(&again, &add)),
        Err(Error::invalid(
            "A table cannot have more than 32767 columns"
        ))
    );
}

/// What a table's types take together is bounded: when it is made, when columns come, and when a type grows.
#[test]
fn a_table_of_many_large_types_is_refused() {
    let fields: Vec<String> = (0..99).map(|n| format!("f{n} int")).collect();
    let catalog = after(&[&format!("CREATE TYPE u ({})", fields.join(", "))]);
    let refused = Error::invalid(
        "Table ks.t is too large: with user types written out its columns have more than 100000 parts",
    );
    let columns = |range: std::ops::Range<usize>| {
        let columns: Vec<String> = range.map(|n| format!("c{n} frozen<u>")).collect();
        columns.join(", ")
    };
    let create = |count| format!("CREATE TABLE t (k int PRIMARY KEY, {})", columns(0..count));
    let statement = cql::parse(&create(30_000)).unwrap();
    let choices = Choices {
        id: &mut Uuid::nil,
        now_micros: 5,
    };
    assert_eq!(
        resolve(&statement, Some("ks"), &catalog, choices),
        Err(refused.clone())
    );
    let catalog = applied(&catalog, &change(&catalog, &create(995))).unwrap();
    let add = format!("ALTER TABLE t ADD ({})", columns(995..1_000));
    assert_eq!(
        applied(&catalog, &change(&catalog, &add)),
        Err(refused.clone())
    );
    let grow = change(&catalog, "ALTER TYPE u ADD g int");
    assert_eq!(applied(&catalog, &grow), Err(refused));
}

/// Types are written in one order, however many there are.
#[test]
fn types_come_before_those_that_use_them() {
    let mut texts = vec!["CREATE TYPE z0 (a int)".to_owned()];
    texts.extend((1..20).map(|n| format!("CREATE TYPE z{n} (a frozen<z{}>, b int)", n - 1)));
    texts.push("CREATE TYPE a (x frozen<z3>, y list<frozen<z0>>)".to_owned());
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let catalog = after(&texts);
    let types = catalog.keyspace("ks").unwrap().types_by_dependency();
    let names: Vec<&str> = types.iter().map(|ty| ty.name.as_str()).collect();
    assert_eq!(names[..7], ["z0", "z1", "z2", "z3", "a", "z4", "z5"]);
    assert_eq!(names.len(), 21);
}

/// What was let in once holds for ever: applying knows no limits, so that an older log reads under stricter ones.
#[test]
fn a_change_beyond_todays_limits_is_applied() {
    let catalog = after(&["CREATE TYPE u (a int)"]);
    let create = change(&catalog, "CREATE TABLE t (k int PRIMARY KEY, v frozen<u>)");
    let Change::CreateTable { table, .. } = &create else {
        panic!("{create:?}");
    };
    let fields = (0..2_000).map(|n| (format!("f{n}"), ::types::Type::Int));
    let mut properties = crate::property::Properties::default();
    properties.set("gc_grace_seconds", "5");
    properties.set("bloom_filter_fp_chance", "7");
    let catalog = applied(&catalog, &create).unwrap();
    let changes = [
        Change::AlterTable {
            keyspace: "ks".to_owned(),
            name: "t".to_owned(),
            if_exists: false,
            action: crate::change::TableAction::Options(properties),
        },
        Change::CreateTable {
            table: std::sync::Arc::new(crate::Table {
                id: model::TableId(Uuid::max()),
                name: "t-1".into(),
                ..crate::Table::clone(table)
            }),
            if_not_exists: false,
        },
        Change::CreateType {
            keyspace: "ks".to_owned(),
            name: "large".to_owned(),
            fields: fields.collect(),
            if_not_exists: false,
        },
        Change::CreateType {
            keyspace: "ks".to_owned(),
            name: "n".repeat(2_000),
            fields: vec![("a".to_owned(), ::types::Type::Int)],
            if_not_exists: false,
        },
    ];
    for change in changes {
        assert!(catalog.check(&change).is_err(), "{change:?}");
        let (after, _) = catalog.apply(&change, &Topology::default()).unwrap();
        let mut bytes = Vec::new();
        after.encode(&mut bytes);
        assert_eq!(Catalog::decode(&mut Reader::new(&bytes)), Ok(after));
    }
}

/// What no file could hold is refused by applying too: a change may come from a log or a peer.
#[test]
fn a_type_without_a_binary_form_is_refused() {
    let catalog = after(&[]);
    let create = |name: &str, fields: Vec<(String, ::types::Type)>| {
        let change = Change::CreateType {
            keyspace: "ks".to_owned(),
            name: name.to_owned(),
            fields,
            if_not_exists: false,
        };
        catalog.apply(&change, &Topology::default()).map(|_| ())
    };
    let int = |name: String| (name, ::types::Type::Int);
    let long = "n".repeat(70_000);
    assert_eq!(create("a", vec![int("a".to_owned())]), Ok(()));
    assert!(create(&long, vec![int("a".to_owned())]).is_err());
    assert!(create("a", vec![int(long)]).is_err());
    let deep = (0..40).fold(::types::Type::Int, |ty, _| ::types::Type::list(ty, true));
    assert!(create("a", vec![("a".to_owned(), deep)]).is_err());
    let many = (0..70_000).map(|n| int(format!("f{n}"))).collect();
    assert!(create("a", many).is_err());
}
