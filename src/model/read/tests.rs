//! Rows of commands against a naive model, in one go and in pages.

use std::collections::BTreeMap;
use std::ops::Bound;

use base::meter::{Limit, Meter};
use bytes::Bytes;
use proptest::prelude::*;
use types::{Token, Type};
use uuid::Uuid;

use super::*;
use crate::filter::{Condition, Filter, Operator, Target};
use crate::image::model::{Content, Model};
use crate::key::{Order, Slice};
use crate::stream::tests::{Change, Expected, Sources, Stutter, expected, key, memory, sources};
use crate::stream::{Direction, Memory, Merge};
use crate::{ColumnId, Deletion, PartitionKey, TableId, Timestamp};

const NOW: i64 = 2;

fn keys() -> impl Strategy<Value = Keys> {
    let edge = || {
        (0u8..4).prop_map(|number| match number {
            3 => KeyEdge::Token(key(1).token),
            number => KeyEdge::Key(key(number)),
        })
    };
    let bound = || {
        prop_oneof![
            2 => Just(Bound::Unbounded),
            1 => edge().prop_map(Bound::Included),
            1 => edge().prop_map(Bound::Excluded),
        ]
    };
    prop_oneof![
        (bound(), bound()).prop_map(|(start, end)| Keys::Range(KeyRange { start, end })),
        proptest::sample::subsequence(vec![0u8, 1, 2], 0..=3)
            .prop_shuffle()
            .prop_map(|numbers| Keys::List(numbers.into_iter().map(key).collect())),
    ]
}

