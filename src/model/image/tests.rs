//! Images against the naive model, and against bytes that are not images.

use proptest::prelude::*;
use types::{Type, collection, tuple, udt};

use super::model::{Content, Model, build, deletion, row};
use super::*;
use crate::cell::Kind;
use crate::{ColumnId, Columns, Deletion, Liveness, Timestamp};

fn joined(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let any = merge(a, b, &mut out);
    assert_eq!(any, !View::new(&out).is_empty());
    out
}

fn purged(image: &[u8], rule: &Purge) -> Vec<u8> {
    let mut out = Vec::new();
    if !purge(image, rule, &mut out) {
        assert!(out.is_empty(), "nothing is appended when nothing is kept");
        Builder::new().finish_into(&mut out);
    }
    out
}

fn rule() -> impl Strategy<Value = Purge> {
    (
        0i64..6,
        -2i64..4,
        prop_oneof![0i64..5, Just(i64::MAX), Just(i64::MIN)],
    )
        .prop_map(|(now, gc, max)| Purge {
            now_seconds: now,
            gc_before_seconds: gc,
            max_purgeable_timestamp: Timestamp(max),
        })
}

proptest! {
    #[test]
    fn an_image_says_what_it_was_built_from(row in row()) {
        let image = row.image();
        prop_assert_eq!(check(&image), Ok(()));
        prop_assert_eq!(Model::read(&image), row.normal(None));
    }

    #[test]
    fn the_order_of_building_does_not_matter(
        (row, mut steps) in row().prop_flat_map(|row| { let steps = row.steps(); (Just(row), Just(steps).prop_shuffle()) }),
    ) {
        prop_assert_eq!(build(&mut steps), row.image());
    }

    #[test]
    fn telling_a_builder_both_rows_is_merging_them(a in row(), b in row()) {
        let mut both = a.steps();
        both.extend(b.steps());
        prop_assert_eq!(build(&mut both), joined(&a.image(), &b.image()));
    }

    #[test]
    fn merging_images_is_merging_the_model(a in row(), b in row()) {
        let image = joined(&a.image(), &b.image());
        prop_assert_eq!(check(&image), Ok(()));
        prop_assert_eq!(Model::read(&image), a.join(&b).normal(None));
    }

    #[test]
    fn merging_is_a_join(a in row(), b in row(), c in row()) {
        let (a, b, c) = (a.image(), b.image(), c.image());
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
        prop_assert_eq!(joined(&a, &a), a.clone());
        prop_assert_eq!(joined(&joined(&a, &b), &b), joined(&a, &b));
    }

    #[test]
    fn shadowing_is_covering_in_the_model(row in row(), by in deletion()) {
        let mut out = b"before".to_vec();
        let survives = shadow(&row.image(), by, &mut out);
        let expected = row.normal(None).normal(Some(by.timestamp.0));
        prop_assert_eq!(survives, !expected.is_empty());
        prop_assert_eq!(&out[..6], b"before");
        if survives {
            prop_assert_eq!(check(&out[6..]), Ok(()));
            prop_assert_eq!(Model::read(&out[6..]), expected);
        } else {
            prop_assert_eq!(out.len(), 6);
        }
    }

    #[test]
    fn shadowing_before_or_after_a_merge_is_the_same(a in row(), b in row(), by in deletion()) {
        let shadowed = |image: &[u8]| {
            let mut out = Vec::new();
            if !shadow(image, by, &mut out) {
                Builder::new().finish_into(&mut out);
            }
            out
        };
        let (a, b) = (a.image(), b.image());
        prop_assert_eq!(shadowed(&joined(&a, &b)), joined(&shadowed(&a), &shadowed(&b)));
    }

    #[test]
    fn purging_is_purging_the_model(row in row(), rule in rule()) {
        let image = purged(&row.image(), &rule);
        prop_assert_eq!(check(&image), Ok(()));
        prop_assert_eq!(Model::read(&image), row.normal(None).purge(&rule));
    }

    #[test]
    fn when_values_are_dropped_does_not_matter(a in row(), b in row(), now_seconds in 0i64..6) {
        // Nothing is past gc_grace, so compaction only drops values.
        let rule = Purge { now_seconds, gc_before_seconds: i64::MIN, max_purgeable_timestamp: Timestamp::MAX };
        let (a, b) = (a.image(), b.image());
        let late = purged(&joined(&a, &b), &rule);
        prop_assert_eq!(purged(&joined(&purged(&a, &rule), &b), &rule), late.clone());
        prop_assert_eq!(joined(&purged(&a, &rule), &purged(&b, &rule)), late.clone());
        prop_assert_eq!(purged(&late, &rule), late);
    }

    #[test]
    fn purging_changes_nothing_that_is_live(row in row(), rule in rule()) {
        let (before, image) = (row.image(), purged(&row.image(), &rule));
        let (before, after) = (View::new(&before), View::new(&image));
        prop_assert_eq!(before.is_live(rule.now_seconds), after.is_live(rule.now_seconds));
        for (id, column) in before.columns() {
            if let Column::Simple(cell) = column {
                let after = match after.find(id) { Some(Column::Simple(cell)) => cell.value(rule.now_seconds), _ => None };
                prop_assert_eq!(cell.value(rule.now_seconds), after);
            }
        }
    }

    #[test]
    fn projecting_keeps_the_wanted_columns(row in row(), wanted in proptest::collection::vec(0u16..6, 0..4)) {
        let columns = Columns::only(wanted.into_iter().map(ColumnId));
        let mut image = Vec::new();
        project(&row.image(), &columns, &mut image);
        let mut expected = row.normal(None);
        expected.columns.retain(|id, _| columns.contains(ColumnId(*id)));
        prop_assert_eq!(check(&image), Ok(()));
        prop_assert_eq!(Model::read(&image), expected);
    }

    #[test]
    fn looking_agrees_with_the_model(row in row(), now_seconds in 0i64..6) {
        let image = row.image();
        let (view, row) = (View::new(&image), row.normal(None));
        let mut timestamps = Vec::new();
        timestamps.extend(row.liveness.map(|liveness| liveness.timestamp.0));
        timestamps.extend(row.deletion.map(|deletion| deletion.timestamp.0));
        let mut live = row.liveness.is_some_and(|liveness| liveness.is_live(now_seconds));
        for (id, content) in &row.columns {
            let mut cells = Vec::new();
            match content {
                Content::Simple(cell) => cells.push(cell),
                Content::Complex(deletion, elements) => {
                    timestamps.extend(deletion.map(|deletion| deletion.timestamp.0));
                    cells.extend(elements.values());
                    let Some(Column::Complex(complex)) = view.find(ColumnId(*id)) else { panic!("column {id}") };
                    prop_assert_eq!(complex.count(), elements.len() as u64);
                    for (path, cell) in elements {
                        prop_assert_eq!(complex.find(path), Some(cell.cell()));
                    }
                    prop_assert_eq!(complex.find(b"none"), None);
                }
            }
            timestamps.extend(cells.iter().map(|cell| cell.timestamp));
            live |= *id != 0 && cells.iter().any(|cell| cell.cell().is_live(now_seconds));
        }
        prop_assert_eq!(view.is_live(now_seconds), live);
        prop_assert_eq!(view.min_timestamp().0, timestamps.iter().copied().min().unwrap_or(0));
        prop_assert_eq!(view.max_timestamp().0, timestamps.iter().copied().max().unwrap_or(0));
        prop_assert_eq!(view.is_empty(), row.is_empty());
        prop_assert!(view.find(ColumnId(29)).is_none());
    }

    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        judge(&bytes)?;
    }

    #[test]
    fn changed_images_are_judged(row in row(), at in any::<prop::sample::Index>(), change in 1u8..=255, cut in 0usize..4) {
        let mut image = row.image();
        let at = at.index(image.len());
        image[at] ^= change;
        judge(&image)?;
        image.truncate(image.len().saturating_sub(cut));
        judge(&image)?;
    }
}

