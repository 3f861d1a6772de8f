//! Random partitions, written and read back in every way, against the same read of the same contents in memory.

use std::ops::Bound;
use std::sync::Arc;

use base::env::{Env, Rng};
use base::meter::Meter;
use bytes::Bytes;
use model::PartitionKey;
use model::read::{Command, KeyEdge, KeyRange, Keys, Position};
use model::stream::{Direction, Memory, Step, Stream};
use sstable::{Cache, Found, Options, Reader, Scan};

use crate::support::{
    Event, Shape, clustering, collect, contents, directory, open, slices, table, tiny, write,
};

/// Files of very different shapes: many small partitions, few large ones, single rows.
const SHAPES: [Shape; 4] = [
    Shape {
        partitions: 60,
        rows_max: 4,
        ranges_max: 1,
        value_bytes_max: 30,
        key_bytes_max: 3,
    },
    Shape {
        partitions: 3,
        rows_max: 150,
        ranges_max: 8,
        value_bytes_max: 40,
        key_bytes_max: 5,
    },
    Shape {
        partitions: 200,
        rows_max: 1,
        ranges_max: 0,
        value_bytes_max: 10,
        key_bytes_max: 0,
    },
    Shape {
        partitions: 8,
        rows_max: 12,
        ranges_max: 12,
        value_bytes_max: 300,
        key_bytes_max: 4,
    },
];

struct Case {
    memory: Memory,
    keys: Vec<PartitionKey>,
    shape: Shape,
    reader: Arc<Reader>,
    rng: Rng,
}

fn run(seed: u64, options: impl Fn() -> Options + Send + 'static) {
    let shape = SHAPES[(seed % SHAPES.len() as u64) as usize];
    sim::local::block_on(seed, |env| async move {
        let case = case(&env, seed, shape, options()).await;
        if let Some(mut case) = case {
            everything(&mut case).await;
            ranges(&mut case).await;
            lists(&mut case).await;
            resumed(&mut case).await;
            lookups(&mut case).await;
        }
    });
}

async fn case(env: &Env, seed: u64, shape: Shape, options: Options) -> Option<Case> {
    let mut rng = env.rng("twin");
    let (memory, keys) = contents(&mut rng, shape);
    let dir = directory(env).await;
    let summary = write(env, &dir, &memory, options).await?;
    // At times a cache too small for anything.
    let cache = Cache::new(env, if seed.is_multiple_of(3) { 1 } else { 1 << 20 });
    let reader = open(env, &dir, &cache).await.expect("opens");
    assert_eq!(reader.expected().footer_crc, summary.footer_crc);
    assert_eq!(reader.statistics(), &summary.statistics);
    assert_eq!(summary.statistics.counts.partitions, keys.len() as u64);
    Some(Case {
        memory,
        keys,
        shape,
        reader,
        rng,
    })
}

async fn check(case: &Case, command: &Command) {
    let expected = collect(&mut case.memory.scan(command), u64::MAX).await;
    let mut cursor = case.reader.cursor(Arc::new(Scan::of(command)));
    let turn_nanos = if command.reversed { 1_000 } else { 30_000 };
    let found = collect(&mut cursor, turn_nanos).await;
    assert_eq!(found, expected, "{command:?}");
}

fn command(keys: Keys) -> Command {
    Command::new(table(), keys, 0)
}

async fn everything(case: &mut Case) {
    let expected = collect(&mut case.memory.stream(Direction::Forward), u64::MAX).await;
    let mut cursor = case.reader.cursor(Arc::new(Scan::all()));
    assert_eq!(collect(&mut cursor, 1_000).await, expected);
}

async fn ranges(case: &mut Case) {
    for _ in 0..8 {
        let (start, end) = (edge(case), edge(case));
        let mut command = command(Keys::Range(KeyRange { start, end }));
        command.slices = slices(&mut case.rng, case.shape);
        command.reversed = case.rng.below(2) == 0;
        check(case, &command).await;
    }
}

fn edge(case: &mut Case) -> Bound<KeyEdge> {
    let key = case.keys[case.rng.below(case.keys.len() as u64) as usize].clone();
    let edge = match case.rng.below(2) {
        0 => KeyEdge::Key(key),
        _ => KeyEdge::Token(key.token),
    };
    match case.rng.below(4) {
        0 => Bound::Unbounded,
        1 => Bound::Excluded(edge),
        _ => Bound::Included(edge),
    }
}

async fn lists(case: &mut Case) {
    for _ in 0..20 {
        let mut keys: Vec<PartitionKey> = (0..1 + case.rng.below(5))
            .map(|_| case.keys[case.rng.below(case.keys.len() as u64) as usize].clone())
            .collect();
        keys.push(PartitionKey::new(format!("absent {}", case.rng.next_u64())));
        let mut command = command(Keys::List(keys));
        command.slices = slices(&mut case.rng, case.shape);
        command.reversed = case.rng.below(2) == 0;
        check(case, &command).await;
    }
}

