//! A set that grows and grows: it takes no more at some length, and its table can always be compacted and read.

use std::sync::Arc;

use base::env::Env;
use model::cell::Kind;
use model::image::Builder;
use model::{Deletion, Timestamp};
use sim::local::{Machine, block_on};
use storage::{Engine, Error, Options};

use crate::support::{
    Query, catalog, clustering_key, open_with, partition_key, quiet, read, table,
};

const TABLE: &str =
    "CREATE TABLE ks.m (pk text, ck text, m set<text>, s set<text> static, PRIMARY KEY (pk, ck))";
/// Bytes of an element, about.
const ELEMENT_BYTES: usize = 120;
const ROW_BYTES_MAX: usize = 80 * ELEMENT_BYTES;

fn small() -> Options {
    Options {
        row_bytes_max: ROW_BYTES_MAX,
        ..quiet()
    }
}

/// A table with sets in its rows, and what writes to it.
struct Sets {
    env: Env,
    table: Arc<schema::Table>,
    engine: Arc<Engine>,
    now: i64,
}

impl Sets {
    async fn open(env: &Env, options: Options, now: i64) -> Sets {
        let catalog = catalog(&[TABLE]);
        Sets {
            env: env.clone(),
            table: table(&catalog, "m"),
            engine: open_with(env, &catalog, options).await.expect("it opens"),
            now,
        }
    }

    /// Changes a row, or the static one.
    async fn change(
        &mut self,
        row: Option<&str>,
        fill: impl FnOnce(&mut Builder, model::ColumnId, Timestamp),
    ) -> Result<(), Error> {
        while let Some(delay) = self.engine.delay() {
            self.env.sleep(delay).await;
        }
        self.now += 1;
        let at = Timestamp(self.now);
        let mut turn = self.engine.turn();
        let key = partition_key("p");
        let mut write = turn.mutate(self.table.id, key.as_ref())?;
        let name = row.map_or("s", |_| "m");
        let column = self.table.column(name).expect("it is there").id;
        match row {
            Some(row) => write.row_with(&clustering_key(row), |image| fill(image, column, at)),
            None => write.static_row_with(|image| fill(image, column, at)),
        }
        write.finish()?;
        let position = turn.commit()?.expect("there is something");
        self.engine.synced(position).await
    }

    /// Adds so many elements, one by one.
    async fn add(&mut self, row: Option<&str>, count: usize) -> Result<(), Error> {
        for _ in 0..count {
            let element = format!("{:0width$}", self.now, width = ELEMENT_BYTES);
            self.change(row, |image, column, at| {
                let set = image.complex(column, None);
                set.element(element.as_bytes(), at, Kind::Value(b""));
            })
            .await?;
        }
        Ok(())
    }

    async fn delete(&mut self, row: &str) -> Result<(), Error> {
        let local_seconds = self.env.wall_seconds();
        self.change(Some(row), |image, _, timestamp| {
            image.deletion(Deletion {
                timestamp,
                local_seconds,
            });
        })
        .await
    }

    async fn read(&self) -> Vec<String> {
        let query = Query::default();
        let lines = read(&self.engine, &self.env, &self.table, &query).await;
        lines.expect("it reads")
    }

    fn files(&self) -> u64 {
        self.engine.status().tables[0].sstables
    }
}

fn check_refused(result: Result<(), Error>, name: &str) {
    match result {
        Err(Error::Invalid(text)) => {
            assert!(
                text.starts_with(name) && text.contains("takes no more: delete it"),
                "{text}"
            );
        }
        other => panic!("{name}: {other:?}"),
    }
}

const NAME: &str = "column m of row ('p', 'r') of ks.m has";

