//! Mutations come back as they were written, and bytes that are none are refused.

use base::limits::{ENCODED_KEY_BYTES_MAX, KEY_BYTES_MAX, MUTATION_BYTES_MAX};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::image::model::{Model, deletion, row};
use crate::image::{self, Builder};
use crate::key::RangeTombstone;
use crate::{ColumnId, Deletion, PartitionKeyRef, TableId, Timestamp};

const TABLE: TableId = TableId(Uuid::from_bytes([7; 16]));

#[derive(Debug, Clone)]
enum Part {
    Row(Vec<u8>, Model),
    Range(RangeTombstone),
}

fn part() -> impl Strategy<Value = Part> {
    let key = || proptest::collection::vec(0u8..4, 0..3);
    let range =
        (key(), key(), deletion()).prop_filter_map("a range has keys", |(start, end, deletion)| {
            (start < end).then(|| {
                Part::Range(RangeTombstone {
                    start: start.into(),
                    end: end.into(),
                    deletion,
                })
            })
        });
    prop_oneof![
        (key(), row()).prop_map(|(key, row)| Part::Row(key, row)),
        range
    ]
}

#[derive(Debug, Clone)]
struct Mutation {
    key: Vec<u8>,
    deletion: Option<Deletion>,
    static_row: Option<Model>,
    parts: Vec<Part>,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let key = proptest::collection::vec(any::<u8>(), 1..20);
    let parts = proptest::collection::vec(part(), 0..4);
    (
        key,
        proptest::option::of(deletion()),
        proptest::option::of(row()),
        parts,
    )
        .prop_map(|(key, deletion, static_row, parts)| Mutation {
            key,
            deletion,
            static_row,
            parts,
        })
}

fn encode(mutation: &Mutation) -> Vec<u8> {
    let mut out = b"before".to_vec();
    let mut encoder = Encoder::new(&mut out, TABLE, PartitionKeyRef::new(&mutation.key));
    mutation
        .deletion
        .into_iter()
        .for_each(|deletion| encoder.partition_deletion(deletion));
    mutation
        .static_row
        .iter()
        .for_each(|row| encoder.static_row(&row.image()));
    for part in &mutation.parts {
        match part {
            Part::Row(clustering, row) => encoder.row(clustering, &row.image()),
            Part::Range(range) => encoder.range_tombstone(&range.start, &range.end, range.deletion),
        }
    }
    let bytes = encoder.finish().expect("a small mutation");
    assert_eq!(out.len(), 6 + bytes);
    out.split_off(6)
}

proptest! {
    #[test]
    fn a_mutation_comes_back(mutation in mutation()) {
        let bytes = encode(&mutation);
        prop_assert_eq!(check(&bytes), Ok(()));
        let view = View::new(&bytes);
        prop_assert_eq!(view.table(), TABLE);
        prop_assert_eq!(view.key(), PartitionKeyRef::new(&mutation.key));

        let mut elements = view.elements();
        if let Some(deletion) = mutation.deletion {
            prop_assert_eq!(elements.next(), Some(Element::PartitionDeletion(deletion)));
        }
        if let Some(row) = &mutation.static_row {
            prop_assert_eq!(elements.next(), Some(Element::Static(&row.image())));
        }
        for part in &mutation.parts {
            match part {
                Part::Row(clustering, row) => {
                    prop_assert_eq!(elements.next(), Some(Element::Row { clustering, image: &row.image() }));
                }
                Part::Range(range) => {
                    prop_assert_eq!(elements.next(), Some(Element::RangeTombstone(range.as_ref())));
                }
            }
        }
        prop_assert_eq!(elements.next(), None);
    }

    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = check(&bytes);
        View::new(&bytes).elements().count();
    }

    #[test]
    fn changed_mutations_are_judged(mutation in mutation(), at in any::<prop::sample::Index>(), change in 1u8..=255) {
        let mut bytes = encode(&mutation);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let elements = View::new(&bytes).elements().count();
        if check(&bytes).is_ok() {
            let view = View::new(&bytes);
            prop_assert_eq!(view.elements().count(), elements);
            prop_assert_eq!(view.key(), PartitionKeyRef::new(view.key().bytes));
        }
        bytes.truncate(at);
        let _ = check(&bytes);
        View::new(&bytes).elements().count();
    }
}

#[test]
fn images_are_built_in_place() {
    let fill = |builder: &mut Builder| {
        builder.cell(
            ColumnId(3),
            Timestamp(5),
            crate::cell::Kind::Value(&[9; 300]),
        );
    };
    let mut image = Vec::new();
    let mut builder = Builder::new();
    fill(&mut builder);
    builder.finish_into(&mut image);

    let key = PartitionKeyRef::new(b"k");
    let mut expected = Vec::new();
    let mut encoder = Encoder::new(&mut expected, TABLE, key);
    encoder.static_row(&image);
    encoder.row(b"c", &image);
    encoder.row(b"d", &image);
    encoder.finish().expect("a small mutation");

    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, TABLE, key);
    encoder.static_row_with(fill);
    encoder.row_with(b"c", fill);
    fill(&mut builder);
    encoder.row_from(b"d", &mut builder);
    encoder.finish().expect("a small mutation");
    assert_eq!(out, expected);
    assert!(builder.is_empty());
}

