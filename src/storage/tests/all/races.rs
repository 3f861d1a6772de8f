//! Interleavings and failures that once went wrong: a flush ahead of the log's sync, callers that give up, a manifest
//! that takes no more.

use std::sync::Arc;
use std::time::Duration;

use base::env::Env;
use model::Timestamp;
use schema::Catalog;
use sim::local::{Machine, block_on};
use storage::{Engine, Error, Options, SyncMode};

use crate::support::{
    OTHER, Op, Query, TABLE, catalog, commit, follow, open, open_with, options, quiet, read, table,
    write,
};

fn put(row: &str, value: &str) -> Op {
    Op::put("p", row, 1, value)
}

/// Writes rows of a kilobyte until the log is in this segment.
async fn fill_to(engine: &Engine, env: &Env, table: &schema::Table, segment: u64) {
    let value = "x".repeat(1000);
    for number in 0.. {
        if engine.status().log.written.segment() >= segment {
            return;
        }
        match commit(engine, env, table, &[put(&format!("{number:04}"), &value)]) {
            Ok(_) => {}
            Err(Error::Overloaded(_)) => env.sleep(Duration::from_millis(100)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn count(engine: &Engine, env: &Env, catalog: &Catalog, name: &str) -> usize {
    let lines = read(engine, env, &table(catalog, name), &Query::default()).await;
    lines.expect("it reads").len()
}

/// What the manifest says of the log must be durable in the log: else a power failure leaves a log that ends below
/// what tables were flushed to, which looks as if segments had been taken away.
#[test]
fn a_flush_is_never_ahead_of_the_synced_log() {
    for seed in 0..8 {
        let machine = Machine::new(100 + seed);
        let schema = catalog(&[TABLE, OTHER]);
        let periodic = Options {
            sync: SyncMode::Periodic(Duration::from_secs(3600)),
            ..options()
        };
        let (own, own_options) = (schema.clone(), periodic.clone());
        machine
            .run(|env| async move {
                let engine = open_with(&env, &own, own_options).await.unwrap();
                let (t, other) = (table(&own, "t"), table(&own, "other"));
                let first = engine.status().log.written.segment();
                fill_to(&engine, &env, &other, first + 2).await;
                commit(&engine, &env, &t, &[put("kept", "v")]).unwrap();
                engine.flush(Some(t.id)).await.unwrap();
            })
            .unwrap();
        machine.disk().power_failure();
        let own = schema.clone();
        machine
            .run(|env| async move {
                let engine = open_with(&env, &own, periodic).await;
                let engine = engine.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                assert_eq!(count(&engine, &env, &own, "t").await, 1);
            })
            .unwrap();
    }
}

/// A table that is dropped frees the segments that only it needed.
#[test]
fn a_dropped_table_frees_its_segments() {
    block_on(110, |env| async move {
        let both = catalog(&[OTHER, TABLE]);
        let engine = open(&env, &both).await.unwrap();
        let first = engine.status().log.written.segment();
        fill_to(&engine, &env, &table(&both, "t"), first + 3).await;
        assert!(engine.status().log.needed_bytes > u64::from(options().segment_bytes));
        follow(&engine, &catalog(&[OTHER])).await.unwrap();
        let needed = engine.status().log.needed_bytes;
        assert_eq!(needed, u64::from(options().segment_bytes));
    });
}

/// A turn that was encoded before a table was dropped keeps what is for others, also when the log is read again.
#[test]
fn a_dropped_table_takes_no_other_write_with_it() {
    let machine = Machine::new(115);
    let (both, left) = (catalog(&[OTHER, TABLE]), catalog(&[OTHER]));
    let (schema, own_left) = (both.clone(), left.clone());
    machine
        .run(|env| async move {
            let (t, other) = (table(&schema, "t"), table(&schema, "other"));
            let engine = open(&env, &schema).await.unwrap();
            let mut turn = engine.turn();
            for table in [&t, &other, &t] {
                put("a", "v").write(&mut turn, table, 0).unwrap();
            }
            follow(&engine, &own_left).await.unwrap();
            let segment = engine.status().log.written.segment();
            fill_to(&engine, &env, &other, segment + 2).await;
            // The dropped table is forgotten with the segment in which its last write could be.
            engine.flush(None).await.unwrap();
            let position = turn.commit().unwrap().expect("there is a write");
            engine.synced(position).await.unwrap();
            let refused = put("b", "v").write(&mut turn, &t, 0);
            assert_eq!(refused, Err(Error::NoTable(t.id)));
        })
        .unwrap();
    machine
        .run(|env| async move {
            let engine = open(&env, &left).await.unwrap();
            let line = Query {
                row: Some("a".to_owned()),
                partition: Some("p".to_owned()),
                ..Query::default()
            };
            let found = read(&engine, &env, &table(&left, "other"), &line).await;
            assert_eq!(found, Ok(vec!["p a v=v".to_owned()]));
        })
        .unwrap();
}

/// Two flushes that end together both find that a dropped table can be forgotten.
#[test]
fn flushes_that_end_together_do_not_collide() {
    for seed in 0..30 {
        block_on(120 + seed, |env| async move {
            let third = "CREATE TABLE ks.third (pk text, ck text, v text, PRIMARY KEY (pk, ck))";
            let all = catalog(&[OTHER, third, TABLE]);
            let engine = open(&env, &all).await.unwrap();
            let first = engine.status().log.written.segment();
            let left = catalog(&[OTHER, third]);
            follow(&engine, &left).await.unwrap();
            let (a, b) = (table(&left, "other"), table(&left, "third"));
            fill_to(&engine, &env, &a, first + 3).await;
            let own = engine.clone();
            let flushing = env.spawn("flush", async move { own.flush(Some(a.id)).await });
            while !flushing.is_finished() {
                // Nothing to write: it only frees.
                let freed = engine.flush(Some(b.id)).await;
                freed.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                env.sleep(Duration::from_micros(20)).await;
            }
            let flushed = flushing.await.unwrap();
            flushed.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        });
    }
}

async fn four_files(env: &Env, catalog: &Arc<Catalog>) -> Arc<Engine> {
    let engine = open_with(env, catalog, quiet()).await.unwrap();
    let table = table(catalog, "t");
    for row in ["a", "b", "c", "d"] {
        write(&engine, env, &table, &[put(row, "v")]).await.unwrap();
        engine.flush(None).await.unwrap();
    }
    engine
}

/// Whoever asked for a compaction or a flush may go away at any moment; what is listed on disk and what is read from
/// stay the same.
#[test]
fn callers_may_give_up() {
    for step in 0..60u64 {
        block_on(200 + step, |env| async move {
            let catalog = catalog(&[TABLE]);
            let table = table(&catalog, "t");
            let engine = four_files(&env, &catalog).await;
            let id = table.id;
            commit(&engine, &env, &table, &[put("e", "v")]).unwrap();
            let own = engine.clone();
            let task = env.spawn("caller", async move {
                if step % 2 == 0 {
                    own.compact(Some(id)).await
                } else {
                    own.flush(Some(id)).await
                }
            });
            env.sleep(Duration::from_micros(step * 25)).await;
            drop(task);
            assert_eq!(count(&engine, &env, &catalog, "t").await, 5, "step {step}");
            engine.flush(None).await.unwrap();
            engine.compact(None).await.unwrap();
            assert_eq!(count(&engine, &env, &catalog, "t").await, 5, "step {step}");
            let truncated = engine.truncate(id, Timestamp(1)).await;
            truncated.unwrap_or_else(|error| panic!("step {step}: {error}"));
            assert_eq!(count(&engine, &env, &catalog, "t").await, 0, "step {step}");
            assert_eq!(engine.status().memtable_bytes, 0, "step {step}");
        });
    }
}

/// A flush that fails at its end, as on a full disk, leaves nothing that takes room from the next attempt.
#[test]
fn a_failed_flush_leaves_no_file() {
    let machine = Machine::new(300);
    let disk = machine.disk().clone();
    machine
        .run(|env| async move {
            let catalog = catalog(&[TABLE]);
            let engine = open(&env, &catalog).await.unwrap();
            let table = table(&catalog, "t");
            for row in ["a", "b"] {
                engine.flush(None).await.unwrap();
                write(&engine, &env, &table, &[put(row, "v")])
                    .await
                    .unwrap();
            }
            env.sleep(Duration::from_secs(1)).await;
            disk.fail_syncs(1);
            engine.flush(None).await.expect_err("the sync fails");
            let files = disk.files();
            let left = files.iter().filter(|(path, _)| {
                let name = path.rsplit('/').next().unwrap_or_default();
                sstable::format::parse_temporary_name(name).is_some()
            });
            assert_eq!(left.count(), 0, "{files:?}");
            engine.flush(None).await.expect("another attempt");
            assert_eq!(count(&engine, &env, &catalog, "t").await, 2);
        })
        .unwrap();
}

/// A table that cannot be flushed does not keep the others in memory.
#[test]
fn a_failed_flush_is_of_one_table() {
    let machine = Machine::new(305);
    let disk = machine.disk().clone();
    machine
        .run(|env| async move {
            let catalog = catalog(&[TABLE, OTHER]);
            let engine = open(&env, &catalog).await.unwrap();
            for flushes in [2, 3] {
                for name in ["t", "other"] {
                    write(&engine, &env, &table(&catalog, name), &[put("a", "v")])
                        .await
                        .unwrap();
                }
                env.sleep(Duration::from_secs(1)).await;
                disk.fail_syncs(u64::from(flushes == 3));
                let flushed = engine.flush(None).await;
                assert_eq!(flushed.is_ok(), flushes == 2, "{flushed:?}");
                assert_eq!(engine.status().flushes, flushes);
            }
        })
        .unwrap();
}

/// A manifest that failed stays so until a restart: no attempt writes files that nobody will ever list.
#[test]
fn a_failed_manifest_makes_no_files() {
    let machine = Machine::new(310);
    let disk = machine.disk().clone();
    machine
        .run(|env| async move {
            let catalog = catalog(&[TABLE]);
            let engine = four_files(&env, &catalog).await;
            let table = table(&catalog, "t");
            write(&engine, &env, &table, &[put("e", "v")])
                .await
                .unwrap();
            env.sleep(Duration::from_secs(1)).await;
            disk.fail_syncs(1);
            let failed = engine.truncate(table.id, Timestamp(1)).await;
            assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
            let before = disk.files().len();
            for _ in 0..3 {
                engine.flush(None).await.expect_err("nothing can be listed");
                engine
                    .compact(None)
                    .await
                    .expect_err("nothing can be listed");
            }
            assert_eq!(disk.files().len(), before, "{:?}", disk.files());
        })
        .unwrap();
}

/// `memtable_flush_period_in_ms` is followed, also by a table that is hardly written to.
#[test]
fn a_flush_period_is_followed() {
    block_on(320, |env| async move {
        let with_period = format!("{TABLE} AND memtable_flush_period_in_ms = 60000");
        let catalog = catalog(&[&with_period, OTHER]);
        let engine = open(&env, &catalog).await.unwrap();
        env.sleep(Duration::from_secs(100)).await;
        for name in ["t", "other"] {
            write(&engine, &env, &table(&catalog, name), &[put("a", "v")])
                .await
                .unwrap();
        }
        assert_eq!(engine.status().flushes, 0);
        env.sleep(Duration::from_secs(61)).await;
        assert_eq!(engine.status().flushes, 1);
        env.sleep(Duration::from_secs(300)).await;
        assert_eq!(engine.status().flushes, 1, "nothing was written since");
    });
}

/// `CREATE TABLE .. WITH ID` may name a table that was dropped: the new one is writable, and has nothing of the old.
#[test]
fn a_table_may_be_made_again_under_its_id() {
    let machine = Machine::new(31);
    let (with, without) = (catalog(&[TABLE]), catalog(&[]));
    let (own, again) = (with.clone(), with.clone());
    machine
        .run(|env| async move {
            let engine = open(&env, &own).await.unwrap();
            let t = table(&own, "t");
            let mut turn = engine.turn();
            put("old", "v").write(&mut turn, &t, 1).unwrap();
            turn.commit().unwrap();
            follow(&engine, &without).await.unwrap();
            follow(&engine, &own).await.unwrap();
            put("new", "v").write(&mut turn, &t, 1).unwrap();
            let position = turn.commit().unwrap().unwrap();
            engine.durable(position).await.unwrap();
            assert_eq!(count(&engine, &env, &own, "t").await, 1);
        })
        .unwrap();
    machine.disk().power_failure();
    machine
        .run(|env| async move {
            let engine = open(&env, &again).await.unwrap();
            assert_eq!(count(&engine, &env, &again, "t").await, 1);
        })
        .unwrap();
}