/// What passes [`check`] is an image like any other; what does not makes nothing panic.
fn judge(bytes: &[u8]) -> Result<(), TestCaseError> {
    let row = Model::read(bytes);
    let rule = Purge {
        now_seconds: 2,
        gc_before_seconds: 1,
        max_purgeable_timestamp: Timestamp(3),
    };
    let mut out = Vec::new();
    purge(bytes, &rule, &mut out);
    shadow(
        bytes,
        Deletion {
            timestamp: Timestamp(2),
            local_seconds: 0,
        },
        &mut out,
    );
    merge(bytes, &row.image(), &mut out);
    let view = View::new(bytes);
    let _ = (view.is_live(2), view.max_timestamp());
    if check(bytes).is_ok() {
        prop_assert_eq!(&row.image()[..], bytes);
    }
    Ok(())
}

const AT: Timestamp = Timestamp(1_700_000_000_000_000);

#[test]
fn a_plain_insert_costs_ten_bytes_and_two_a_cell() {
    let mut image = Vec::new();
    Builder::new()
        .liveness(Liveness::plain(AT))
        .cell(ColumnId(1), AT, Kind::Value(b"abc"))
        .cell(ColumnId(2), AT, Kind::Value(b"de"))
        .finish_into(&mut image);
    assert_eq!(image.len(), 10 + (2 + 3) + (2 + 2));
    assert_eq!(image[0], format::LIVENESS | format::ONE_TIMESTAMP);
    assert_eq!(image[1..9], AT.0.to_le_bytes());
    assert_eq!(image[9..], *b"\0\x08\x03abc\0\x02de");
}

