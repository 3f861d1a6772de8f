//! The memtable against `model`'s naive one, and what only shows inside.

use std::sync::Arc;

use base::meter::Meter;
use bytes::Bytes;
use model::cell::Kind;
use model::image::Builder;
use model::key::{RangeTombstone, Slice};
use model::mutation::{Encoder, View};
use model::read::{Command, KeyRange, Keys};
use model::stream::{Direction, Memory, Merge, Step, Stream};
use model::{ColumnId, Deletion, PartitionKey, PartitionKeyRef, TableId, Timestamp};
use proptest::prelude::*;
use types::Token;
use uuid::Uuid;

use super::chunk::Item;
use super::*;
use crate::scan::Scan;

const TABLE: TableId = TableId(Uuid::nil());

#[derive(Debug, Clone)]
enum Part {
    Deletion(i64),
    Static(i64),
    /// Which row, when, how many bytes of value.
    Row(u8, i64, usize),
    Range(u8, u8, i64),
}

fn deletion(at: i64) -> Deletion {
    Deletion {
        timestamp: Timestamp(at),
        local_seconds: at,
    }
}

fn image(at: i64, bytes: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let value = vec![at as u8; bytes];
    Builder::new()
        .cell(
            ColumnId(1 + (at % 3) as u16),
            Timestamp(at),
            Kind::Value(&value),
        )
        .finish_into(&mut out);
    out
}

fn encode(key: PartitionKeyRef<'_>, part: &Part) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, TABLE, key);
    match part {
        Part::Deletion(at) => encoder.partition_deletion(deletion(*at)),
        Part::Static(at) => encoder.static_row(&image(*at, 10)),
        Part::Row(row, at, bytes) => encoder.row(&[0x42, *row, 0], &image(*at, *bytes)),
        Part::Range(a, b, at) => {
            encoder.range_tombstone(&[0x42, *a.min(b)], &[0x42, *a.max(b), 0xff], deletion(*at));
        }
    }
    encoder.finish().expect("a small mutation");
    out
}

/// Keys of which some share a token.
fn key(number: u8) -> PartitionKey {
    let token = Token(i64::from(number / 2) * (i64::MAX / 4));
    PartitionKey {
        token,
        bytes: KeyBytes::from(vec![number; 3]),
    }
}

fn part() -> impl Strategy<Value = Part> {
    let bytes = prop_oneof![8 => 0..40usize, 1 => 4_000..6_000usize];
    prop_oneof![
        1 => (1..60i64).prop_map(Part::Deletion),
        1 => (1..60i64).prop_map(Part::Static),
        12 => (0..40u8, 1..60i64, bytes).prop_map(|(row, at, bytes)| Part::Row(row, at, bytes)),
        2 => (0..40u8, 0..40u8, 1..60i64).prop_map(|(a, b, at)| Part::Range(a, b, at)),
    ]
}

/// Everything a stream gives, as text.
fn dump(mut stream: impl Stream) -> Vec<String> {
    let mut out = Vec::new();
    loop {
        match stream
            .step(&mut Meter::unlimited())
            .expect("memory does not fail")
        {
            Step::Partition => out.push(format!("{:?}", stream.partition())),
            Step::Row => out.push(format!("{:?}", stream.row())),
            Step::RangeTombstone => out.push(format!("{:?}", stream.range_tombstone())),
            Step::PartitionEnd => out.push("end".to_owned()),
            Step::End => return out,
            Step::Yield | Step::Wait(_) => panic!("memory does not wait"),
        }
    }
}

fn commands(slice: (u8, u8)) -> Vec<Command> {
    let mut commands = Vec::new();
    let (a, b) = (slice.0.min(slice.1), slice.0.max(slice.1));
    let part = Slice::new(vec![0x42, a], vec![0x42, b, 0xff]);
    let two = vec![
        Slice::new(vec![0x42, 2], vec![0x42, 9]),
        Slice::new(vec![0x42, 20], vec![0x42, 30]),
    ];
    for slices in [vec![Slice::all()], vec![part], two] {
        for reversed in [false, true] {
            for keys in [Keys::Range(KeyRange::all()), Keys::List(vec![key(3)])] {
                let slices = slices.clone();
                commands.push(Command {
                    slices,
                    reversed,
                    ..Command::new(TABLE, keys, 0)
                });
            }
        }
    }
    commands
}

