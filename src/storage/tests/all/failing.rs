//! What fails again and again, and keeps nothing else from going on: damaged files, tables that cannot be flushed.

use std::sync::Arc;
use std::time::Duration;

use base::env::Env;
use model::Timestamp;
use schema::Catalog;
use sim::local::Machine;
use storage::{Engine, Error, Options, TableStatus};

use crate::support::{
    OTHER, Op, Query, TABLE, What, catalog, follow, open, open_with, options, quiet, read, table,
    write,
};

async fn lines(
    engine: &Engine,
    env: &Env,
    table: &schema::Table,
    partition: &str,
) -> Result<Vec<String>, Error> {
    let query = Query {
        partition: Some(partition.to_owned()),
        ..Query::default()
    };
    read(engine, env, table, &query).await
}

fn status(engine: &Engine, name: &str) -> TableStatus {
    let mut tables = engine.status().tables.into_iter();
    let own = tables.find(|status| &*status.keyspace == "ks" && &*status.name == name);
    own.expect("the table is there")
}

/// Names in the directories of tables of users.
fn files(machine: &Machine) -> Vec<String> {
    let files = machine.disk().files().into_iter();
    files
        .map(|(path, _)| path)
        .filter(|path| path.contains("/ks/"))
        .collect()
}

/// A machine whose table has a file for each of these partitions, in which it is the only one.
fn machine(seed: u64, partitions: &'static [&'static str]) -> (Machine, Arc<Catalog>) {
    let machine = Machine::new(seed);
    let catalog = catalog(&[TABLE, OTHER]);
    let schema = catalog.clone();
    machine
        .run(|env| async move {
            let engine = open_with(&env, &schema, quiet()).await.unwrap();
            for partition in partitions {
                let op = Op::put(partition, "a", 10, "v");
                write(&engine, &env, &table(&schema, "t"), &[op])
                    .await
                    .unwrap();
                engine.flush(None).await.unwrap();
            }
        })
        .expect("the power does not fail");
    (machine, catalog)
}

/// Flips a bit of the first file: at this offset, or so far before its end.
fn damage(machine: &Machine, offset: isize) {
    let path = &files(machine)[0];
    machine.disk().damage(path, |bytes| {
        let at = offset.rem_euclid(bytes.len() as isize) as usize;
        bytes[at] ^= 1;
    });
}

/// Where the first data block has its contents.
const IN_DATA: isize = 90;

#[test]
fn a_damaged_file_is_left_out_and_the_rest_goes_on() {
    let (machine, catalog) = machine(60, &["p0", "p1", "p2", "p3", "p4"]);
    let damaged = files(&machine)[0].clone();
    damage(&machine, IN_DATA);
    let schema = catalog.clone();
    machine
        .run(|env| async move {
            let table = table(&schema, "t");
            let engine = open(&env, &schema).await.unwrap();
            env.sleep(Duration::from_secs(5)).await;
            let after = status(&engine, "t");
            assert_eq!(
                (after.sstables, after.damaged),
                (2, 1),
                "the other four are one"
            );
            for partition in ["p1", "p2", "p3", "p4"] {
                let lines = lines(&engine, &env, &table, partition).await;
                assert_eq!(lines, Ok(vec![format!("{partition} a v=v")]));
            }
            let failed = lines(&engine, &env, &table, "p0").await.unwrap_err();
            assert!(failed.to_string().contains(&damaged), "{failed}");
            let compacted = engine.compact(None).await;
            assert!(
                matches!(&compacted, Err(Error::Corrupt { file, .. }) if *file == damaged),
                "{compacted:?}"
            );
            // What was deleted in it stays deleted, however old the tombstone.
            let what = What::DeletePartition;
            let op = Op {
                partition: "p0".to_owned(),
                at: 20,
                what,
            };
            write(&engine, &env, &table, &[op]).await.unwrap();
            engine.flush(None).await.unwrap();
            env.sleep(Duration::from_secs(1000)).await;
            engine.compact(Some(table.id)).await.unwrap_err();
        })
        .expect("the power does not fail");
    damage(&machine, IN_DATA);
    machine
        .run(|env| async move {
            let table = table(&catalog, "t");
            let engine = open(&env, &catalog).await.unwrap();
            assert_eq!(lines(&engine, &env, &table, "p0").await, Ok(Vec::new()));
            engine.compact(None).await.unwrap();
            let after = status(&engine, "t");
            assert_eq!((after.sstables, after.damaged), (1, 0), "it was restored");
            assert_eq!(lines(&engine, &env, &table, "p0").await, Ok(Vec::new()));
        })
        .expect("the power does not fail");
}