#[test]
fn the_bytes_are_those_of_the_table() {
    let at = |distance: i64| Timestamp(1000 + distance);
    let deletion = |distance| Deletion {
        timestamp: at(distance),
        local_seconds: 7,
    };
    let expiring = |value| Kind::Expiring {
        ttl_seconds: 60,
        expiry_seconds: 1060,
        value,
    };
    let mut image = Vec::new();
    Builder::new()
        .liveness(Liveness::expiring(at(5), 60, 1060))
        .deletion(deletion(0))
        .cell(ColumnId(1), at(5), Kind::Value(b"ab"))
        .cell(ColumnId(3), at(6), expiring(Some(b"x")))
        .cell(ColumnId(4), at(5), Kind::Tombstone { local_seconds: 7 })
        .complex(ColumnId(5), Some(deletion(4)))
        .element(b"k", at(5), Kind::Value(b"v"))
        .element(b"l", at(5), expiring(None))
        .finish_into(&mut image);
    let expected: [&[u8]; 10] = [
        &[0x07, 0xe8, 0x03, 0, 0, 0, 0, 0, 0], // liveness that expires, deletion; base 1000
        &[5, 60, 0xc8, 0x10],                  // the liveness, 60 s until 1060
        &[0, 14],                              // the deletion, made at 7
        &[1 << 3, 5, 2, b'a', b'b'],
        &[1 << 3 | 1, 6, 60, 0xc8, 0x10, 1, b'x'],
        &[3, 5, 14],
        &[5, 4, 14], // a complex column with its deletion
        &[2, 11],    // two elements in eleven bytes
        &[1 << 2, b'k', 5, 1, b'v'],
        &[1 << 2 | 2, b'l', 5, 60, 0xc8, 0x10],
    ];
    assert_eq!(image, expected.concat());
}

#[test]
fn one_timestamp_is_named_once_exactly_when_that_saves_bytes() {
    let flags = |cells: &[i64], liveness: Option<i64>| {
        let mut builder = Builder::new();
        liveness.map(|at| builder.liveness(Liveness::plain(Timestamp(at))));
        for (index, at) in cells.iter().enumerate() {
            builder.cell(ColumnId(index as u16), Timestamp(*at), Kind::Value(b""));
        }
        let mut image = Vec::new();
        builder.finish_into(&mut image);
        image[0]
    };
    assert_eq!(flags(&[], None), 0);
    assert_eq!(flags(&[5], None), 0);
    assert_eq!(flags(&[5, 5], None), format::ONE_TIMESTAMP);
    assert_eq!(flags(&[5, 6], None), 0);
    assert_eq!(flags(&[], Some(5)), format::LIVENESS);
    assert_eq!(
        flags(&[5], Some(5)),
        format::LIVENESS | format::ONE_TIMESTAMP
    );
    assert_eq!(flags(&[6, 6], Some(5)), format::LIVENESS);
}

