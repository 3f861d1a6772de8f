//! What a merge gives may overlap: range tombstones inside others. The file keeps them apart with the same meaning.

use std::sync::Arc;

use base::env::Class;
use base::meter::Meter;
use model::key::range::Set;
use model::key::{RangeTombstone, Slice};
use model::read::Keys;
use model::stream::{Direction, Memory, Merge};
use model::{Deletion, PartitionKey};
use sstable::{Cache, Error, Pull, Scan, Writer};

use crate::support::{
    Event, ID, Shape, clustering, collect, contents, deletion, directory, open, row_image, table,
    tiny,
};

const SHAPE: Shape = Shape {
    partitions: 6,
    rows_max: 30,
    ranges_max: 10,
    value_bytes_max: 20,
    key_bytes_max: 3,
};

/// The strongest deletion of each key that is asked about, from the range tombstones of each partition.
fn covering(events: &[Event], probes: &[Vec<u8>]) -> Vec<(PartitionKey, Vec<Option<Deletion>>)> {
    let mut partitions: Vec<(PartitionKey, Set)> = Vec::new();
    for event in events {
        match event {
            Event::Partition(key, ..) => partitions.push((key.clone(), Set::new())),
            Event::Range(range) => partitions
                .last_mut()
                .expect("inside a partition")
                .1
                .insert(range.clone()),
            _ => {}
        }
    }
    let covered = |set: &Set| probes.iter().map(|key| set.covering(key)).collect();
    partitions
        .iter()
        .map(|(key, set)| (key.clone(), covered(set)))
        .collect()
}

#[test]
fn merged_files_delete_what_their_sources_deleted() {
    for seed in 0..40 {
        sim::local::block_on(seed, |env| async move {
            let mut rng = env.rng("overlap");
            let sources: Vec<Memory> = (0..3).map(|_| contents(&mut rng, SHAPE).0).collect();
            let probes: Vec<Vec<u8>> = (0..60).map(|_| clustering(&mut rng, SHAPE)).collect();
            let merge = || {
                let streams = sources
                    .iter()
                    .map(|memory| memory.stream(Direction::Forward));
                Merge::new(streams.collect::<Vec<_>>(), Direction::Forward)
            };
            let expected = collect(&mut merge(), u64::MAX).await.expect("memory");
            let dir = directory(&env).await;
            let (target, mut stream) = (dir.clone(), merge());
            let written = env.blocking(Class::Compaction, move || {
                let mut writer = Writer::create(target, ID, tiny(table()))?;
                while !matches!(
                    writer.pull(&mut stream, &mut Meter::unlimited())?,
                    Pull::End
                ) {}
                writer.finish()
            });
            written.await.expect("written").expect("not empty");
            let reader = open(&env, &dir, &Cache::new(&env, 1 << 20))
                .await
                .expect("opens");
            for reversed in [false, true] {
                let mut scan = Scan::all();
                scan.reversed = reversed;
                let mut found = collect(&mut reader.cursor(Arc::new(scan)), 50_000)
                    .await
                    .expect("reads");
                assert_eq!(
                    covering(&found, &probes),
                    covering(&expected, &probes),
                    "seed {seed}"
                );
                if !reversed {
                    let keep = |event: &Event| !matches!(event, Event::Range(_));
                    found.retain(keep);
                    let rows: Vec<Event> = expected
                        .iter()
                        .filter(|event| keep(event))
                        .cloned()
                        .collect();
                    assert_eq!(found, rows, "seed {seed}");
                }
            }
        });
    }
}

#[test]
fn what_is_out_of_order_is_refused() {
    sim::local::block_on(1, |env| async move {
        let dir = directory(&env).await;
        let written = env.blocking(Class::Flush, move || {
            let mut writer = Writer::create(dir, ID, tiny(table()))?;
            let image = row_image(1, b"v");
            let (low, high) = (PartitionKey::new("a"), PartitionKey::new("b"));
            let (low, high) = (low.clone().min(high.clone()), low.max(high));
            let refused =
                |result: Result<(), Error>| assert!(matches!(result, Err(Error::Invalid(_))));
            refused(writer.add_row(b"m", &image));
            writer.add_partition(high.as_ref(), None, None)?;
            writer.add_row(b"m", &image)?;
            refused(writer.add_row(b"m", &image));
            refused(writer.add_row(b"a", &image));
            refused(writer.add_range_tombstone(b"m", b"z", deletion(1)));
            refused(writer.add_range_tombstone(b"z", b"z", deletion(1)));
            writer.add_range_tombstone(b"n", b"z", deletion(1))?;
            writer.add_row(b"n", &image)?;
            refused(writer.add_partition(low.as_ref(), None, None));
            writer.abandon()
        });
        written.await.expect("only what is in order is taken");
    });
}

/// A range tombstone over many blocks is found from any of them.
#[test]
fn a_tombstone_over_many_blocks_is_found_from_each() {
    sim::local::block_on(1, |env| async move {
        let key = PartitionKey::new("wide");
        let mut memory = Memory::new();
        for row in 0..200u8 {
            memory.row(
                key.as_ref(),
                &[1, row],
                &row_image(9, b"some value or other"),
            );
        }
        let range = RangeTombstone {
            start: vec![1, 10].into(),
            end: vec![1, 190].into(),
            deletion: deletion(5),
        };
        memory.range_tombstone(key.as_ref(), range.clone());
        let dir = directory(&env).await;
        crate::support::write(&env, &dir, &memory, tiny(table())).await;
        let reader = open(&env, &dir, &Cache::new(&env, 1 << 20))
            .await
            .expect("opens");
        assert!(reader.statistics().counts.data_blocks > 50);
        for row in 0..200u8 {
            for reversed in [false, true] {
                let mut scan = Scan::new(Keys::List(vec![key.clone()]));
                scan.slices = vec![Slice::new(vec![1, row], vec![1, row + 1])];
                scan.reversed = reversed;
                let events = collect(&mut reader.cursor(Arc::new(scan)), 50_000)
                    .await
                    .expect("reads");
                let covered = events.contains(&Event::Range(range.clone()));
                assert_eq!(covered, (10..190).contains(&row), "row {row}");
                assert_eq!(events.len(), if covered { 4 } else { 3 });
            }
        }
    });
}