/// Going on after any row gives the rows that a whole read gives after it.
async fn resumed(case: &mut Case) {
    for _ in 0..6 {
        let mut command = command(Keys::Range(KeyRange::all()));
        command.reversed = case.rng.below(2) == 0;
        let whole = collect(&mut case.memory.scan(&command), u64::MAX)
            .await
            .expect("memory");
        let cut = case.rng.below(whole.len() as u64) as usize;
        let Some(position) = position_at(&whole[..=cut]) else {
            continue;
        };
        let mut scan = Scan::of(&command);
        scan.resume = Some(position);
        let rest = collect(&mut case.reader.cursor(Arc::new(scan)), 30_000).await;
        assert_eq!(
            rows(&rest.expect("reads")),
            rows_after(&whole, cut),
            "after {cut} of {command:?}"
        );
    }
}

/// The position after the last of these events, which is a row or the end of a partition.
fn position_at(events: &[Event]) -> Option<Position> {
    let key = events.iter().rev().find_map(|event| match event {
        Event::Partition(key, ..) => Some(key.clone()),
        _ => None,
    })?;
    let clustering = match events.last()? {
        Event::Row(clustering, _) => Some(Bytes::from(clustering.clone())),
        Event::PartitionEnd => None,
        _ => return None,
    };
    Some(Position {
        key,
        clustering,
        in_partition: 0,
    })
}

fn rows(events: &[Event]) -> Vec<(PartitionKey, Vec<u8>)> {
    let mut key = None;
    let mut rows = Vec::new();
    for event in events {
        match event {
            Event::Partition(found, ..) => key = Some(found.clone()),
            Event::Row(clustering, _) => {
                rows.push((key.clone().expect("a partition"), clustering.clone()));
            }
            _ => {}
        }
    }
    rows
}

fn rows_after(whole: &[Event], cut: usize) -> Vec<(PartitionKey, Vec<u8>)> {
    let before = rows(&whole[..=cut]).len();
    rows(whole).split_off(before)
}

async fn lookups(case: &mut Case) {
    let mut hits = 0;
    for _ in 0..60 {
        let key = match case.rng.below(5) {
            0 => PartitionKey::new(format!("absent {}", case.rng.next_u64())),
            _ => case.keys[case.rng.below(case.keys.len() as u64) as usize].clone(),
        };
        let clustering = clustering(&mut case.rng, case.shape);
        hits += u32::from(lookup(case, &key, &clustering).await);
    }
    assert!(hits > 0, "no row was ever looked up");
}

/// Whether the row is there.
async fn lookup(case: &Case, key: &PartitionKey, clustering: &[u8]) -> bool {
    let all = command(Keys::List(vec![key.clone()]));
    let events = collect(&mut case.memory.scan(&all), u64::MAX)
        .await
        .expect("memory");
    let mut lookup = case.reader.lookup(key.as_ref(), clustering);
    let found = loop {
        match lookup.step().expect("reads") {
            Found::Wait(wait) => wait.await,
            found => break matches!(found, Found::Present),
        }
    };
    assert_eq!(found, !events.is_empty());
    if !found {
        return false;
    }
    let (mut image, mut covering, mut partition) = (None, None, None);
    for event in &events {
        match event {
            Event::Partition(_, deletion, _) => partition = *deletion,
            Event::Row(key, found) if key == clustering => image = Some(found.as_slice()),
            Event::Range(range) if range.as_ref().contains(clustering) => {
                covering = Some(range.deletion)
            }
            _ => {}
        }
    }
    assert_eq!(lookup.image(), image);
    assert_eq!(lookup.range_deletion(), covering);
    assert_eq!(lookup.partition_deletion(), partition);
    image.is_some()
}

#[test]
fn tiny_blocks_read_back_as_written() {
    (0..300).for_each(|seed| run(seed, || tiny(table())));
}

#[test]
fn usual_blocks_read_back_as_written() {
    (0..60).for_each(|seed| run(seed, || Options::new(table())));
}

#[test]
fn every_codec_reads_back_as_written() {
    use base::compress::Codec;
    for codec in [Codec::None, Codec::Lz4, Codec::Zstd, Codec::Snappy] {
        (200..208).for_each(|seed| {
            run(seed, move || Options {
                codec,
                block_bytes: 700,
                ..Options::new(table())
            });
        });
    }
}

#[test]
fn files_without_filters_read_back_as_written() {
    (300..308).for_each(|seed| {
        run(seed, || Options {
            filter_bits: 0,
            ..tiny(table())
        });
    });
}

/// Skipping a partition at any point leads to the next one; letting go of the block changes nothing.
#[test]
fn partitions_can_be_skipped_and_blocks_let_go() {
    for seed in 400..424 {
        let shape = SHAPES[(seed % SHAPES.len() as u64) as usize];
        sim::local::block_on(seed, |env| async move {
            let Some(mut case) = case(&env, seed, shape, tiny(table())).await else {
                return;
            };
            let mut scan = Scan::all();
            scan.reversed = seed % 2 == 0;
            let mut cursor = case.reader.cursor(Arc::new(scan));
            let mut meter = Meter::unlimited();
            let mut seen = Vec::new();
            loop {
                match cursor.step(&mut meter).expect("reads") {
                    Step::Partition => seen.push(cursor.partition().key.to_owned()),
                    Step::End => break,
                    Step::Wait(wait) => {
                        wait.await;
                        continue;
                    }
                    _ => {}
                }
                match case.rng.below(8) {
                    0 => cursor.skip_partition(),
                    1 => cursor.release(),
                    _ => {}
                }
            }
            assert_eq!(seen, case.keys, "seed {seed}");
        });
    }
}