fn scan(command: &Command) -> Arc<Scan> {
    Arc::new(match &command.keys {
        Keys::List(keys) => Scan::partition(command, &keys[0]),
        Keys::Range(range) => Scan::range(command, range),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn as_the_naive_one(
        parts in prop::collection::vec((0..6u8, part()), 0..300),
        slice in (0..40u8, 0..40u8),
        shards in prop::sample::select(vec![1usize, 64]),
    ) {
        let (memtable, mut memory) = (Arc::new(BTree::new(shards)), Memory::new());
        for (number, part) in &parts {
            let key = key(*number);
            let mutation = encode(key.as_ref(), part);
            memtable.apply(&View::new(&mutation));
            memory.apply(&View::new(&mutation));
        }
        for command in commands(slice) {
            let direction = Direction::reversed(command.reversed);
            let cursor = Cursor::new(memtable.clone(), scan(&command));
            let found = dump(Merge::new([cursor], direction));
            let expected = dump(Merge::new([memory.scan(&command)], direction));
            prop_assert_eq!(found, expected, "{:?}", command);
        }
    }
}

/// What holds of this length copy one after the other, as text.
fn dump_holds(memtable: &BTree, scan: &Scan, hold: Hold) -> Vec<String> {
    let (mut place, mut chunk) = (Place::Start, Chunk::default());
    let mut out = Vec::new();
    loop {
        let more = memtable.read(&mut place, scan, hold, &mut chunk);
        for item in (0..).map_while(|index| chunk.item(index)) {
            out.push(match item {
                Item::Partition { .. } => format!("{:?}", chunk.partition(Some(item))),
                Item::Row { .. } => format!("{:?}", chunk.row(Some(item))),
                Item::RangeTombstone { .. } => format!("{:?}", chunk.range_tombstone(Some(item))),
                Item::PartitionEnd => "end".to_owned(),
            });
        }
        if !more {
            return out;
        }
        chunk.clear();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn short_holds_copy_what_a_long_one_does(
        parts in prop::collection::vec((0..6u8, part()), 0..300),
        slice in (0..40u8, 0..40u8),
        rows in 1..5usize,
    ) {
        let memtable = BTree::new(64);
        for (number, part) in &parts {
            let mutation = encode(key(*number).as_ref(), part);
            memtable.apply(&View::new(&mutation));
        }
        for command in commands(slice) {
            let scan = scan(&command);
            let found = dump_holds(&memtable, &scan, Hold { rows, bytes: 64 });
            let whole = Hold { rows: usize::MAX, bytes: usize::MAX };
            prop_assert_eq!(found, dump_holds(&memtable, &scan, whole), "{:?}", command);
        }
    }
}

/// A partition of so many rows.
fn wide(rows: u32) -> Arc<BTree> {
    let memtable = Arc::new(BTree::new(64));
    for row in 0..rows {
        put(&memtable, row, 1);
    }
    memtable
}

fn put(memtable: &BTree, row: u32, at: i64) {
    let mut out = Vec::new();
    let key = key(1);
    let mut encoder = Encoder::new(&mut out, TABLE, key.as_ref());
    encoder.row(&row.to_be_bytes(), &image(at, 20));
    encoder.finish().expect("a small mutation");
    memtable.apply(&View::new(&out));
}

fn read_all(memtable: &Arc<BTree>) -> usize {
    let command = Command::new(TABLE, Keys::List(vec![key(1)]), 0);
    let lines = dump(Cursor::new(memtable.clone(), scan(&command)));
    lines.len() - 2
}

#[test]
fn a_wide_partition_is_read_over_many_holds() {
    for rows in [0, 1, 127, 128, 129, 999, 1000, 1001, 5000] {
        let memtable = wide(rows);
        let expected = if rows == 0 { 0 } else { rows as usize };
        let found = if rows == 0 { 0 } else { read_all(&memtable) };
        assert_eq!(found, expected);
    }
}

#[test]
fn a_hold_copies_no_more_than_it_may() {
    let memtable = wide(5000);
    let command = Command::new(TABLE, Keys::List(vec![key(1)]), 0);
    let (mut place, mut chunk) = (Place::Start, Chunk::default());
    let mut total = 0;
    while memtable.read(&mut place, &scan(&command), Hold::LONGEST, &mut chunk) {
        assert!(
            chunk.rows() <= Hold::LONGEST.rows,
            "{} rows in one hold",
            chunk.rows()
        );
        total += chunk.rows();
        chunk.clear();
    }
    assert_eq!(total + chunk.rows(), 5000);
}

#[test]
fn a_slice_that_changes_is_read_again_in_one_hold() {
    let memtable = wide(500);
    let command = Command::new(TABLE, Keys::List(vec![key(1)]), 0);
    let (mut place, mut chunk) = (Place::Start, Chunk::default());
    assert!(memtable.read(&mut place, &scan(&command), Hold::LONGEST, &mut chunk));
    put(&memtable, 3, 7);
    let more = Hold {
        rows: 256,
        bytes: 1 << 20,
    };
    assert!(memtable.read(&mut place, &scan(&command), more, &mut chunk));
    assert!(chunk.is_disturbed(), "the reader is told to start again");
}

#[test]
fn a_row_that_grows_does_not_fill_memory() {
    let memtable = BTree::new(64);
    let key = key(1);
    for at in 1..3000 {
        let mut image = Vec::new();
        Builder::new()
            .complex(ColumnId(1), None)
            .element(
                &(at as u32).to_be_bytes(),
                Timestamp(at),
                Kind::Value(&[1; 20]),
            )
            .finish_into(&mut image);
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, TABLE, key.as_ref());
        encoder.row(b"", &image);
        encoder.finish().expect("a small mutation");
        memtable.apply(&View::new(&out));
    }
    let mut row = PointRow::default();
    memtable.point(key.as_ref(), Some(b""), &mut row);
    let image = row.row().expect("the row is there");
    let Some(model::image::Column::Complex(complex)) =
        model::image::View::new(image).find(ColumnId(1))
    else {
        panic!("no column")
    };
    assert_eq!(complex.count(), 2999);
    let bytes = memtable.bytes();
    assert!(
        bytes < 4 << 20,
        "{bytes} bytes for a row of {}",
        image.len()
    );
}

#[test]
fn skipping_a_partition_goes_to_the_next() {
    let memtable = Arc::new(BTree::new(1));
    for number in 0..6 {
        for row in 0..200 {
            memtable.apply(&View::new(&encode(
                key(number).as_ref(),
                &Part::Row(row, 1, 10),
            )));
        }
    }
    let command = Command::new(TABLE, Keys::Range(KeyRange::all()), 0);
    let mut cursor = Cursor::new(memtable, scan(&command));
    let mut meter = Meter::unlimited();
    for number in 0..6u8 {
        assert!(
            matches!(cursor.step(&mut meter), Ok(Step::Partition)),
            "{number}"
        );
        assert_eq!(cursor.partition().key.bytes, [number; 3]);
        for _ in 0..usize::from(number) * 40 {
            assert!(matches!(cursor.step(&mut meter), Ok(Step::Row)));
        }
        assert_eq!(
            cursor.partition().key.bytes,
            [number; 3],
            "also after other holds"
        );
        cursor.skip_partition();
    }
    assert!(matches!(cursor.step(&mut meter), Ok(Step::End)));
    assert!(matches!(cursor.step(&mut meter), Ok(Step::End)), "for ever");
}

#[test]
fn range_tombstones_meet_as_in_the_model() {
    let memtable = Arc::new(BTree::new(1));
    let mut memory = Memory::new();
    let key = key(0);
    for (from, to, at) in [(1, 9, 5), (3, 5, 9), (4, 20, 7)] {
        let tombstone = RangeTombstone {
            start: Bytes::copy_from_slice(&[0x42, from]),
            end: Bytes::copy_from_slice(&[0x42, to]),
            deletion: deletion(at),
        };
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, TABLE, key.as_ref());
        encoder.range_tombstone(&tombstone.start, &tombstone.end, tombstone.deletion);
        encoder.finish().expect("a small mutation");
        memtable.apply(&View::new(&out));
        memory.apply(&View::new(&out));
    }
    let command = Command::new(TABLE, Keys::List(vec![key.clone()]), 0);
    let found = dump(Cursor::new(memtable, scan(&command)));
    assert_eq!(found, dump(memory.scan(&command)));
}

#[test]
fn a_hold_copies_no_more_tombstones_than_it_may() {
    let memtable = BTree::new(64);
    let key = key(1);
    let bound = |number: u32| [&[0x42], &number.to_be_bytes()[..]].concat();
    for number in 0..1000 {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, TABLE, key.as_ref());
        encoder.range_tombstone(&bound(2 * number), &bound(2 * number + 1), deletion(1));
        encoder.finish().expect("a small mutation");
        memtable.apply(&View::new(&out));
    }
    for reversed in [false, true] {
        let command = Command {
            reversed,
            ..Command::new(TABLE, Keys::List(vec![key.clone()]), 0)
        };
        let (mut place, mut chunk) = (Place::Start, Chunk::default());
        let mut total = 0;
        let mut more = true;
        while more {
            more = memtable.read(&mut place, &scan(&command), Hold::LONGEST, &mut chunk);
            assert!(chunk.rows() <= Hold::LONGEST.rows, "{}", chunk.rows());
            total += chunk.rows();
            chunk.clear();
        }
        assert_eq!(total, 1000, "reversed: {reversed}");
    }
}

