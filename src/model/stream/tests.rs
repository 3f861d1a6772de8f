//! Merges against a naive model, with sources that stutter.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::Waker;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::PartitionKey;
use crate::image::model::{Model, deletion, row};
use crate::key::RangeTombstone;

/// A change of one partition.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Deletion(Deletion),
    Static(Model),
    Row(u8, Model),
    Range(u8, u8, Deletion),
}

pub(crate) fn change() -> impl Strategy<Value = (u8, Change)> {
    let some_row = || {
        row()
            .prop_map(|row| row.normal(None))
            .prop_filter("a row says something", |row| !row.is_empty())
    };
    let change = prop_oneof![
        1 => deletion().prop_map(Change::Deletion),
        1 => some_row().prop_map(Change::Static),
        6 => (0u8..8, some_row()).prop_map(|(key, row)| Change::Row(key, row)),
        3 => (0u8..8, 1u8..8, deletion()).prop_map(|(start, len, deletion)| Change::Range(start, start + len, deletion)),
    ];
    (0u8..3, change)
}

pub(crate) fn key(number: u8) -> PartitionKey {
    PartitionKey::new(vec![number])
}

fn bound(at: u8) -> Bytes {
    Bytes::copy_from_slice(&[at])
}

pub(crate) fn memory(changes: &[(u8, Change)]) -> Memory {
    let mut memory = Memory::new();
    for (number, change) in changes {
        let key = key(*number);
        match change {
            Change::Deletion(deletion) => memory.delete_partition(key.as_ref(), *deletion),
            Change::Static(row) => memory.static_row(key.as_ref(), &row.image()),
            Change::Row(clustering, row) => memory.row(key.as_ref(), &[*clustering], &row.image()),
            Change::Range(start, end, deletion) => {
                let range = RangeTombstone {
                    start: bound(*start),
                    end: bound(*end),
                    deletion: *deletion,
                };
                memory.range_tombstone(key.as_ref(), range);
            }
        }
    }
    memory
}

/// A partition as it must come out.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Expected {
    pub(crate) deletion: Option<Deletion>,
    pub(crate) static_row: Option<Model>,
    pub(crate) rows: BTreeMap<u8, Model>,
    /// The strongest range deletion of each key, if the partition's does not cover it.
    pub(crate) ranges: BTreeMap<u8, Deletion>,
}

pub(crate) fn expected(changes: &[(u8, Change)]) -> BTreeMap<PartitionKey, Expected> {
    let mut partitions: BTreeMap<PartitionKey, Expected> = BTreeMap::new();
    for (number, change) in changes {
        let partition = partitions.entry(key(*number)).or_default();
        match change {
            Change::Deletion(deletion) => {
                partition.deletion = partition.deletion.max(Some(*deletion))
            }
            Change::Static(row) => {
                let joined = partition.static_row.take().unwrap_or_default().join(row);
                partition.static_row = Some(joined);
            }
            Change::Row(clustering, row) => {
                let old = partition.rows.entry(*clustering).or_default();
                *old = old.join(row);
            }
            Change::Range(start, end, deletion) => {
                for at in *start..*end {
                    let old = partition.ranges.get(&at).copied();
                    partition
                        .ranges
                        .insert(at, old.map_or(*deletion, |old| old.max(*deletion)));
                }
            }
        }
    }
    for partition in partitions.values_mut() {
        let covers = partition.deletion.map(|deletion| deletion.timestamp.0);
        partition
            .ranges
            .retain(|_, range| covers.is_none_or(|covers| range.timestamp.0 > covers));
        partition.static_row = partition
            .static_row
            .take()
            .map(|row| row.normal(covers))
            .filter(|row| !row.is_empty());
        let ranges = &partition.ranges;
        partition.rows = std::mem::take(&mut partition.rows)
            .into_iter()
            .map(|(key, row)| {
                (
                    key,
                    row.normal(covers.max(ranges.get(&key).map(|range| range.timestamp.0))),
                )
            })
            .filter(|(_, row)| !row.is_empty())
            .collect();
    }
    partitions
}

/// A stream that says "yield" and "wait" now and then, and watches how it is used.
pub(crate) struct Stutter<S> {
    stream: S,
    pattern: Vec<u8>,
    next: usize,
    inside: bool,
}

impl<S> Stutter<S> {
    pub(crate) fn new(stream: S, pattern: &[u8]) -> Stutter<S> {
        Stutter {
            stream,
            pattern: pattern.to_vec(),
            next: 0,
            inside: false,
        }
    }
}

impl<S: Stream> Stream for Stutter<S> {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, Error> {
        self.next += 1;
        match self.pattern.get(self.next - 1) {
            Some(0) => Ok(Step::Yield),
            Some(1) => Ok(Step::Wait(Wait::new(std::future::ready(())))),
            _ => {
                let step = self.stream.step(meter)?;
                self.inside = !matches!(step, Step::PartitionEnd | Step::End);
                Ok(step)
            }
        }
    }
    fn partition(&self) -> Partition<'_> {
        self.stream.partition()
    }
    fn row(&self) -> Row<'_> {
        self.stream.row()
    }
    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        self.stream.range_tombstone()
    }
    fn skip_partition(&mut self) {
        assert!(self.inside, "a partition is left that has ended");
        self.inside = false;
        self.stream.skip_partition();
    }
}

