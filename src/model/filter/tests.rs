//! What conditions accept.

use base::bytes::Reader;
use proptest::prelude::*;
use types::{collection, udt};

use super::*;
use crate::cell::Kind;
use crate::image::{Builder, View};
use crate::key::clustering::{self, Component};
use crate::key::partition;
use crate::{Timestamp, filter::Scratch};

const COLUMN: ColumnId = ColumnId(4);

fn int(value: i32) -> Bytes {
    Bytes::copy_from_slice(&value.to_be_bytes())
}

fn text(value: &str) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

fn condition(target: Target, ty: &Type, operator: Operator, values: &[Bytes]) -> Condition {
    Condition {
        target,
        ty: ty.clone(),
        operator,
        values: values.to_vec(),
    }
}

fn filter(conditions: Vec<Condition>) -> Filter {
    let clustering = vec![(Type::Int, Order::Asc), (Type::Text, Order::Desc)];
    Filter {
        partition_components: 2,
        clustering,
        conditions,
    }
}

/// Whether a row accepts the condition, which travels first.
fn accepts(condition: &Condition, row: &[u8]) -> bool {
    let filter = filter(vec![condition.clone()]);
    let mut bytes = Vec::new();
    filter.encode(&mut bytes);
    let filter = Filter::decode(&mut Reader::new(&bytes)).expect("what was encoded");
    let mut key = Vec::new();
    clustering::push(&Type::Int, Order::Asc, Component::Value(&int(-3)), &mut key).expect("an int");
    clustering::push(&Type::Text, Order::Desc, Component::Null, &mut key).expect("null");
    let mut partition_key = Vec::new();
    partition::encode([&int(8)[..], b"p"], &mut partition_key);

    let mut scratch = Scratch::default();
    let view = View::new(row);
    match condition.target.is_of_partition() {
        true => filter.accepts_partition(&partition_key, Some(&view), 10, &mut scratch),
        false => filter.accepts_row(&key, &view, 10, &mut scratch),
    }
}

fn row(fill: impl FnOnce(&mut Builder) -> &mut Builder) -> Vec<u8> {
    let mut builder = Builder::new();
    fill(&mut builder);
    let mut image = Vec::new();
    builder.finish_into(&mut image);
    image
}

fn simple(value: &[u8]) -> Vec<u8> {
    row(|builder| builder.cell(COLUMN, Timestamp(1), Kind::Value(value)))
}

fn check(ty: &Type, operator: Operator, values: &[Bytes], row: &[u8], expected: bool) {
    for target in [Target::Column(COLUMN), Target::Static(COLUMN)] {
        let condition = condition(target, ty, operator, values);
        assert_eq!(accepts(&condition, row), expected, "{condition:?}");
    }
}

#[test]
fn values_compare_by_their_type() {
    use Operator::*;
    // As bytes, -1 is the largest.
    for (operator, expected) in [
        (Eq, false),
        (Ne, true),
        (Lt, true),
        (Le, true),
        (Gt, false),
        (Ge, false),
    ] {
        check(&Type::Int, operator, &[int(1)], &simple(&int(-1)), expected);
    }
    for (operator, expected) in [
        (Eq, true),
        (Ne, false),
        (Lt, false),
        (Le, true),
        (Gt, false),
        (Ge, true),
    ] {
        check(&Type::Int, operator, &[int(7)], &simple(&int(7)), expected);
    }
    check(&Type::Int, In, &[int(1), int(7)], &simple(&int(7)), true);
    check(&Type::Int, In, &[int(1), int(8)], &simple(&int(7)), false);
    check(&Type::Int, In, &[], &simple(&int(7)), false);
    check(&Type::Int, Eq, &[], &simple(&int(7)), false);
}

#[test]
fn null_satisfies_nothing() {
    let null =
        row(|builder| builder.cell(COLUMN, Timestamp(1), Kind::Tombstone { local_seconds: 1 }));
    let expired = Kind::Expiring {
        ttl_seconds: 1,
        expiry_seconds: 10,
        value: Some(b"\0\0\0\x01"),
    };
    let expired = row(|builder| builder.cell(COLUMN, Timestamp(1), expired));
    for image in [&null, &expired, &row(|builder| builder)] {
        for operator in format::OPERATORS {
            check(&Type::Int, operator, &[int(1)], image, false);
        }
    }
}

#[test]
fn keys_are_decoded() {
    use Operator::*;
    let accepts = |target, ty: &Type, operator, value| {
        accepts(&condition(target, ty, operator, &[value]), &simple(b""))
    };
    assert!(accepts(Target::Clustering(0), &Type::Int, Lt, int(0)));
    assert!(!accepts(Target::Clustering(0), &Type::Int, Gt, int(0)));
    assert!(
        !accepts(Target::Clustering(1), &Type::Text, Ne, text("x")),
        "null satisfies nothing"
    );
    assert!(
        !accepts(Target::Clustering(2), &Type::Text, Ne, text("x")),
        "there is no such component"
    );
    assert!(accepts(Target::PartitionKey(0), &Type::Int, Eq, int(8)));
    assert!(accepts(Target::PartitionKey(1), &Type::Text, Eq, text("p")));
    assert!(
        !accepts(Target::PartitionKey(2), &Type::Text, Ne, text("p")),
        "there is no such component"
    );
}

fn multi_cell(elements: &[(&[u8], &[u8])]) -> Vec<u8> {
    row(|builder| {
        builder.complex(COLUMN, None);
        for (path, value) in elements {
            builder.element(path, Timestamp(1), Kind::Value(value));
        }
        let expired = Kind::Expiring {
            ttl_seconds: 1,
            expiry_seconds: 10,
            value: Some(b"\0\0\0\x09"),
        };
        builder.element(b"gone", Timestamp(1), expired);
        builder.element(b"dead", Timestamp(1), Kind::Tombstone { local_seconds: 1 })
    })
}