#[test]
fn limits_refuse_and_leave_the_buffer_as_it_was() {
    let finish = |key: &[u8], clustering: &[u8], value_bytes: usize| {
        let mut out = b"before".to_vec();
        let mut encoder = Encoder::new(&mut out, TABLE, PartitionKeyRef::new(key));
        encoder.row_with(clustering, |builder| {
            builder.cell(
                ColumnId(1),
                Timestamp(1),
                crate::cell::Kind::Value(&vec![0; value_bytes]),
            );
        });
        let result = encoder.finish();
        assert!(result.is_ok() || out == b"before");
        result.map(|_| check(&out[6..]))
    };
    let long = vec![0; ENCODED_KEY_BYTES_MAX + 1];
    assert_eq!(finish(&long[..KEY_BYTES_MAX], &long[1..], 9), Ok(Ok(())));
    let bytes = KEY_BYTES_MAX + 1;
    assert_eq!(
        finish(&long[..bytes], b"", 9),
        Err(Error::KeyTooLong {
            bytes,
            max: KEY_BYTES_MAX
        })
    );
    let bytes = long.len();
    assert_eq!(
        finish(b"k", &long, 9),
        Err(Error::KeyTooLong {
            bytes,
            max: ENCODED_KEY_BYTES_MAX
        })
    );
    assert!(matches!(
        finish(b"k", b"", MUTATION_BYTES_MAX - 64),
        Ok(Ok(()))
    ));
    assert!(matches!(
        finish(b"k", b"", MUTATION_BYTES_MAX),
        Err(Error::TooLarge { .. })
    ));
}

#[test]
fn the_bytes_are_those_of_the_table() {
    let deletion = Deletion {
        timestamp: Timestamp(5),
        local_seconds: 7,
    };
    let key = PartitionKeyRef {
        token: types::Token(0x0102),
        bytes: b"k",
    };
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, TABLE, key);
    encoder.partition_deletion(deletion);
    encoder.static_row(b"st");
    encoder.row(b"c", b"row");
    encoder.range_tombstone(b"d", b"ef", deletion);
    encoder.finish().expect("a small mutation");
    let expected: [&[u8]; 8] = [
        &[format::VERSION],
        &[7; 16],
        &[0, 0, 0, 0, 0, 0, 1, 2],
        b"\x01k",
        &[format::PARTITION_DELETION, 10, 14],
        b"\x02\x02st",
        b"\x03\x01c\x03row",
        b"\x04\x01d\x02ef\x0a\x0e",
    ];
    assert_eq!(out, expected.concat());
}

#[test]
fn an_abandoned_mutation_leaves_nothing() {
    let mut out = b"before".to_vec();
    let mut encoder = Encoder::new(&mut out, TABLE, PartitionKeyRef::new(b"k"));
    encoder.row(b"c", b"image");
    encoder.abandon();
    assert_eq!(out, b"before");
}

#[test]
fn damage_is_named() {
    let deletion = Deletion {
        timestamp: Timestamp(1),
        local_seconds: 1,
    };
    let reason = |change: &dyn Fn(&mut Vec<u8>), fill: &dyn Fn(&mut Encoder<'_>)| {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, TABLE, PartitionKeyRef::new(b"k"));
        fill(&mut encoder);
        encoder.finish().expect("a small mutation");
        change(&mut out);
        check(&out).unwrap_err().what
    };
    let same = |_: &mut Vec<u8>| ();
    let empty = {
        let mut image = Vec::new();
        Builder::new().finish_into(&mut image);
        image
    };
    assert_eq!(
        reason(&|bytes| bytes[0] = 9, &|_| ()),
        "unknown version of a mutation"
    );
    assert_eq!(
        reason(&|bytes| bytes[17] ^= 1, &|_| ()),
        "token that is not the key's"
    );
    assert_eq!(
        reason(&|bytes| bytes.push(77), &|_| ()),
        "unknown element of a mutation"
    );
    let late = |encoder: &mut Encoder<'_>| {
        encoder.row(b"", &empty);
        encoder.partition_deletion(deletion);
    };
    assert_eq!(reason(&same, &late), "elements of a mutation out of order");
    let twice = |encoder: &mut Encoder<'_>| {
        encoder.static_row(&empty);
        encoder.static_row(&empty);
    };
    assert_eq!(reason(&same, &twice), "elements of a mutation out of order");
    let no_keys = |encoder: &mut Encoder<'_>| encoder.range_tombstone(b"b", b"a", deletion);
    assert_eq!(reason(&same, &no_keys), "range tombstone without keys");
    let bad_image = |encoder: &mut Encoder<'_>| encoder.row(b"", b"x");
    assert_eq!(
        reason(&same, &bad_image),
        image::check(b"x").unwrap_err().what
    );
}