/// What a stream said of one partition.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    key: PartitionKey,
    deletion: Option<Deletion>,
    static_row: Option<Model>,
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq)]
enum Item {
    Row(Vec<u8>, Model),
    Range(RangeTombstone),
}

/// Runs a stream to its end, leaving partition `n` after `skips[n]` items.
fn run(mut stream: impl Stream, skips: &[usize]) -> Vec<Said> {
    let mut said: Vec<Said> = Vec::new();
    let mut inside = false;
    let mut meter = Meter::unlimited();
    loop {
        let step = stream.step(&mut meter).expect("no source fails");
        match step {
            Step::Partition => {
                assert!(!inside, "a partition ends before the next begins");
                inside = true;
                let partition = stream.partition();
                let static_row = partition.static_row.map(Model::read);
                let key = partition.key.to_owned();
                said.push(Said {
                    key,
                    deletion: partition.deletion,
                    static_row,
                    items: Vec::new(),
                });
            }
            Step::Row => {
                let row = stream.row();
                crate::image::check(row.image).expect("a normal image");
                let item = Item::Row(row.clustering.to_vec(), Model::read(row.image));
                said.last_mut()
                    .expect("inside a partition")
                    .items
                    .push(item);
            }
            Step::RangeTombstone => {
                let range = stream.range_tombstone();
                assert!(range.start < range.end, "a range has keys");
                let item = Item::Range(range.to_owned());
                said.last_mut()
                    .expect("inside a partition")
                    .items
                    .push(item);
            }
            Step::PartitionEnd => inside = false,
            Step::End => break,
            Step::Yield => {}
            Step::Wait(wait) => {
                let mut context = Context::from_waker(Waker::noop());
                assert!(pin!(wait).poll(&mut context).is_ready());
            }
        }
        let at = said.len().wrapping_sub(1);
        if inside
            && skips
                .get(at)
                .is_some_and(|skip| said[at].items.len() >= *skip)
        {
            stream.skip_partition();
            inside = false;
        }
    }
    assert!(
        matches!(stream.step(&mut meter), Ok(Step::End)),
        "the end is for ever"
    );
    said
}

/// Whether what was said is what the model expects.
fn judge(
    said: &[Said],
    changes: &[(u8, Change)],
    direction: Direction,
) -> Result<(), TestCaseError> {
    let expected = expected(changes);
    prop_assert_eq!(
        said.iter().map(|said| &said.key).collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (said, expected) in said.iter().zip(expected.values()) {
        prop_assert_eq!(said.deletion, expected.deletion);
        prop_assert_eq!(&said.static_row, &expected.static_row);
        let mut rows: Vec<(u8, &Model)> =
            expected.rows.iter().map(|(key, row)| (*key, row)).collect();
        if direction == Direction::Reversed {
            rows.reverse();
        }
        let found = said.items.iter().filter_map(|item| match item {
            Item::Row(key, row) => Some((key[0], row)),
            Item::Range(_) => None,
        });
        prop_assert_eq!(found.collect::<Vec<_>>(), rows);
        judge_ranges(&said.items, &expected.ranges, direction)?;
    }
    Ok(())
}

fn judge_ranges(
    items: &[Item],
    expected: &BTreeMap<u8, Deletion>,
    direction: Direction,
) -> Result<(), TestCaseError> {
    let ranges: Vec<&RangeTombstone> = items
        .iter()
        .filter_map(|item| {
            if let Item::Range(range) = item {
                Some(range)
            } else {
                None
            }
        })
        .collect();
    for at in 0..17u8 {
        let expected = expected.get(&at).copied();
        let covering = ranges.iter().filter(|range| range.as_ref().contains(&[at]));
        prop_assert_eq!(
            covering.map(|range| range.deletion).max(),
            expected,
            "all ranges at {}",
            at
        );
        // A consumer that keeps only the range given last.
        let mut last = None;
        for range in &ranges {
            let begun = match direction {
                Direction::Forward => range.start[..] <= [at][..],
                Direction::Reversed => range.end[..] > [at][..],
            };
            if begun {
                last = Some(range);
            }
        }
        let last = last
            .filter(|range| range.as_ref().contains(&[at]))
            .map(|range| range.deletion);
        prop_assert_eq!(last, expected, "the last range at {}", at);
    }
    for (index, item) in items.iter().enumerate() {
        let Item::Row(key, _) = item else { continue };
        let late = items[index..]
            .iter()
            .any(|item| matches!(item, Item::Range(range) if range.as_ref().contains(key)));
        prop_assert!(!late, "a range came after a row that it covers");
    }
    let place = |range: &&RangeTombstone| match direction {
        Direction::Forward => range.start.clone(),
        Direction::Reversed => range.end.clone(),
    };
    let places: Vec<Bytes> = ranges.iter().map(place).collect();
    let sorted = match direction {
        Direction::Forward => places.is_sorted(),
        Direction::Reversed => places.iter().rev().is_sorted(),
    };
    prop_assert!(sorted);
    Ok(())
}

pub(crate) fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Forward), Just(Direction::Reversed)]
}

