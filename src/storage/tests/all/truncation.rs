//! Truncations: carried out while the engine runs, or by the next start.

use std::sync::Arc;

use base::env::Env;
use model::{TableId, Timestamp};
use schema::Catalog;
use sim::local::{Machine, crash_sweep};
use storage::{Engine, Error, Facts, Truncations};

use crate::support::{Op, Query, TABLE, What, catalog, paths, quiet, read, table, write};

fn put(row: &str, at: i64) -> Op {
    Op::put("p", row, at, "v")
}

async fn open(
    env: &Env,
    catalog: &Arc<Catalog>,
    truncated: Option<(TableId, i64)>,
) -> Result<Arc<Engine>, Error> {
    let truncations: Truncations = truncated
        .into_iter()
        .map(|(id, at)| (id, Timestamp(at)))
        .collect();
    let facts = Facts {
        epoch: 0,
        catalog,
        truncations: &truncations,
    };
    Engine::open(env, paths(), quiet(), facts).await
}

async fn lines(engine: &Engine, env: &Env, table: &schema::Table) -> Result<Vec<String>, Error> {
    read(engine, env, table, &Query::default()).await
}

/// A node that died after a truncation to the time 50 was agreed on, and before it was carried out: older and newer
/// rows are in files of their own, in one file, and in the log.
fn interrupted(machine: &Machine, catalog: &Arc<Catalog>) {
    let schema = catalog.clone();
    machine
        .run(|env| async move {
            let table = table(&schema, "t");
            let engine = open(&env, &schema, None).await.unwrap();
            let turns: [&[Op]; 4] = [
                &[put("a", 10), put("b", 50)],
                &[put("c", 51)],
                &[put("d", 20), put("e", 60), put("f", 70)],
                &[put("d", 30), put("g", 40), put("h", 80)],
            ];
            for turn in turns {
                for op in turn {
                    write(&engine, &env, &table, std::slice::from_ref(op))
                        .await
                        .unwrap();
                }
                if turn[0].at != 30 {
                    engine.flush(None).await.unwrap();
                }
            }
            for (row, at) in [("e", 45), ("f", 75)] {
                let what = What::DeleteRow(row.to_owned());
                let op = Op {
                    what,
                    ..put(row, at)
                };
                write(&engine, &env, &table, &[op]).await.unwrap();
            }
        })
        .expect("the power does not fail");
}

const LEFT: [&str; 3] = ["p c v=v", "p e v=v", "p h v=v"];

#[test]
fn a_start_carries_out_what_was_agreed_on_and_nothing_more() {
    let machine = Machine::new(70);
    let catalog = catalog(&[TABLE]);
    interrupted(&machine, &catalog);
    let id = table(&catalog, "t").id;
    let mut left = LEFT.map(str::to_owned).to_vec();
    for (life, truncated) in [Some((id, 50)), None, Some((id, 50))].iter().enumerate() {
        let (schema, truncated, expected) = (catalog.clone(), *truncated, left.clone());
        // What is written after it is there, whatever its timestamp.
        let late = format!("late{life}");
        left.push(format!("p {late} v=v"));
        machine
            .run(|env| async move {
                let table = table(&schema, "t");
                let engine = open(&env, &schema, truncated).await.unwrap();
                assert_eq!(lines(&engine, &env, &table).await.unwrap(), expected);
                write(&engine, &env, &table, &[put(&late, 50)])
                    .await
                    .unwrap();
                if life == 1 {
                    engine.flush(None).await.unwrap();
                }
            })
            .expect("the power does not fail");
    }
}

/// A truncation that the disk refused is carried out with the next change that storage follows; what was written since
/// the attempt, and acknowledged, stays.
#[test]
fn a_truncation_that_failed_takes_nothing_that_came_after_it() {
    let machine = Machine::new(74);
    let disk = machine.disk().clone();
    machine
        .run(|env| async move {
            let catalog = catalog(&[TABLE]);
            let table = table(&catalog, "t");
            let engine = open(&env, &catalog, None).await.unwrap();
            write(&engine, &env, &table, &[put("a", 10)]).await.unwrap();
            engine.flush(None).await.unwrap();
            write(&engine, &env, &table, &[put("b", 20)]).await.unwrap();
            let truncations = Truncations::from([(table.id, Timestamp(50))]);
            let facts = Facts {
                epoch: 0,
                catalog: &catalog,
                truncations: &truncations,
            };
            disk.set_capacity_bytes(disk.used_bytes());
            engine.follow(facts).await.expect_err("the disk is full");
            disk.set_capacity_bytes(1 << 40);
            write(&engine, &env, &table, &[put("c", 60)]).await.unwrap();
            engine.follow(facts).await.unwrap();
            assert_eq!(lines(&engine, &env, &table).await.unwrap(), ["p c v=v"]);
            // It is carried out: following again changes nothing.
            write(&engine, &env, &table, &[put("d", 40)]).await.unwrap();
            engine.follow(facts).await.unwrap();
            let found = lines(&engine, &env, &table).await.unwrap();
            assert_eq!(found, ["p c v=v", "p d v=v"]);
        })
        .expect("the power does not fail");
}

#[test]
fn a_start_that_carries_it_out_may_be_cut_short_anywhere() {
    let trials = crash_sweep(71, |machine| {
        let catalog = catalog(&[TABLE]);
        if machine.disk().files().is_empty() {
            let healthy = Machine::new(72);
            interrupted(&healthy, &catalog);
            for (path, _) in healthy.disk().files() {
                let (folder, name) = path.rsplit_once('/').expect("a path");
                let copied = (|| {
                    let dir = machine.env().make_dirs(folder.as_ref())?;
                    let file = dir.create(name)?;
                    file.append(&healthy.disk().read(&path).expect("it is there"))?;
                    file.sync_data()?;
                    dir.sync_dir()
                })();
                if copied.is_err() {
                    return;
                }
            }
        }
        let id = table(&catalog, "t").id;
        let attempt = || {
            let schema = catalog.clone();
            let found = machine.run(|env| async move {
                let engine = open(&env, &schema, Some((id, 50))).await?;
                lines(&engine, &env, &table(&schema, "t")).await
            });
            found.unwrap_or_else(|failure| Err(Error::Io(failure.to_string())))
        };
        let found = attempt().or_else(|_| attempt()).expect("it opens");
        assert_eq!(found, LEFT);
    });
    assert!(trials > 60, "{trials} changes: fewer than the start has");
}

/// What a client's clock, running ahead, wrote before the TRUNCATE is gone with the rest; what is written after it is
/// there, whatever its timestamp.
#[test]
fn a_truncation_takes_all_that_was_written_before_it() {
    let machine = Machine::new(73);
    let catalog = catalog(&[TABLE]);
    for life in 0..2 {
        let schema = catalog.clone();
        machine
            .run(|env| async move {
                let table = table(&schema, "t");
                let engine = open(&env, &schema, None).await.unwrap();
                if life == 0 {
                    write(&engine, &env, &table, &[put("a", 100)])
                        .await
                        .unwrap();
                    engine.flush(None).await.unwrap();
                    write(&engine, &env, &table, &[put("b", 100)])
                        .await
                        .unwrap();
                    engine.truncate(table.id, Timestamp(50)).await.unwrap();
                    write(&engine, &env, &table, &[put("c", 40)]).await.unwrap();
                }
                assert_eq!(
                    lines(&engine, &env, &table).await.unwrap(),
                    ["p c v=v"],
                    "life {life}"
                );
            })
            .expect("the power does not fail");
    }
}
