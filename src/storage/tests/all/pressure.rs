//! Limits, modes and ends: what the engine does when it is full, when the disk fails, and when it stops.

use std::sync::Arc;
use std::time::Duration;

use base::env::Env;
use base::limits::KIB;
use schema::Catalog;
use sim::local::{Machine, block_on};
use storage::{Engine, Error, Options, SyncMode};

use crate::support::{
    self, Op, Query, TABLE, catalog, commit, follow, open, options, read, table, write,
};

fn put(row: &str, at: i64, value: &str) -> Op {
    Op::put("p", row, at, value)
}

async fn open_with(env: &Env, catalog: &Arc<Catalog>, options: Options) -> Arc<Engine> {
    let opened = support::open_with(env, catalog, options).await;
    opened.expect("it opens")
}

async fn lines(engine: &Engine, env: &Env, catalog: &Catalog) -> Vec<String> {
    read(engine, env, &table(catalog, "t"), &Query::default())
        .await
        .expect("it reads")
}

#[test]
fn the_budget_flushes_by_itself() {
    block_on(1, |env| async move {
        let catalog = catalog(&[TABLE]);
        let table = table(&catalog, "t");
        let larger = Options {
            segment_bytes: 256 << 10,
            log_bytes_max: Some(16 << 20),
            ..options()
        };
        let engine = open_with(&env, &catalog, larger).await;
        for number in 0..300 {
            while let Some(delay) = engine.delay() {
                env.sleep(delay).await;
            }
            let value = "x".repeat(10 * KIB);
            write(
                &engine,
                &env,
                &table,
                &[put(&format!("{number:03}"), number, &value)],
            )
            .await
            .unwrap();
        }
        env.sleep(Duration::from_secs(5)).await;
        let status = engine.status();
        assert!(status.flushes >= 5, "{status:?}");
        assert!(
            status.memtable_bytes < status.memtable_bytes_max / 2,
            "{status:?}"
        );
        assert_eq!(lines(&engine, &env, &catalog).await.len(), 300);
    });
}

#[test]
fn the_log_stays_within_its_cap() {
    block_on(2, |env| async move {
        let catalog = catalog(&[TABLE]);
        let table = table(&catalog, "t");
        let engine = open_with(&env, &catalog, options()).await;
        for number in 0..400 {
            while let Some(delay) = engine.delay() {
                env.sleep(delay).await;
            }
            let value = "x".repeat(1000);
            write(
                &engine,
                &env,
                &table,
                &[put(&format!("{number:03}"), number, &value)],
            )
            .await
            .unwrap();
            let status = engine.status();
            assert!(status.log.disk_bytes <= options().log_bytes(), "{status:?}");
        }
        let status = engine.status();
        assert!(
            status.log.written.segment() > 50,
            "segments were used again: {status:?}"
        );
        assert_eq!(lines(&engine, &env, &catalog).await.len(), 400);
    });
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let machine = Machine::new(3);
    let disk = machine.disk().clone();
    machine
        .run(|env| async move {
            let catalog = catalog(&[TABLE]);
            let table = table(&catalog, "t");
            let engine = open_with(&env, &catalog, options()).await;
            env.sleep(Duration::from_secs(1)).await;
            disk.set_capacity_bytes(disk.used_bytes() + 10_000);
            let mut written = 0;
            let refused = loop {
                let row = format!("{written:04}");
                match write(
                    &engine,
                    &env,
                    &table,
                    &[put(&row, written, &"x".repeat(1000))],
                )
                .await
                {
                    Ok(()) => written += 1,
                    Err(error) => break error,
                }
                assert!(written < 1000, "a full disk must refuse at last");
            };
            assert!(matches!(refused, Error::Overloaded(_)), "{refused:?}");
            assert_eq!(lines(&engine, &env, &catalog).await.len() as i64, written);
            disk.set_capacity_bytes(1 << 40);
            env.sleep(Duration::from_secs(20)).await;
            write(&engine, &env, &table, &[put("again", 5000, "x")])
                .await
                .expect("there is room again");
            assert_eq!(
                lines(&engine, &env, &catalog).await.len() as i64,
                written + 1
            );
        })
        .expect("the power does not fail");
}