#[test]
fn a_file_that_cannot_be_opened_takes_no_other_table_with_it() {
    for (case, heal) in [(0, "restore"), (1, "truncate"), (0, "drop")] {
        let (machine, catalog) = machine(61, &["p0", "p1"]);
        let path = files(&machine)[0].clone();
        let bytes = machine.disk().read(&path).unwrap();
        if case == 0 {
            damage(&machine, -20);
        } else {
            let (folder, name) = path.rsplit_once('/').unwrap();
            machine
                .env()
                .dir(folder.as_ref())
                .unwrap()
                .remove(name)
                .unwrap();
        }
        let (schema, lost) = (catalog.clone(), path.clone());
        machine
            .run(|env| async move {
                let (t, other) = (table(&schema, "t"), table(&schema, "other"));
                let engine = open(&env, &schema).await.expect("the node starts");
                assert_eq!(status(&engine, "t").damaged, 1);
                let refused = lines(&engine, &env, &t, "p1").await.unwrap_err();
                assert!(refused.to_string().contains(&lost), "{refused}");
                for table in [&t, &other] {
                    write(&engine, &env, table, &[Op::put("p2", "a", 10, "v")])
                        .await
                        .unwrap();
                }
                assert_eq!(
                    lines(&engine, &env, &other, "p2").await,
                    Ok(vec!["p2 a v=v".to_owned()])
                );
                engine.flush(None).await.expect("it is flushed");
                engine
                    .compact(None)
                    .await
                    .expect_err("not all of it is compacted");
                match heal {
                    "truncate" => {
                        engine.truncate(t.id, Timestamp(50)).await.unwrap();
                        assert_eq!(lines(&engine, &env, &t, "p2").await, Ok(Vec::new()));
                    }
                    "drop" => follow(&engine, &crate::support::catalog(&[]))
                        .await
                        .unwrap(),
                    _ => {}
                }
            })
            .expect("the power does not fail");
        if heal == "drop" {
            assert_eq!(files(&machine), Vec::<String>::new());
            continue;
        }
        if heal == "restore" {
            machine.disk().damage(&path, |old| old.clone_from(&bytes));
        }
        machine
            .run(|env| async move {
                let t = table(&catalog, "t");
                let engine = open(&env, &catalog).await.unwrap();
                assert_eq!(status(&engine, "t").damaged, 0, "{heal}");
                let expected = if heal == "restore" { 1 } else { 0 };
                for partition in ["p0", "p1", "p2"] {
                    let lines = lines(&engine, &env, &t, partition).await.unwrap();
                    assert_eq!(lines.len(), expected, "{heal} {partition}");
                }
            })
            .expect("the power does not fail");
    }
}

/// Its directory cannot be made: a file has the name.
#[test]
fn a_table_that_cannot_be_flushed_keeps_no_other_in_memory() {
    let machine = Machine::new(62);
    let larger = Options {
        segment_bytes: 256 << 10,
        log_bytes_max: Some(16 << 20),
        ..options()
    };
    machine
        .run(|env| async move {
            let catalog = catalog(&[TABLE, OTHER]);
            let (t, other) = (table(&catalog, "t"), table(&catalog, "other"));
            let keyspace = env.make_dirs("/node/data/ks".as_ref()).unwrap();
            let name = format!("t-{}", t.id.0.simple());
            keyspace.create(&name).unwrap();
            let engine = open_with(&env, &catalog, larger).await.unwrap();
            let value = "x".repeat(10 << 10);
            for (table, rows) in [(&t, 45), (&other, 40)] {
                for row in 0..rows {
                    let op = Op::put("p", &format!("{row:03}"), 10, &value);
                    write(&engine, &env, table, &[op]).await.unwrap();
                }
            }
            env.sleep(Duration::from_secs(30)).await;
            assert_eq!(status(&engine, "t").sstables, 0);
            let other = status(&engine, "other");
            assert!(
                other.sstables > 0 && other.memtable_bytes < 250 << 10,
                "{other:?}"
            );
            keyspace.remove(&name).unwrap();
            env.sleep(Duration::from_secs(15)).await;
            assert_eq!(status(&engine, "t").sstables, 1, "it is tried again");
            assert_eq!(lines(&engine, &env, &t, "p").await.unwrap().len(), 45);
        })
        .expect("the power does not fail");
}