fn slices() -> impl Strategy<Value = Vec<Slice>> {
    let bounds = proptest::collection::vec((0u8..9, 0u8..9), 0..3);
    prop_oneof![
        1 => Just(vec![Slice::all()]),
        1 => bounds.prop_map(|bounds| {
            let mut slices = bounds.iter().map(|(a, b)| Slice::new(vec![*a], vec![*b])).collect();
            Slice::normalize(&mut slices);
            slices
        }),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let condition = prop_oneof![
        (0u8..3).prop_map(|number| Condition {
            target: Target::PartitionKey(0),
            ty: Type::Blob,
            operator: Operator::Ne,
            values: vec![Bytes::copy_from_slice(&[number])],
        }),
        any::<bool>().prop_map(|is_static| Condition {
            target: if is_static {
                Target::Static(ColumnId(2))
            } else {
                Target::Column(ColumnId(2))
            },
            ty: Type::Blob,
            operator: Operator::Ge,
            values: vec![Bytes::from_static(&[0])],
        }),
    ];
    proptest::collection::vec(condition, 1..3).prop_map(|conditions| Filter {
        partition_components: 1,
        clustering: Vec::new(),
        conditions,
    })
}

fn command() -> impl Strategy<Value = Command> {
    let flags = (
        any::<bool>(),
        any::<bool>(),
        prop_oneof![3 => Just(false), 1 => Just(true)],
    );
    let limits = prop_oneof![Just(u64::MAX), 1u64..4];
    (
        keys(),
        slices(),
        flags,
        limits,
        proptest::option::weighted(0.4, filter()),
    )
        .prop_map(
            |(keys, slices, (statics, reversed, distinct), per_partition, filter)| {
                let slices = if distinct { vec![Slice::all()] } else { slices };
                let limits = Limits {
                    per_partition,
                    ..Limits::default()
                };
                let table = TableId(Uuid::nil());
                Command {
                    statics,
                    reversed,
                    distinct,
                    slices,
                    limits,
                    filter,
                    ..Command::new(table, keys, NOW)
                }
            },
        )
}

/// A row as a reader sees it.
type Seen = (PartitionKey, Option<u8>, Option<Model>, Option<Model>);

fn is_live(row: &Model) -> bool {
    crate::image::View::new(&row.image()).is_live(NOW)
}

fn accepts(filter: &Filter, of_partition: bool, key: &PartitionKey, row: Option<&Model>) -> bool {
    filter
        .conditions
        .iter()
        .filter(|condition| condition.target.is_of_partition() == of_partition)
        .all(|condition| match condition.target {
            Target::PartitionKey(_) => key.bytes[..] != condition.values[0],
            _ => match row.and_then(|row| row.columns.get(&2)) {
                Some(Content::Simple(cell)) => cell
                    .cell()
                    .value(NOW)
                    .is_some_and(|value| value >= &[0][..]),
                _ => false,
            },
        })
}

fn expected_rows(command: &Command, changes: &[(u8, Change)]) -> Vec<Seen> {
    let mut partitions: BTreeMap<PartitionKey, Expected> = expected(changes);
    partitions.retain(|key, _| command.keys.contains(key.as_ref()));
    let mut in_order: Vec<(PartitionKey, Expected)> = partitions.into_iter().collect();
    if let Keys::List(keys) = &command.keys {
        in_order.sort_by_key(|(key, _)| keys.iter().position(|listed| listed == key));
    }
    let mut seen = Vec::new();
    for (key, partition) in in_order {
        let statics = partition
            .static_row
            .filter(|row| crate::image::View::new(&row.image()).has_live_cell(NOW));
        let filter = command.filter.as_ref();
        if filter.is_some_and(|filter| !accepts(filter, true, &key, statics.as_ref())) {
            continue;
        }
        let inside = |clustering: u8| {
            command
                .slices
                .iter()
                .any(|slice| slice.contains(&[clustering]))
        };
        let mut rows: Vec<(u8, Model)> = partition
            .rows
            .into_iter()
            .filter(|(at, _)| inside(*at))
            .collect();
        rows.retain(|(_, row)| {
            is_live(row) && filter.is_none_or(|filter| accepts(filter, false, &key, Some(row)))
        });
        if command.reversed {
            rows.reverse();
        }
        let rows_wanted = filter.is_some_and(|filter| !filter.is_of_partition());
        let whole = command.slices == [Slice::all()];
        if command.distinct {
            if !rows.is_empty() || statics.is_some() && !rows_wanted {
                seen.push((key, None, None, statics));
            }
        } else if rows.is_empty() && statics.is_some() && command.statics && whole && !rows_wanted {
            seen.push((key, None, None, statics));
        } else {
            let limit = usize::try_from(command.limits.per_partition).unwrap_or(usize::MAX);
            let rows = rows.into_iter().take(limit);
            seen.extend(rows.map(|(at, row)| (key.clone(), Some(at), Some(row), statics.clone())));
        }
    }
    seen
}

fn open(
    command: &Command,
    sources: &Sources,
    pattern: &[u8],
) -> Vec<Merge<Stutter<crate::stream::Cursor>>> {
    // A merge is in token order; a list is read key by key, as storage does.
    let direction = Direction::reversed(command.reversed);
    let merge = |keys: Keys| {
        let command = Command {
            keys,
            ..command.clone()
        };
        let streams = sources
            .iter()
            .map(|changes| Stutter::new(memory(changes).scan(&command), pattern));
        Merge::new(streams, direction)
    };
    match &command.keys {
        Keys::List(keys) => keys
            .iter()
            .map(|key| merge(Keys::List(vec![key.clone()])))
            .collect(),
        range => vec![merge(range.clone())],
    }
}

/// Streams one after the other.
struct Chain<S>(Vec<S>, usize);

impl<S: crate::stream::Stream> crate::stream::Stream for Chain<S> {
    fn step(&mut self, meter: &mut Meter) -> Result<crate::stream::Step, crate::stream::Error> {
        while self.1 < self.0.len() {
            match self.0[self.1].step(meter)? {
                crate::stream::Step::End => self.1 += 1,
                step => return Ok(step),
            }
        }
        Ok(crate::stream::Step::End)
    }
    fn partition(&self) -> crate::stream::Partition<'_> {
        self.0[self.1].partition()
    }
    fn row(&self) -> crate::stream::Row<'_> {
        self.0[self.1].row()
    }
    fn range_tombstone(&self) -> crate::stream::RangeTombstoneRef<'_> {
        self.0[self.1].range_tombstone()
    }
    fn skip_partition(&mut self) {
        self.0[self.1].skip_partition();
    }
}