#[test]
fn rows_made_by_update_vanish_with_their_last_cell_and_inserted_ones_stay() {
    let mut update = Vec::new();
    Builder::new()
        .cell(ColumnId(1), AT, Kind::Value(b"v"))
        .finish_into(&mut update);
    assert!(View::new(&update).is_live(0));
    let mut null = Vec::new();
    let later = Timestamp(AT.0 + 1);
    Builder::new()
        .cell(ColumnId(1), later, Kind::Tombstone { local_seconds: 7 })
        .finish_into(&mut null);
    assert!(!View::new(&joined(&update, &null)).is_live(0));
    let mut insert = Vec::new();
    Builder::new()
        .liveness(Liveness::plain(AT))
        .finish_into(&mut insert);
    assert!(View::new(&joined(&insert, &null)).is_live(0));
}

#[test]
fn originals_keep_no_row_alive_and_survive_projection() {
    let mut image = Vec::new();
    Builder::new()
        .cell(ColumnId::ORIGINALS, AT, Kind::Value(b"v"))
        .cell(ColumnId(3), AT, Kind::Value(b"w"))
        .finish_into(&mut image);
    let mut kept = Vec::new();
    assert!(project(&image, &Columns::only([]), &mut kept));
    assert!(View::new(&kept).find(ColumnId::ORIGINALS).is_some());
    assert!(View::new(&kept).find(ColumnId(3)).is_none());
    assert!(!View::new(&kept).is_live(0));
}

#[test]
fn damage_is_named() {
    let reason = |bytes: &[u8]| check(bytes).map_err(|error| error.what).unwrap_err();
    assert_eq!(reason(&[]), "truncated byte");
    assert_eq!(
        reason(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0]),
        "unknown row image version or flag"
    );
    assert_eq!(
        reason(&[format::EXPIRES, 0, 0, 0, 0, 0, 0, 0, 0]),
        "expiry of a row without liveness"
    );
    assert_eq!(
        reason(&[0, 1, 0, 0, 0, 0, 0, 0, 0]),
        "row image is not in its normal form"
    );
    assert_eq!(
        reason(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0]),
        "unknown kind of cell"
    );
    assert_eq!(
        reason(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]),
        "length beyond the data"
    );
    let descending = [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 2, 8, 4, b'b', 0, 0, 4, b'a', 0, 0,
    ];
    assert_eq!(reason(&descending), "element paths do not ascend");
    let twice = [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 2, 8, 4, b'b', 0, 0, 4, b'b', 0, 0,
    ];
    assert_eq!(reason(&twice), "element paths do not ascend");
    let miscounted = [0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 3, 4, 4, b'b', 0, 0];
    assert_eq!(reason(&miscounted), "wrong count of elements");
}