/// What could not be listed is removed: the next attempt writes its own.
#[test]
fn a_failed_attempt_leaves_no_finished_file() {
    for call in 1..50 {
        let (machine, catalog) = machine(63, &["p0", "p1"]);
        let disk = machine.disk().clone();
        let unlisted = machine
            .run(|env| async move {
                let table = table(&catalog, "t");
                let engine = open_with(&env, &catalog, quiet()).await.unwrap();
                write(&engine, &env, &table, &[Op::put("p2", "a", 10, "v")])
                    .await
                    .unwrap();
                env.sleep(Duration::from_secs(5)).await;
                disk.error_in(call);
                let done = [
                    engine.flush(None).await,
                    engine.compact(Some(table.id)).await,
                ];
                disk.cancel_error();
                let is_final = done
                    .iter()
                    .any(|done| matches!(done, Err(Error::Unavailable(_))));
                let listed = status(&engine, "t").sstables;
                (!is_final).then_some(listed)
            })
            .expect("the power does not fail");
        if let Some(listed) = unlisted {
            let files = files(&machine);
            // A removal may be the call that fails.
            let left = files.len() as u64 - listed;
            assert!(left <= 1, "call {call}: {listed} are listed of {files:?}");
        }
    }
}

/// A table that goes takes its compaction with it, at once, and others go on.
#[test]
fn a_dropped_table_ends_its_compaction() {
    let (machine, catalog) = machine(64, &["p0", "p1", "p2", "p3"]);
    let slow = Options {
        compaction_bytes_per_second: 1,
        ..quiet()
    };
    machine
        .run(|env| async move {
            let t = table(&catalog, "t");
            let engine = open_with(&env, &catalog, slow).await.unwrap();
            let own = engine.clone();
            let compacting = env.spawn("compact", async move { own.compact(Some(t.id)).await });
            env.sleep(Duration::from_millis(1)).await;
            follow(&engine, &crate::support::catalog(&[]))
                .await
                .unwrap();
            compacting
                .await
                .unwrap()
                .expect("there was nothing left to do");
        })
        .expect("the power does not fail");
    assert_eq!(files(&machine), Vec::<String>::new());
}

#[test]
fn a_drained_node_compacts_nothing() {
    let (machine, catalog) = machine(65, &["p0", "p1"]);
    machine
        .run(|env| async move {
            let engine = open_with(&env, &catalog, quiet()).await.unwrap();
            engine.drain().await.unwrap();
            let refused = engine.compact(None).await;
            assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
            assert_eq!(status(&engine, "t").sstables, 2);
        })
        .expect("the power does not fail");
}

/// What fails while the schema is followed is done when it is followed again.
#[test]
fn following_may_be_tried_again() {
    for call in 1..40 {
        let (machine, catalog) = machine(66, &["p0", "p1"]);
        let disk = machine.disk().clone();
        let ended = machine
            .run(|env| async move {
                let engine = open_with(&env, &catalog, quiet()).await.unwrap();
                let op = Op::put("p2", "a", 10, "v");
                write(&engine, &env, &table(&catalog, "t"), &[op])
                    .await
                    .unwrap();
                env.sleep(Duration::from_secs(5)).await;
                disk.error_in(call);
                let without = crate::support::catalog(&[]);
                let first = follow(&engine, &without).await;
                disk.cancel_error();
                match first {
                    Err(Error::Unavailable(_)) => return false,
                    Err(_) => follow(&engine, &without)
                        .await
                        .expect("it is followed again"),
                    Ok(()) => {}
                }
                assert_eq!(engine.status().memtable_bytes, 0, "call {call}");
                true
            })
            .expect("the power does not fail");
        if ended {
            // A removal that fails is left to the next start.
            let schema = crate::support::catalog(&[]);
            let opened = machine.run(|env| async move { open(&env, &schema).await.map(drop) });
            opened.expect("the power does not fail").expect("it opens");
            assert_eq!(files(&machine), Vec::<String>::new(), "call {call}");
        }
    }
}