#[test]
fn a_hold_looks_for_no_more_slices_than_it_may() {
    let memtable = wide(10);
    let slice = |number: u32| {
        let start = number.to_be_bytes().to_vec();
        let end = [&start[..], &[1]].concat();
        Slice::new(start, end)
    };
    for reversed in [false, true] {
        let command = Command {
            slices: (0..1000).map(slice).collect(),
            reversed,
            ..Command::new(TABLE, Keys::List(vec![key(1)]), 0)
        };
        let scan = scan(&command);
        let (mut place, mut chunk) = (Place::Start, Chunk::default());
        assert!(memtable.read(&mut place, &scan, Hold::WHOLE_SLICE, &mut chunk));
        let seeks = chunk.rows() + chunk.fruitless_seeks();
        assert_eq!(seeks, 128, "and the lock is given up");
        let mut rows = chunk.rows();
        let mut meter = Meter::unlimited();
        let mut cursor = Cursor::new(wide(10), scan);
        let mut found = 0;
        loop {
            match cursor.step(&mut meter).expect("memory does not fail") {
                Step::Row => found += 1,
                Step::End => break,
                _ => {}
            }
        }
        assert_eq!(found, 10);
        assert!(meter.work().dead_rows >= 900, "{:?}", meter.work());
        while !matches!(place, Place::End) {
            chunk.clear();
            memtable.read(
                &mut place,
                &Scan::partition(&command, &key(1)),
                Hold::WHOLE_SLICE,
                &mut chunk,
            );
            rows += chunk.rows();
        }
        assert_eq!(rows, 10);
    }
}