/// Runs a command; the rows, and where to go on unless it is complete.
fn run(command: &Command, sources: &Sources, pattern: &[u8]) -> (Vec<Seen>, Option<Position>) {
    let mut rows = Rows::new(Chain(open(command, sources, pattern), 0), command.clone());
    let mut meter = Meter::new(Limit {
        nanos: 500,
        ..Limit::NONE
    });
    let mut seen = Vec::new();
    let mut position = None;
    loop {
        match rows.step(&mut meter).expect("no source fails") {
            RowStep::Row => {
                let clustering = rows.row().map(|row| row.clustering[0]);
                let images = (
                    rows.row().map(|row| Model::read(row.image)),
                    rows.static_image().map(Model::read),
                );
                seen.push((rows.key().to_owned(), clustering, images.0, images.1));
                position = Some(rows.position());
            }
            RowStep::Yield => drop(meter.reset()),
            RowStep::Wait(_) => {}
            RowStep::End => break,
        }
    }
    assert_eq!(rows.returned(), seen.len() as u64);
    if !rows.is_complete() {
        assert_eq!(
            Some(rows.position()),
            position,
            "a limit leaves the position where it was"
        );
    }
    (seen, position.filter(|_| !rows.is_complete()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_command_gives_the_rows_of_the_model(
        command in command(), sources in sources(), pattern in proptest::collection::vec(0u8..4, 0..40),
    ) {
        let (seen, position) = run(&command, &sources, &pattern);
        prop_assert_eq!(seen, expected_rows(&command, &sources.concat()));
        prop_assert_eq!(position, None);
    }

    #[test]
    fn pages_together_are_the_whole(
        command in command(), sources in sources(), sizes in proptest::collection::vec(1u64..4, 40),
        by_bytes in any::<bool>(),
    ) {
        let whole = expected_rows(&command, &sources.concat());
        let mut pages = Vec::new();
        let mut next = command.clone();
        for size in sizes {
            match by_bytes {
                true => next.limits.bytes = size * 10,
                false => next.limits.rows = size,
            }
            let (seen, position) = run(&next, &sources, &[]);
            prop_assert!(by_bytes || seen.len() as u64 <= size);
            pages.extend(seen);
            let Some(position) = position else {
                prop_assert_eq!(pages, whole);
                return Ok(());
            };
            // As it travels in a paging state.
            let mut bytes = Vec::new();
            position.encode(&mut bytes);
            let position = Position::decode(&mut base::bytes::Reader::new(&bytes)).expect("what was encoded");
            next.resume = Some(position);
        }
        prop_assert!(false, "{} rows took over 40 pages", whole.len());
    }

    #[test]
    fn a_command_comes_back(
        command in command(), resume in proptest::option::of((0u8..3, proptest::option::of(0u8..9), any::<u64>())),
        columns in proptest::option::of(proptest::collection::vec(any::<u16>(), 0..5)),
    ) {
        let resume = resume.map(|(number, clustering, in_partition)| Position {
            key: key(number),
            clustering: clustering.map(|at| Bytes::copy_from_slice(&[at])),
            in_partition,
        });
        let columns = columns.map_or(Columns::All, |ids| Columns::only(ids.into_iter().map(ColumnId)));
        let command = Command { resume, columns, ..command };
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        prop_assert_eq!(Command::decode(&bytes), Ok(command));
    }

    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut plausible = vec![format::VERSION, 0];
        plausible.extend_from_slice(&[0; 16]);
        plausible.extend_from_slice(&bytes);
        let _ = (Command::decode(&bytes), Command::decode(&plausible));
    }

    #[test]
    fn changed_commands_are_judged(command in command(), at in any::<prop::sample::Index>(), change in 1u8..=255) {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(other) = Command::decode(&bytes) {
            let mut again = Vec::new();
            other.encode(&mut again);
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn ranges_and_their_tokens_agree(keys in keys(), number in 0u8..4) {
        let Keys::Range(range) = keys else { return Ok(()) };
        let key = key(number);
        let inside = range.contains(key.as_ref());
        prop_assert!(!inside || (range.first_token()..=range.last_token()).contains(&key.token));
        prop_assert_eq!(inside, !range.is_before(key.as_ref()) && !range.is_after(key.as_ref()));
        if let Bound::Included(KeyEdge::Key(edge)) = &range.start {
            prop_assert_eq!(range.is_before(key.as_ref()), key < *edge);
        }
        if let Bound::Excluded(KeyEdge::Token(edge)) = &range.end {
            prop_assert_eq!(range.is_after(key.as_ref()), key.token >= *edge);
        }
    }
}

#[test]
fn the_whole_ring_is_one_range() {
    let range = KeyRange::all();
    assert_eq!(
        (range.first_token(), range.last_token()),
        (Token::MIN, Token::MAX)
    );
    assert!(range.contains(key(0).as_ref()));
}

#[test]
fn the_bytes_are_those_of_the_table() {
    let key = PartitionKey::new(&b"k"[..]);
    let position = Position {
        key: key.clone(),
        clustering: Some(Bytes::from_static(b"c")),
        in_partition: 3,
    };
    let command = Command {
        columns: Columns::only([ColumnId(1), ColumnId(4)]),
        slices: vec![Slice::new(&b"a"[..], &b"b"[..])],
        reversed: true,
        limits: Limits {
            rows: 9,
            ..Limits::default()
        },
        resume: Some(position),
        ..Command::new(
            TableId(Uuid::from_bytes([7; 16])),
            Keys::List(vec![key.clone()]),
            -1,
        )
    };
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    let expected: [&[u8]; 8] = [
        &[
            format::VERSION,
            format::STATICS | format::REVERSED | format::RESUME,
        ],
        &[7; 16],
        &[3, 1, 2],        // columns
        &[2, 1, b'k'],     // keys
        b"\x01\x01a\x01b", // slices
        &[10, 0, 0, 1],    // limits, now
        &[1, b'k', 1, 1],  // position
        &[b'c', 3],
    ];
    assert_eq!(bytes, expected.concat());

    let range = KeyRange {
        start: Bound::Excluded(KeyEdge::Token(Token(0x0102))),
        end: Bound::Included(KeyEdge::Key(key)),
    };
    let mut bytes = Vec::new();
    range.encode(&mut bytes);
    assert_eq!(bytes, [2, 0, 0, 0, 0, 0, 0, 1, 2, 5, 1, b'k']);
}

#[test]
fn an_exhausted_meter_yields_before_any_work() {
    let command = Command::new(TableId(Uuid::nil()), Keys::Range(KeyRange::all()), NOW);
    let mut rows = Rows::new(memory(&[]).scan(&command), command);
    let mut meter = Meter::new(Limit {
        requests: 0,
        ..Limit::NONE
    });
    assert!(matches!(rows.step(&mut meter), Ok(RowStep::Yield)));
    assert!(!rows.is_complete());
    assert!(matches!(
        rows.step(&mut Meter::unlimited()),
        Ok(RowStep::End)
    ));
    assert!(rows.is_complete());
}

#[test]
fn dead_rows_and_range_tombstones_are_counted() {
    use crate::cell::Kind;
    use crate::{Deletion, Timestamp};
    let mut memory = crate::stream::Memory::new();
    let mut image = Vec::new();
    let dead = Kind::Tombstone { local_seconds: 0 };
    crate::image::Builder::new()
        .cell(ColumnId(1), Timestamp(9), dead)
        .finish_into(&mut image);
    (0..5u8).for_each(|at| memory.row(key(1).as_ref(), &[at], &image));
    let range = crate::key::RangeTombstone {
        start: Bytes::from_static(&[7]),
        end: Bytes::from_static(&[9]),
        deletion: Deletion {
            timestamp: Timestamp(1),
            local_seconds: 0,
        },
    };
    memory.range_tombstone(key(1).as_ref(), range);
    let command = Command::new(TableId(Uuid::nil()), Keys::Range(KeyRange::all()), NOW);
    let mut rows = Rows::new(memory.scan(&command), command);
    let mut meter = Meter::unlimited();
    assert!(matches!(rows.step(&mut meter), Ok(RowStep::End)));
    assert_eq!(rows.dead_rows(), 6);
    assert_eq!(meter.work().dead_rows, 6);
    assert_eq!(meter.work().read_bytes, 5 * (1 + image.len() as u64));
}

#[test]
fn orders_of_a_filter_travel() {
    let clustering = vec![(Type::Int, Order::Desc), (Type::Text, Order::Asc)];
    let filter = Filter {
        partition_components: 3,
        clustering,
        conditions: Vec::new(),
    };
    let mut bytes = Vec::new();
    filter.encode(&mut bytes);
    assert_eq!(
        Filter::decode(&mut base::bytes::Reader::new(&bytes)),
        Ok(filter)
    );
}

#[test]
fn partitions_without_rows_are_charged() {
    let mut memory = Memory::new();
    for number in 0..=u16::MAX {
        let mut bytes = Vec::new();
        crate::key::partition::encode([&number.to_be_bytes()[..]], &mut bytes);
        let deletion = Deletion {
            timestamp: Timestamp(1),
            local_seconds: 1,
        };
        memory.delete_partition(PartitionKey::new(bytes).as_ref(), deletion);
    }
    let command = Command::new(TableId(Uuid::nil()), Keys::Range(KeyRange::all()), NOW);
    let mut rows = Rows::new(memory.scan(&command), command);
    let mut meter = Meter::default();
    let mut turns = 0;
    loop {
        match rows.step(&mut meter).expect("memory does not fail") {
            RowStep::Yield => turns += 1,
            RowStep::End => break,
            _ => panic!("there is no row"),
        }
        meter.reset();
    }
    assert!(turns > 40, "{turns} turns for 65,536 partitions");
}