/// The value of a column with these elements at second 10.
fn collected(ty: &Type, elements: &[(&[u8], Kind<'_>)]) -> Option<Vec<u8>> {
    let mut builder = Builder::new();
    builder.complex(ColumnId(1), None);
    for (path, kind) in elements {
        builder.element(path, AT, *kind);
    }
    let mut image = Vec::new();
    builder.finish_into(&mut image);
    let Some(Column::Complex(complex)) = View::new(&image).find(ColumnId(1)) else {
        return None;
    };
    let mut out = b"before".to_vec();
    let any = collect(ty, &complex, 10, &mut out);
    assert!(any || out == b"before");
    any.then(|| out.split_off(6))
}

const DEAD: Kind<'_> = Kind::Tombstone { local_seconds: 0 };
const EXPIRED: Kind<'_> = Kind::Expiring {
    ttl_seconds: 1,
    expiry_seconds: 10,
    value: Some(b"x"),
};

#[test]
fn sets_and_maps_are_shown_in_their_types_order() {
    let ints: Vec<[u8; 4]> = [-1i32, 2, -3].iter().map(|int| int.to_be_bytes()).collect();
    let set = Type::set(Type::Int, false);
    let elements: Vec<(&[u8], Kind<'_>)> = ints
        .iter()
        .map(|int| (&int[..], Kind::Value(b"")))
        .collect();
    let expected = collection::encode_items([&ints[2][..], &ints[0], &ints[1]]);
    assert_eq!(collected(&set, &elements), Some(expected));

    let map = Type::map(Type::Int, Type::Text, false);
    let elements = [
        (&ints[0][..], Kind::Value(b"a")),
        (&ints[1], DEAD),
        (&ints[2], Kind::Value(b"c")),
    ];
    let expected = collection::encode_pairs([(&ints[2][..], &b"c"[..]), (&ints[0], b"a")]);
    assert_eq!(collected(&map, &elements), Some(expected));
    assert_eq!(
        collected(&map, &[(&ints[0], DEAD), (&ints[1], EXPIRED)]),
        None
    );
}

#[test]
fn lists_are_shown_in_path_order() {
    let list = Type::list(Type::Text, false);
    let elements = [
        (&b"2"[..], Kind::Value(b"two")),
        (b"1", Kind::Value(b"one")),
        (b"3", EXPIRED),
    ];
    assert_eq!(
        collected(&list, &elements),
        Some(collection::encode_items([&b"one"[..], b"two"]))
    );
}

#[test]
fn fields_that_are_missing_are_null() {
    let fields = [("a", Type::Int), ("b", Type::Text), ("c", Type::Text)];
    let fields = fields.map(|(name, ty)| (name.to_owned(), ty)).to_vec();
    let ty = Type::udt(
        udt::Definition {
            keyspace: "k".into(),
            name: "t".into(),
            fields,
        },
        false,
    );
    let expected = tuple::encode([None, Some(&b"x"[..]), None]);
    assert_eq!(
        collected(&ty, &[(&[0, 0], DEAD), (&[0, 1], Kind::Value(b"x"))]),
        Some(expected)
    );
    // A field that the reader's definition does not have yet is left out.
    let expected = tuple::encode([None, None, Some(&b"y"[..])]);
    assert_eq!(
        collected(
            &ty,
            &[(&[0, 2], Kind::Value(b"y")), (&[0, 3], Kind::Value(b"z"))]
        ),
        Some(expected)
    );
    assert_eq!(collected(&ty, &[(&[0, 1], EXPIRED)]), None);
}

#[test]
fn list_paths_go_by_time() {
    let uuid = |time: u64, low: u8| {
        let mut bytes = [low; 16];
        bytes[0..4].copy_from_slice(&(time as u32).to_be_bytes());
        bytes[4..6].copy_from_slice(&((time >> 32) as u16).to_be_bytes());
        bytes[6..8].copy_from_slice(&((time >> 48) as u16 & 0xfff | 0x1000).to_be_bytes());
        bytes
    };
    let ascending = [
        uuid(1, 9),
        uuid(0xffff_ffff, 0),
        uuid(0x1_0000_0000, 0),
        uuid(0x1_0000_0000, 1),
        uuid(1 << 50, 0),
    ];
    assert!(ascending.map(list_path).is_sorted());
    assert!(
        !ascending.is_sorted(),
        "the UUIDs' own bytes are not in order, or there is nothing to show"
    );
}

#[test]
fn what_a_column_is_does_not_change_by_disagreement() {
    let (mut simple, mut complex) = (Vec::new(), Vec::new());
    Builder::new()
        .cell(ColumnId(1), AT, Kind::Value(b"s"))
        .finish_into(&mut simple);
    Builder::new()
        .complex(ColumnId(1), None)
        .element(b"p", AT, Kind::Value(b"c"))
        .finish_into(&mut complex);
    assert_eq!(joined(&simple, &complex), complex);
    assert_eq!(joined(&complex, &simple), complex);
}