/// Overwrites rows of one partition with ever longer values, and says how many bytes the memtable holds then.
fn overwritten(rows: u8, value_bytes: usize) -> u64 {
    let memtable = BTree::new(1);
    let key = key(1);
    for round in 0..20 {
        for row in 0..rows {
            let value = vec![round; value_bytes + usize::from(round) * value_bytes / 2];
            let mut out = Vec::new();
            let mut encoder = Encoder::new(&mut out, TABLE, key.as_ref());
            encoder.row_with(&[0x42, row], |image| {
                let at = Timestamp(i64::from(round));
                image.cell(ColumnId(1), at, Kind::Value(&value));
            });
            encoder.finish().expect("a small mutation");
            memtable.apply(&View::new(&out));
        }
    }
    assert_eq!(memtable.rows(), u64::from(rows));
    memtable.bytes()
}

#[test]
fn a_shard_is_copied_when_it_is_dead_and_small() {
    // Alive in the end: 100 rows of 2 KiB and a quarter of slack. What was overwritten takes ten times as much.
    let small = overwritten(100, 200);
    assert!(small < 3 << 20, "{small} bytes");
    // Of 200 rows of 30 KB nothing is copied under the lock: a flush leaves what is dead behind.
    let large = overwritten(200, 3000);
    assert!(large > 30 << 20, "{large} bytes");
}
