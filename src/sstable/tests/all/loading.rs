//! How blocks are had: one load for many readers, the cache filled or not, memory within bounds.

use std::sync::Arc;

use base::env::{Class, Env};
use base::meter::Meter;
use model::PartitionKey;
use model::read::Keys;
use model::stream::{Error, Step, Stream};
use sim::disk::{Disk, Faults};
use sim::local::Machine;
use sstable::{Cache, Options, Scan, Writer};

use crate::support::{
    ID, Shape, collect, contents, directory, open, row_image, table, tiny, write,
};

const SHAPE: Shape = Shape {
    partitions: 100,
    rows_max: 10,
    ranges_max: 1,
    value_bytes_max: 60,
    key_bytes_max: 4,
};

/// A machine whose reads never are at hand.
fn slow_machine(seed: u64) -> Machine {
    let disk = Disk::new(seed);
    disk.set_faults(Faults {
        would_block: 1.0,
        ..Faults::default()
    });
    Machine::with_disk(seed, disk).strict()
}

async fn written(env: &Env) -> (Arc<dyn base::env::Dir>, Vec<PartitionKey>) {
    let dir = directory(env).await;
    let (memory, keys) = contents(&mut env.rng("loading"), SHAPE);
    write(env, &dir, &memory, tiny(table()))
        .await
        .expect("not empty");
    (dir, keys)
}

#[test]
fn many_readers_of_one_block_share_its_load() {
    let usage = slow_machine(1)
        .run(|env| async move {
            let (dir, keys) = written(&env).await;
            let cache = Cache::new(&env, 1 << 20);
            let reader = open(&env, &dir, &cache).await.expect("opens");
            let tasks: Vec<_> = (0..50)
                .map(|_| {
                    let scan = Scan::new(Keys::List(vec![keys[3].clone()]));
                    let mut cursor = reader.cursor(Arc::new(scan));
                    env.spawn("reader", async move { collect(&mut cursor, 50_000).await })
                })
                .collect();
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(task.await.expect("no panic").expect("reads"));
            }
            assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
            cache.usage()
        })
        .expect("power");
    // Filter, leaf and data blocks of one partition, whoever wanted them.
    assert!(usage.blocks >= 3 && usage.blocks < 20, "{usage:?}");
}

#[test]
fn a_scan_does_not_fill_the_cache_and_a_second_look_is_a_hit() {
    slow_machine(2)
        .run(|env| async move {
            let (dir, keys) = written(&env).await;
            let cache = Cache::new(&env, 1 << 20);
            let reader = open(&env, &dir, &cache).await.expect("opens");
            let all = collect(&mut reader.cursor(Arc::new(Scan::all())), 50_000).await;
            assert!(all.expect("reads").len() > 100);
            assert_eq!(cache.usage().blocks, 0);
            let scan = Arc::new(Scan::new(Keys::List(keys.clone())));
            let first = collect(&mut reader.cursor(scan.clone()), 50_000).await;
            let misses = cache.usage().misses;
            let second = collect(&mut reader.cursor(scan), 50_000).await;
            assert_eq!(first, second);
            assert_eq!(cache.usage().misses, misses, "everything was there");
            assert!(cache.usage().hits > keys.len() as u64);
        })
        .expect("power");
}

#[test]
fn read_errors_are_said_and_the_next_try_succeeds() {
    let machine = slow_machine(3);
    machine
        .run(|env| {
            let disk = machine.disk().clone();
            async move {
                let (dir, keys) = written(&env).await;
                let cache = Cache::new(&env, 1 << 20);
                let reader = open(&env, &dir, &cache).await.expect("opens");
                let scan = Arc::new(Scan::new(Keys::List(keys)));
                let faults = Faults {
                    would_block: 1.0,
                    read_error: 1.0,
                    ..Faults::default()
                };
                disk.set_faults(faults);
                let failed = collect(&mut reader.cursor(scan.clone()), 50_000).await;
                assert!(matches!(failed, Err(Error::Io(_))), "{failed:?}");
                disk.set_faults(Faults::default());
                let read = collect(&mut reader.cursor(scan), 50_000).await;
                assert!(!read.expect("reads").is_empty());
            }
        })
        .expect("power");
}

/// Two cursors in two turns of one task, one dropped in the middle of its wait: the other still gets its block.
#[test]
fn a_dropped_reader_does_not_take_the_load_along() {
    slow_machine(4)
        .run(|env| async move {
            let (dir, keys) = written(&env).await;
            let reader = open(&env, &dir, &Cache::new(&env, 1 << 20))
                .await
                .expect("opens");
            let scan = Arc::new(Scan::new(Keys::List(vec![keys[0].clone()])));
            let mut first = reader.cursor(scan.clone());
            let Ok(Step::Wait(wait)) = first.step(&mut Meter::unlimited()) else {
                panic!("nothing is in memory");
            };
            let mut second = reader.cursor(scan);
            let Ok(Step::Wait(second_wait)) = second.step(&mut Meter::unlimited()) else {
                panic!("nothing is in memory");
            };
            drop((wait, first));
            second_wait.await;
            assert!(
                !collect(&mut second, 50_000)
                    .await
                    .expect("reads")
                    .is_empty()
            );
        })
        .expect("power");
}

/// What a writer holds does not grow with the file, and what a reader holds hardly does.
#[test]
fn memory_does_not_grow_with_the_file() {
    sim::local::block_on(5, |env| async move {
        let dir = directory(&env).await;
        let target = dir.clone();
        let mut keys: Vec<PartitionKey> = (0..60_000u32)
            .map(|number| PartitionKey::new(number.to_be_bytes().to_vec()))
            .collect();
        keys.sort();
        let summary = env.blocking(Class::Flush, move || {
            let mut writer = Writer::create(target, ID, Options::new(table()))?;
            let image = row_image(5, &[7; 200]);
            let mut appended = 0;
            for key in &keys {
                writer.add_partition(key.as_ref(), None, None)?;
                writer.add_row(b"", &image)?;
                let pending = writer.memory_bytes();
                appended = appended.max(pending);
            }
            assert!(appended < 3 << 20, "{appended}");
            writer.finish()
        });
        let summary = summary.await.expect("written").expect("not empty");
        assert!(summary.statistics.counts.plain_bytes > 12 << 20);
        let reader = open(&env, &dir, &Cache::new(&env, 1 << 20))
            .await
            .expect("opens");
        assert!(
            reader.resident_bytes() < 4_000,
            "{}",
            reader.resident_bytes()
        );
        let found = collect(&mut reader.cursor(Arc::new(Scan::all())), 200_000).await;
        assert_eq!(found.expect("reads").len(), 3 * 60_000);
    });
}