#[test]
fn a_row_that_outgrew_its_bound_in_memory_takes_no_more() {
    block_on(31, |env| async move {
        let mut sets = Sets::open(&env, small(), 0).await;
        check_refused(sets.add(Some("r"), 200).await, NAME);
        check_refused(
            sets.add(None, 200).await,
            "column s of row ('p') of ks.m has",
        );
        sets.add(Some("other"), 10).await.expect("it is small");
        let element = format!("{:0width$}", 0, width = ELEMENT_BYTES);
        sets.change(Some("r"), |image, column, at| {
            let tombstone = Kind::Tombstone { local_seconds: 1 };
            image
                .complex(column, None)
                .element(element.as_bytes(), at, tombstone);
        })
        .await
        .expect("deleting an element adds nothing");
        check_refused(sets.add(Some("r"), 1).await, NAME);
        sets.delete("r").await.expect("it can be deleted");
        sets.add(Some("r"), 10).await.expect("it is small again");
    });
}

#[test]
fn a_row_that_outgrew_its_bound_in_files_takes_no_more() {
    block_on(32, |env| async move {
        let mut sets = Sets::open(&env, small(), 0).await;
        for _ in 0..2 {
            sets.add(Some("r"), 60)
                .await
                .expect("not known to be large");
            sets.engine.flush(None).await.expect("it is flushed");
        }
        sets.engine.compact(None).await.expect("it is compacted");
        check_refused(sets.add(Some("r"), 1).await, NAME);
        sets.delete("r").await.expect("it can be deleted");
        sets.add(Some("r"), 10).await.expect("it is small again");
        sets.engine.flush(None).await.expect("it is flushed");
        sets.engine.compact(None).await.expect("it is compacted");
        sets.add(Some("r"), 10).await.expect("it is small");
        assert_eq!(sets.read().await, ["p r m=20 elements"]);
    });
}

#[test]
fn a_row_larger_than_a_file_takes_keeps_nothing_else_from_being_compacted() {
    let machine = Machine::new(33);
    let mut written = 0;
    for life in 0..5 {
        let written = &mut written;
        machine
            .run(|env| async move {
                // Each life has forgotten what the one before knew.
                let mut sets = Sets::open(&env, small(), 1000 * life).await;
                sets.add(Some("r"), 60)
                    .await
                    .expect("not known to be large");
                sets.add(Some("small"), 1).await.expect("it is small");
                sets.engine.flush(None).await.expect("it is flushed");
                *written += 60;
            })
            .expect("the power does not fail");
    }
    machine
        .run(|env| async move {
            let mut sets = Sets::open(&env, small(), 10_000).await;
            let all = vec![
                format!("p r m={written} elements"),
                "p small m=5 elements".to_owned(),
            ];
            assert_eq!((sets.read().await, sets.files()), (all.clone(), 5));
            let refused = sets
                .engine
                .compact(None)
                .await
                .expect_err("it is too large");
            assert!(refused.to_string().contains("a row of "), "{refused}");
            assert_eq!(sets.read().await, all);
            let left = sets.files();
            assert!((2..5).contains(&left), "{left} files: some were merged");
            check_refused(sets.add(Some("r"), 1).await, NAME);
            sets.delete("r").await.expect("it can be deleted");
            sets.engine.flush(None).await.expect("it is flushed");
            sets.engine.compact(None).await.expect("it is compacted");
            assert_eq!((sets.read().await, sets.files()), (all[1..].to_vec(), 1));
        })
        .expect("the power does not fail");
}

#[test]
fn compaction_that_nobody_asked_for_goes_on_beside_a_row_that_is_too_large() {
    block_on(34, |env| async move {
        let mut sets = Sets::open(&env, small(), 0).await;
        for round in 0..4 {
            sets.add(Some("r"), 60)
                .await
                .expect("not known to be large");
            sets.engine.flush(None).await.expect("it is flushed");
            assert_eq!(sets.files(), round + 1);
        }
        drop(sets);
        let automatic = Options {
            auto_compaction: true,
            ..small()
        };
        let mut sets = Sets::open(&env, automatic, 10_000).await;
        env.sleep(std::time::Duration::from_secs(60)).await;
        for round in 0..8 {
            let row = format!("r{round}");
            sets.add(Some(&row), 1).await.expect("it is small");
            sets.engine.flush(None).await.expect("it is flushed");
            env.sleep(std::time::Duration::from_secs(60)).await;
        }
        let files = sets.files();
        assert!(files < 9, "{files} files");
        assert_eq!(sets.read().await[0], "p r m=240 elements");
    });
}