#[test]
fn collections_are_looked_into_however_they_are_stored() {
    use Operator::*;
    for frozen in [true, false] {
        let list = Type::list(Type::Int, frozen);
        let value = collection::encode_items([&int(5)[..], &int(-6)]);
        let image = if frozen {
            simple(&value)
        } else {
            multi_cell(&[(b"1", &int(5)), (b"2", &int(-6))])
        };
        check(&list, Contains, &[int(-6)], &image, true);
        check(&list, Contains, &[int(6)], &image, false);
        check(&list, Eq, &[value.clone().into()], &image, true);
        check(
            &list,
            Eq,
            &[collection::encode_items([&int(5)[..]]).into()],
            &image,
            false,
        );
        check(&list, ContainsKey, &[int(5)], &image, false);

        let set = Type::set(Type::Int, frozen);
        let value = collection::encode_items([&int(-6)[..], &int(5)]);
        let image = if frozen {
            simple(&value)
        } else {
            multi_cell(&[(&int(5), b""), (&int(-6), b"")])
        };
        check(&set, Contains, &[int(5)], &image, true);
        check(&set, Contains, &[int(6)], &image, false);
        check(&set, Eq, &[value.into()], &image, true);

        let map = Type::map(Type::Text, Type::Int, frozen);
        let value = collection::encode_pairs([(&b"a"[..], &int(1)[..]), (b"b", &int(2))]);
        let image = if frozen {
            simple(&value)
        } else {
            multi_cell(&[(b"a", &int(1)), (b"b", &int(2))])
        };
        check(&map, Contains, &[int(2)], &image, true);
        check(&map, Contains, &[int(3)], &image, false);
        check(&map, ContainsKey, &[text("b")], &image, true);
        check(&map, ContainsKey, &[text("dead")], &image, false);
        check(&map, Eq, &[value.into()], &image, true);
        for is_static in [true, false] {
            let entry = |key: &str, operator, value| {
                let target = Target::Element {
                    column: COLUMN,
                    is_static,
                    key: text(key),
                };
                accepts(&condition(target, &map, operator, &[value]), &image)
            };
            assert!(entry("b", Eq, int(2)));
            assert!(!entry("b", Eq, int(1)));
            assert!(entry("b", Gt, int(1)));
            assert!(!entry("c", Ne, int(1)), "a missing entry is null");
            assert!(!entry("gone", Ne, int(1)), "an expired entry is null");
            assert!(!entry("dead", Ne, int(1)), "a deleted entry is null");
        }
    }
}

#[test]
fn user_defined_types_compare_as_a_whole() {
    let fields = vec![("a".to_owned(), Type::Int), ("b".to_owned(), Type::Text)];
    let ty = Type::udt(
        udt::Definition {
            keyspace: "k".into(),
            name: "t".into(),
            fields,
        },
        false,
    );
    let image = row(|builder| {
        builder
            .complex(COLUMN, None)
            .element(&[0, 1], Timestamp(1), Kind::Value(b"x"))
    });
    let value = types::tuple::encode([None, Some(&b"x"[..])]);
    check(&ty, Operator::Eq, &[value.into()], &image, true);
    check(
        &ty,
        Operator::Eq,
        &[types::tuple::encode([Some(&int(1)[..]), Some(b"x")]).into()],
        &image,
        false,
    );
}

#[test]
fn all_conditions_must_hold() {
    let is = |value| {
        condition(
            Target::Column(COLUMN),
            &Type::Int,
            Operator::Ge,
            &[int(value)],
        )
    };
    let both = |a, b| {
        let filter = filter(vec![is(a), is(b)]);
        filter.accepts_row(
            &[],
            &View::new(&simple(&int(5))),
            10,
            &mut Scratch::default(),
        )
    };
    assert!(both(4, 5) && !both(4, 6) && !both(6, 4));
    assert!(!filter(vec![is(1)]).is_of_partition());
    assert!(
        filter(vec![condition(
            Target::PartitionKey(0),
            &Type::Int,
            Operator::Eq,
            &[]
        )])
        .is_of_partition()
    );
}

proptest! {
    #[test]
    fn any_bytes_are_judged_and_evaluated(bytes in proptest::collection::vec(any::<u8>(), 0..60), value in any::<[u8; 5]>()) {
        if let Ok(filter) = Filter::decode(&mut Reader::new(&bytes)) {
            let mut again = Vec::new();
            filter.encode(&mut again);
            prop_assert!(bytes.starts_with(&again));
            let (image, mut scratch) = (simple(&value), Scratch::default());
            filter.accepts_partition(&value, Some(&View::new(&image)), 10, &mut scratch);
            filter.accepts_row(&value, &View::new(&image), 10, &mut scratch);
        }
    }

    #[test]
    fn changed_filters_are_judged(at in any::<prop::sample::Index>(), change in 1u8..=255) {
        let target = Target::Element { column: COLUMN, is_static: true, key: text("k") };
        let map = Type::map(Type::Text, Type::Int, true);
        let mut bytes = Vec::new();
        filter(vec![condition(target, &map, Operator::In, &[int(1), int(2)])]).encode(&mut bytes);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(filter) = Filter::decode(&mut Reader::new(&bytes)) {
            let (image, mut scratch) = (simple(b"\0\0\0\x01"), Scratch::default());
            filter.accepts_partition(b"k", Some(&View::new(&image)), 10, &mut scratch);
            filter.accepts_row(b"k", &View::new(&image), 10, &mut scratch);
        }
    }
}