#[test]
fn a_failed_sync_is_final() {
    let machine = Machine::new(4);
    let disk = machine.disk().clone();
    let catalog = catalog(&[TABLE]);
    let schema = catalog.clone();
    machine
        .run(|env| async move {
            let table = table(&schema, "t");
            let engine = open(&env, &schema).await.unwrap();
            write(&engine, &env, &table, &[put("a", 1, "kept")])
                .await
                .unwrap();
            env.sleep(Duration::from_secs(1)).await;
            disk.fail_syncs(1);
            let failed = write(&engine, &env, &table, &[put("b", 2, "lost")]).await;
            assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
            env.sleep(Duration::from_secs(10)).await;
            let after = write(&engine, &env, &table, &[put("c", 3, "refused")]).await;
            assert!(matches!(after, Err(Error::Unavailable(_))), "{after:?}");
        })
        .expect("the power does not fail");
    machine.disk().power_failure();
    let schema = catalog.clone();
    let found = machine.run(|env| async move {
        let engine = open(&env, &schema).await.unwrap();
        lines(&engine, &env, &schema).await
    });
    let found = found.expect("the power does not fail again");
    assert_eq!(found[0], "p a v=kept");
    assert!(
        found.iter().all(|line| !line.contains("refused")),
        "{found:?}"
    );
}

#[test]
fn a_drain_leaves_nothing_to_replay() {
    let machine = Machine::new(5);
    let catalog = catalog(&[TABLE]);
    for life in 0..3 {
        let schema = catalog.clone();
        machine
            .run(|env| async move {
                let table = table(&schema, "t");
                let engine = open(&env, &schema).await.unwrap();
                assert_eq!(engine.status().memtable_bytes, 0, "life {life}");
                assert_eq!(engine.status().replayed, 0, "life {life}");
                assert_eq!(lines(&engine, &env, &schema).await.len(), life);
                write(&engine, &env, &table, &[put(&life.to_string(), 1, "v")])
                    .await
                    .unwrap();
                engine.drain().await.unwrap();
                let refused = write(&engine, &env, &table, &[put("x", 1, "v")]).await;
                assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
                assert_eq!(
                    lines(&engine, &env, &schema).await.len(),
                    life + 1,
                    "reads go on"
                );
            })
            .expect("the power does not fail");
    }
}

/// What is in files already is not counted.
#[test]
fn what_is_replayed_is_counted() {
    let machine = Machine::new(15);
    let catalog = catalog(&[TABLE]);
    for replayed in [0, 1, 2] {
        let schema = catalog.clone();
        machine
            .run(|env| async move {
                let table = table(&schema, "t");
                let engine = open(&env, &schema).await.unwrap();
                assert_eq!(engine.status().replayed, replayed);
                engine.flush(None).await.unwrap();
                for number in 0..=replayed {
                    write(&engine, &env, &table, &[put(&number.to_string(), 1, "v")])
                        .await
                        .unwrap();
                }
            })
            .expect("the power does not fail");
    }
}

#[test]
fn periodic_mode_answers_at_once_and_syncs_later() {
    block_on(6, |env| async move {
        let catalog = catalog(&[TABLE]);
        let table = table(&catalog, "t");
        let periodic = Options {
            sync: SyncMode::Periodic(Duration::from_secs(10)),
            ..options()
        };
        let engine = open_with(&env, &catalog, periodic).await;
        let before = env.mono();
        let position = commit(&engine, &env, &table, &[put("a", 1, "v")])
            .unwrap()
            .unwrap();
        assert!(!engine.needs_sync(position));
        engine.synced(position).await.unwrap();
        assert_eq!(engine.status().log.syncs, 0);
        assert!(env.mono() - before < Duration::from_secs(1));
        env.sleep(Duration::from_secs(11)).await;
        let witnessed = engine.status().log.syncs;
        assert_eq!(witnessed, 2, "the write, and the witness behind it");
        let position = commit(&engine, &env, &table, &[put("b", 2, "v")])
            .unwrap()
            .unwrap();
        engine.durable(position).await.unwrap();
        assert_eq!(
            engine.status().log.syncs,
            witnessed + 1,
            "who needs it durable does not wait for the period"
        );
    });
}