pub(crate) type Sources = Vec<Vec<(u8, Change)>>;

pub(crate) fn sources() -> impl Strategy<Value = Sources> {
    proptest::collection::vec(proptest::collection::vec(change(), 0..8), 0..4)
}

proptest! {
    #[test]
    fn a_merge_is_the_merge_of_the_model(
        sources in sources(), direction in direction(), pattern in proptest::collection::vec(0u8..4, 0..40),
    ) {
        let streams = sources.iter().map(|changes| Stutter::new(memory(changes).stream(direction), &pattern));
        let said = run(Merge::new(streams, direction), &[]);
        judge(&said, &sources.concat(), direction)?;
    }

    #[test]
    fn a_merge_of_merges_is_a_merge(sources in sources(), direction in direction(), split in 0usize..4) {
        let split = split.min(sources.len());
        let merge = |sources: &[Vec<(u8, Change)>]| {
            Merge::new(sources.iter().map(|changes| memory(changes).stream(direction)), direction)
        };
        let halves = [merge(&sources[..split]), merge(&sources[split..])];
        let said = run(Merge::new(halves, direction), &[]);
        judge(&said, &sources.concat(), direction)?;
    }

    #[test]
    fn leaving_a_partition_changes_nothing_else(
        sources in sources(), direction in direction(), skips in proptest::collection::vec(0usize..6, 3),
        pattern in proptest::collection::vec(0u8..4, 0..40),
    ) {
        let streams = || {
            let streams = sources.iter().map(|changes| Stutter::new(memory(changes).stream(direction), &pattern));
            Merge::new(streams, direction)
        };
        let mut whole = run(streams(), &[]);
        for (said, skip) in whole.iter_mut().zip(&skips) {
            said.items.truncate(*skip);
        }
        prop_assert_eq!(run(streams(), &skips), whole);
    }
}

#[test]
fn rows_that_a_deletion_removes_are_charged_and_can_exhaust_the_meter() {
    use base::meter::Limit;
    let row = {
        let mut image = Vec::new();
        crate::image::Builder::new()
            .liveness(crate::Liveness::plain(crate::Timestamp(1)))
            .finish_into(&mut image);
        image
    };
    let mut memory = Memory::new();
    let key = key(1);
    memory.delete_partition(
        key.as_ref(),
        Deletion {
            timestamp: crate::Timestamp(2),
            local_seconds: 0,
        },
    );
    (0..100u8).for_each(|clustering| memory.row(key.as_ref(), &[clustering], &row));
    let mut merge = Merge::new([memory.stream(Direction::Forward)], Direction::Forward);

    let mut meter = Meter::new(Limit {
        nanos: 10 * base::meter::DEAD_ROW_NANOS,
        ..Limit::NONE
    });
    let mut yields = 0;
    assert!(matches!(merge.step(&mut meter), Ok(Step::Partition)));
    loop {
        match merge.step(&mut meter).expect("no source fails") {
            Step::Yield => {
                yields += 1;
                meter.reset();
            }
            Step::PartitionEnd => break,
            step => panic!("{step:?} of a deleted partition"),
        }
    }
    assert!(
        (9..=11).contains(&yields),
        "{yields} yields for 100 dead rows, ten a turn"
    );
}

#[test]
fn a_row_of_one_source_is_lent_not_copied() {
    let mut memory = Memory::new();
    let mut image = Vec::new();
    crate::image::Builder::new()
        .liveness(crate::Liveness::plain(crate::Timestamp(1)))
        .finish_into(&mut image);
    memory.row(key(1).as_ref(), b"c", &image);
    let streams = [
        memory.stream(Direction::Forward),
        Memory::new().stream(Direction::Forward),
    ];
    let mut merge = Merge::new(streams, Direction::Forward);
    let mut meter = Meter::unlimited();
    assert!(matches!(merge.step(&mut meter), Ok(Step::Partition)));
    assert!(matches!(merge.step(&mut meter), Ok(Step::Row)));
    let source = merge.sources().next().expect("two sources").row();
    assert!(std::ptr::eq(merge.row().image, source.image));
}

#[test]
fn a_failure_of_a_source_is_the_merges() {
    struct Broken(Cursor);
    impl Stream for Broken {
        fn step(&mut self, _: &mut Meter) -> Result<Step, Error> {
            Err(Error::Corrupt {
                file: "f".into(),
                offset: 7,
                what: "bits".into(),
            })
        }
        fn partition(&self) -> Partition<'_> {
            self.0.partition()
        }
        fn row(&self) -> Row<'_> {
            self.0.row()
        }
        fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
            self.0.range_tombstone()
        }
        fn skip_partition(&mut self) {}
    }
    let mut merge = Merge::new(
        [Broken(Memory::new().stream(Direction::Forward))],
        Direction::Forward,
    );
    let error = merge
        .step(&mut Meter::unlimited())
        .expect_err("the source is broken");
    assert_eq!(error.to_string(), "f is damaged at byte 7: bits");
}
