//! Real threads and a real disk: what the simulator, which runs one thing at a time, cannot show.
//!
//! Writers on several threads append at once, so that frames wait in the log's queue, while tables are flushed and
//! read; every write is there at the end, and again after a restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::env::{Class, Dir, Env};
use model::Timestamp;
use schema::Catalog;
use storage::{Engine, Error, Options, Paths, SyncMode};

use crate::support::{Op, Query, TABLE, What, catalog, open_in, options, read, table};

const WRITERS: usize = 4;
const WRITES: usize = 400;

fn put(writer: usize, number: usize) -> Op {
    let cells = vec![(
        "v".to_owned(),
        Some(format!("{number} {}", "x".repeat(100))),
    )];
    let what = What::Put {
        row: format!("{writer} {number:04}"),
        cells,
        insert: true,
        ttl: 0,
    };
    Op {
        partition: format!("p{}", number % 7),
        at: 1 + number as i64,
        what,
    }
}

/// One writer: each turn has one or two writes. A full log is waited for.
fn work(env: &Env, engine: &Engine, table: &schema::Table, writer: usize) {
    let mut turn = engine.turn();
    for first in (0..WRITES).step_by(2) {
        loop {
            let written: Result<_, Error> = (first..first + 2)
                .try_for_each(|number| {
                    put(writer, number).write(&mut turn, table, env.wall_seconds())
                })
                .and_then(|()| turn.commit());
            match written {
                Ok(_) => break,
                Err(Error::Overloaded(_)) => {
                    turn.clear();
                    std::thread::yield_now();
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

async fn live(env: &Env, paths: &Paths, catalog: &Arc<Catalog>) {
    let options = Options {
        sync: SyncMode::Periodic(Duration::from_millis(50)),
        segment_bytes: 64 << 10,
        log_bytes_max: Some(16 * (64 << 10)),
        ..options()
    };
    let opened = open_in(env, paths.clone(), 0, catalog, options).await;
    let engine = opened.expect("it opens");
    let table = table(catalog, "t");
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (own, engine, table) = (env.clone(), engine.clone(), table.clone());
            env.blocking(Class::General, move || work(&own, &engine, &table, writer))
        })
        .collect();
    for _ in 0..5 {
        engine.flush(Some(table.id)).await.expect("it flushes");
        read(&engine, env, &table, &Query::default())
            .await
            .expect("it reads");
    }
    for writer in writers {
        writer.await;
    }
    check(env, &engine, &table).await;
    let written = engine.status().log.written;
    engine.durable(written).await.expect("it syncs");
}

async fn check(env: &Env, engine: &Engine, table: &schema::Table) {
    let lines = read(engine, env, table, &Query::default())
        .await
        .expect("it reads");
    assert_eq!(lines.len(), WRITERS * WRITES);
}

fn remove_all(dir: &dyn Dir) -> std::io::Result<()> {
    for entry in dir.list()? {
        if entry.is_dir {
            remove_all(&*dir.dir(&entry.name)?)?;
            dir.remove_dir(&entry.name)?;
        } else {
            dir.remove(&entry.name)?;
        }
    }
    Ok(())
}

/// Runs `work` on a folder of its own, which is gone afterwards.
fn on_disk<F: Future<Output = ()>>(name: &str, work: impl FnOnce(Env, Paths) -> F) {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let paths = Paths {
        data: root.join("data"),
        commit_log: root.join("commitlog"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let env = Env::real();
        let dir = env.make_dirs(&root).expect("a directory");
        remove_all(&*dir).expect("it is empty");
        work(env.clone(), paths).await;
        remove_all(&*dir).expect("it is removed");
        let parent: &Path = root.parent().expect("a parent");
        env.dir(parent)
            .and_then(|parent| parent.remove_dir(name))
            .expect("it is removed");
    });
}

#[test]
fn writers_on_many_threads_lose_nothing() {
    on_disk("storage-threads", |env, paths| async move {
        let catalog = catalog(&[TABLE]);
        live(&env, &paths, &catalog).await;
        let opened = open_in(&env, paths, 0, &catalog, options_again()).await;
        let engine = opened.expect("it opens again");
        check(&env, &engine, &table(&catalog, "t")).await;
        engine.drain().await.expect("it drains");
    });
}

/// A write that races a TRUNCATE, with a timestamp above it, is there or not: the same before and after a restart.
#[test]
fn writers_that_race_a_truncation_are_of_one_mind_with_the_log() {
    on_disk("storage-truncations", |env, paths| async move {
        let catalog = catalog(&[TABLE]);
        let table = table(&catalog, "t");
        let open = || open_in(&env, paths.clone(), 0, &catalog, options_again());
        let mut engine = open().await.expect("it opens");
        for _ in 0..20 {
            let written = engine.status().log.written;
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let (own, engine, table) = (env.clone(), engine.clone(), table.clone());
                    env.blocking(Class::General, move || work(&own, &engine, &table, writer))
                })
                .collect();
            while engine.status().log.written == written {
                std::thread::yield_now();
            }
            let truncated = engine.truncate(table.id, Timestamp(0)).await;
            truncated.expect("it truncates");
            for writer in writers {
                writer.await;
            }
            let before = read(&engine, &env, &table, &Query::default()).await;
            drop(engine);
            // A thread of the engine that is gone may still be listing a file, or making the segment that this one
            // begins with.
            for class in [Class::Compaction, Class::Flush] {
                env.blocking(class, || ()).await;
            }
            let mut opened = open().await;
            for _ in 0..100 {
                if !matches!(opened, Err(Error::Io(_))) {
                    break;
                }
                env.sleep(Duration::from_millis(10)).await;
                opened = open().await;
            }
            engine = opened.expect("it opens again");
            let after = read(&engine, &env, &table, &Query::default()).await;
            let (before, after) = (before.expect("it reads"), after.expect("it reads"));
            let lost: Vec<_> = before.iter().filter(|row| !after.contains(row)).collect();
            let come: Vec<_> = after.iter().filter(|row| !before.contains(row)).collect();
            assert!(
                lost.is_empty() && come.is_empty(),
                "a restart shows other rows: without {lost:?}, with {come:?}"
            );
        }
        engine.drain().await.expect("it drains");
    });
}

/// The same segments, so that they are used again.
fn options_again() -> Options {
    Options {
        segment_bytes: 64 << 10,
        log_bytes_max: Some(16 * (64 << 10)),
        ..options()
    }
}