#[test]
fn waiting_writers_share_a_sync() {
    for sync in [SyncMode::Group, SyncMode::Batch] {
        block_on(7, |env| async move {
            let catalog = catalog(&[TABLE]);
            let engine = open_with(&env, &catalog, Options { sync, ..options() }).await;
            let tasks: Vec<_> = (0..40i64)
                .map(|number| {
                    let (engine, env, catalog) = (engine.clone(), env.clone(), catalog.clone());
                    let work = env.clone();
                    env.spawn("writer", async move {
                        let op = put(&format!("{number:02}"), number, "v");
                        write(&engine, &work, &table(&catalog, "t"), &[op])
                            .await
                            .unwrap();
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            let status = engine.status();
            assert!(
                status.log.syncs < 20,
                "{sync:?}: {} syncs for 40 writers",
                status.log.syncs
            );
            assert_eq!(lines(&engine, &env, &catalog).await.len(), 40);
        });
    }
}

#[test]
fn a_table_that_nobody_knew_stops_the_start() {
    let machine = Machine::new(8);
    let with_table = catalog(&[TABLE]);
    let schema = with_table.clone();
    machine
        .run(|env| async move {
            let engine = open(&env, &schema).await.unwrap();
            write(&engine, &env, &table(&schema, "t"), &[put("a", 1, "v")])
                .await
                .unwrap();
        })
        .unwrap();
    let elsewhere = Machine::with_disk(8, machine.disk().copy(8));
    // The catalog lost the table, and the manifest knows it: it was dropped.
    machine
        .run(|env| async move { open(&env, &catalog(&[])).await.map(drop) })
        .unwrap()
        .unwrap();
    // Neither knows it: the log belongs to another schema.
    let result = elsewhere.run(|env| async move {
        env.dir("/node/data".as_ref())
            .unwrap()
            .remove("manifest")
            .unwrap();
        open(&env, &catalog(&[])).await.map(drop)
    });
    let error = result.unwrap().expect_err("writes would be lost");
    assert!(
        error.to_string().contains("that the schema never had"),
        "{error}"
    );
}

#[test]
fn a_dropped_table_goes_with_its_files() {
    let machine = Machine::new(9);
    let schema = catalog(&[TABLE]);
    machine
        .run(|env| async move {
            let engine = open(&env, &schema).await.unwrap();
            let old = table(&schema, "t");
            write(&engine, &env, &old, &[put("a", 1, "v")])
                .await
                .unwrap();
            engine.flush(None).await.unwrap();
            write(&engine, &env, &old, &[put("b", 2, "v")])
                .await
                .unwrap();
            follow(&engine, &catalog(&[])).await.unwrap();
            let refused = write(&engine, &env, &old, &[put("c", 3, "v")]).await;
            assert_eq!(refused, Err(Error::NoTable(old.id)));
            let second = "CREATE TABLE ks.other (pk text PRIMARY KEY)";
            let again = catalog(&[second, TABLE]);
            follow(&engine, &again).await.unwrap();
            assert!(
                lines(&engine, &env, &again).await.is_empty(),
                "a table of the same name is another"
            );
        })
        .unwrap();
    let files = machine.disk().files();
    assert!(
        files.iter().all(|(path, _)| !path.ends_with(".sst")),
        "{files:?}"
    );
    let again = catalog(&["CREATE TABLE ks.other (pk text PRIMARY KEY)", TABLE]);
    machine
        .run(|env| async move {
            let engine = open(&env, &again).await.unwrap();
            assert!(lines(&engine, &env, &again).await.is_empty());
        })
        .unwrap();
}

#[test]
fn a_batch_beyond_half_a_segment_is_refused() {
    block_on(10, |env| async move {
        let catalog = catalog(&[TABLE]);
        let table = table(&catalog, "t");
        let engine = open(&env, &catalog).await.unwrap();
        let large = put("a", 1, &"x".repeat(5000));
        let refused = write(&engine, &env, &table, &[large]).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        let ops: Vec<_> = (0..5)
            .map(|n| put(&n.to_string(), n, &"x".repeat(1000)))
            .collect();
        let refused = write(&engine, &env, &table, &ops).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        assert!(lines(&engine, &env, &catalog).await.is_empty());
        // Without a batch they are several frames.
        let mut turn = engine.turn();
        for op in &ops {
            op.write(&mut turn, &table, 0).unwrap();
        }
        let position = turn.commit().unwrap().unwrap();
        engine.synced(position).await.unwrap();
        assert_eq!(lines(&engine, &env, &catalog).await.len(), 5);
    });
}

#[test]
fn an_unfinished_mutation_leaves_nothing() {
    block_on(11, |env| async move {
        let catalog = catalog(&[TABLE]);
        let table = table(&catalog, "t");
        let engine = open(&env, &catalog).await.unwrap();
        let mut turn = engine.turn();
        put("a", 1, "kept").write(&mut turn, &table, 0).unwrap();
        let key = crate::support::partition_key("q");
        let mut unfinished = turn.mutate(table.id, key.as_ref()).unwrap();
        unfinished.row(b"half", b"");
        drop(unfinished);
        put("b", 1, "kept").write(&mut turn, &table, 0).unwrap();
        turn.begin_batch().unwrap();
        put("c", 1, "gone").write(&mut turn, &table, 0).unwrap();
        turn.abandon_batch();
        let position = turn.commit().unwrap().unwrap();
        engine.synced(position).await.unwrap();
        assert_eq!(
            lines(&engine, &env, &catalog).await,
            ["p a v=kept", "p b v=kept"]
        );
        assert_eq!(
            turn.commit().unwrap(),
            None,
            "nothing is left of a committed turn"
        );
    });
}

#[test]
fn tables_compact_by_themselves() {
    block_on(12, |env| async move {
        let catalog = catalog(&[TABLE]);
        let table = table(&catalog, "t");
        let engine = open(&env, &catalog).await.unwrap();
        for number in 0..4 {
            write(
                &engine,
                &env,
                &table,
                &[put(&number.to_string(), number, "v")],
            )
            .await
            .unwrap();
            engine.flush(Some(table.id)).await.unwrap();
        }
        env.sleep(Duration::from_secs(60)).await;
        let status = engine.status();
        let own = status
            .tables
            .iter()
            .find(|status| status.id == table.id)
            .unwrap();
        assert_eq!((own.sstables, status.compactions), (1, 1), "{status:?}");
        assert_eq!(lines(&engine, &env, &catalog).await.len(), 4);
    });
}

/// A flush can end in a segment without frames; a restart must not give its id to a new one, whose frames would lie
/// below the replay position.
#[test]
fn restarts_without_writes_lose_nothing() {
    let machine = Machine::new(13);
    let catalog = catalog(&[TABLE]);
    for life in 0..12i64 {
        let schema = catalog.clone();
        machine
            .run(|env| async move {
                let table = table(&schema, "t");
                let engine = open(&env, &schema).await.unwrap();
                assert_eq!(
                    lines(&engine, &env, &schema).await.len() as i64,
                    (life + 2) / 3
                );
                match life % 3 {
                    0 => write(&engine, &env, &table, &[put(&format!("{life:02}"), 1, "v")])
                        .await
                        .unwrap(),
                    1 => engine.flush(None).await.unwrap(),
                    _ => {}
                }
                assert!(engine.status().log.disk_bytes <= options().log_bytes());
            })
            .unwrap();
        if life % 2 == 0 {
            machine.disk().power_failure();
        }
    }
}

/// Whoever takes the log away, and accepts that, loses what was in it alone, and nothing that is written from then on.
#[test]
fn a_log_that_was_taken_away_starts_anew() {
    let machine = Machine::new(14);
    let catalog = catalog(&[TABLE]);
    for life in 0..4i64 {
        let schema = catalog.clone();
        machine
            .run(|env| async move {
                let table = table(&schema, "t");
                if life == 1 {
                    let log = env.dir("/node/commitlog".as_ref()).unwrap();
                    for entry in log.list().unwrap() {
                        log.remove(&entry.name).unwrap();
                    }
                }
                let options = Options {
                    accept_lost_log: life == 1,
                    ..options()
                };
                let engine = open_with(&env, &schema, options).await;
                assert_eq!(lines(&engine, &env, &schema).await.len() as i64, life);
                for _ in 0..3 {
                    write(&engine, &env, &table, &[put(&format!("{life:02}"), 1, "v")])
                        .await
                        .unwrap();
                }
                if life == 0 {
                    engine.flush(None).await.unwrap();
                }
            })
            .unwrap();
    }
}
