//! Random operations against the twin, on a machine whose power fails again and again.
//!
//! Every acknowledged write is there, none in part; the one write that was under way when the power failed is there as a
//! whole or not at all. Reads of any slice, in both directions, equal the twin's.

use std::sync::Arc;

use base::env::{Env, Rng};
use parking_lot::Mutex;
use schema::Catalog;
use sim::local::Machine;
use storage::{Engine, Error};

use crate::support::{self, Op, Query, TABLE, What, catalog, table};
use crate::twin::Twin;

/// What the harness knows of the engine's content.
#[derive(Default)]
pub struct Known {
    twin: Twin,
    /// Changes of which it is not known whether they are there: all of one turn.
    pending: Vec<Op>,
    next_time: i64,
    /// No writer is so late: tombstones up to here may be purged, and what they covered would come back. Nor is it known
    /// of a deletion whose turn was pending whether it is there, if it had nothing to cover.
    settled_time: i64,
}

impl Known {
    /// Settles the pending turn by what a read of everything says.
    pub fn settle(&mut self, found: &[String]) {
        let everything = Query::default();
        if !self.pending.is_empty() {
            self.settled_time = self.next_time;
        }
        if self.pending.is_empty() || found == self.twin.read(&everything) {
            assert_eq!(found, self.twin.read(&everything), "with nothing pending");
            self.pending.clear();
            return;
        }
        for op in std::mem::take(&mut self.pending) {
            self.twin.apply(&op);
        }
        assert_eq!(
            found,
            self.twin.read(&everything),
            "with the pending turn as a whole"
        );
    }
}

pub struct Player {
    pub env: Env,
    pub catalog: Arc<Catalog>,
    pub known: Arc<Mutex<Known>>,
    pub rng: Rng,
}

impl Player {
    pub fn new(env: Env, known: &Arc<Mutex<Known>>) -> Player {
        let rng = env.rng("player");
        Player {
            env,
            catalog: catalog(&[TABLE]),
            known: known.clone(),
            rng,
        }
    }

    /// Opens the engine and compares all of it.
    pub async fn open(&mut self) -> Result<Arc<Engine>, Error> {
        let engine = support::open(&self.env, &self.catalog).await?;
        self.compare(&engine).await?;
        Ok(engine)
    }

    async fn read(&self, engine: &Engine, query: &Query) -> Result<Vec<String>, Error> {
        support::read(engine, &self.env, &table(&self.catalog, "t"), query).await
    }

    fn partition(&mut self) -> String {
        format!("p{}", self.rng.below(4))
    }

    fn row(&mut self) -> String {
        format!("r{:02}", self.rng.below(12))
    }

    fn value(&mut self) -> Option<String> {
        let length = [3, 20, 200][self.rng.below(3) as usize];
        let text = format!("{:016x}", self.rng.next_u64()).repeat(1 + length / 16);
        (self.rng.below(6) > 0).then(|| text[..length].to_owned())
    }

    fn op(&mut self) -> Op {
        let partition = self.partition();
        let at = {
            let mut known = self.known.lock();
            known.next_time += 1;
            // Now and then a writer whose clock is behind.
            match self.rng.below(5) {
                0 => (known.next_time - self.rng.below(40) as i64).max(known.settled_time + 1),
                _ => known.next_time,
            }
        };
        let what = match self.rng.below(20) {
            0 => What::DeletePartition,
            1 | 2 => {
                let (a, b) = (self.row(), self.row());
                What::DeleteRange(a.clone().min(b.clone()), format!("{}~", a.max(b)))
            }
            3..5 => What::DeleteRow(self.row()),
            5..7 => What::Static(self.value()),
            _ => {
                let mut cells = vec![("v".to_owned(), self.value())];
                if self.rng.below(2) == 0 {
                    cells.push(("w".to_owned(), self.value()));
                }
                What::Put {
                    row: self.row(),
                    cells,
                    insert: self.rng.below(3) > 0,
                    ttl: 0,
                }
            }
        };
        Op {
            partition,
            at,
            what,
        }
    }

    /// Compares everything.
    pub async fn compare(&mut self, engine: &Engine) -> Result<(), Error> {
        let found = self.read(engine, &Query::default()).await?;
        self.known.lock().settle(&found);
        Ok(())
    }

    /// One turn of one to three changes.
    pub async fn write(&mut self, engine: &Engine) -> Result<(), Error> {
        let count = 1 + self.rng.below(3);
        let ops: Vec<_> = (0..count).map(|_| self.op()).collect();
        self.known.lock().pending = ops.clone();
        support::write(engine, &self.env, &table(&self.catalog, "t"), &ops).await?;
        let mut known = self.known.lock();
        known.pending.clear();
        ops.iter().for_each(|op| known.twin.apply(op));
        Ok(())
    }

    pub async fn check(&mut self, engine: &Engine) -> Result<(), Error> {
        let (a, b) = (self.row(), self.row());
        let query = match self.rng.below(4) {
            0 => Query {
                partition: Some(self.partition()),
                row: Some(self.row()),
                ..Query::default()
            },
            1 => Query {
                limit: Some(1 + self.rng.below(20)),
                ..Query::default()
            },
            _ => Query {
                partition: Some(self.partition()),
                rows: Some((a.clone().min(b.clone()), a.max(b))),
                reversed: self.rng.below(2) == 0,
                ..Query::default()
            },
        };
        let found = self.read(engine, &query).await?;
        assert_eq!(found, self.known.lock().twin.read(&query), "{query:?}");
        Ok(())
    }

    /// One random step.
    pub async fn step(&mut self, engine: &Engine) -> Result<(), Error> {
        match self.rng.below(40) {
            0..26 => self.write(engine).await,
            26..36 => self.check(engine).await,
            36 | 37 => engine.flush(None).await,
            38 => engine.compact(None).await,
            _ => {
                {
                    let mut known = self.known.lock();
                    known.settled_time = known.next_time;
                }
                self.env
                    .sleep(std::time::Duration::from_secs(self.rng.below(200)))
                    .await;
                Ok(())
            }
        }
    }
}

async fn live(env: Env, known: Arc<Mutex<Known>>, steps: u64) -> Result<(), Error> {
    let mut player = Player::new(env, &known);
    let engine = player.open().await?;
    for _ in 0..steps {
        player.step(&engine).await?;
    }
    player.compare(&engine).await
}

/// Several lives of one machine, each ended by a power failure or by the end of the process.
fn play(seed: u64) -> sim::Trace {
    let machine = Machine::new(seed);
    let known = Arc::new(Mutex::new(Known::default()));
    let mut rng = sim::seed::rng(seed, "lives", 0);
    for life in 0..6 {
        if rng.below(3) > 0 {
            machine.disk().power_failure_at(1 + rng.below(400));
        }
        let ended = machine.run(|env| live(env, known.clone(), 80));
        machine.disk().cancel_power_failure();
        if let Ok(result) = ended {
            result.unwrap_or_else(|error| panic!("seed {seed}, life {life}: {error}"));
        }
    }
    machine
        .run(|env| live(env, known, 0))
        .expect("no failure is set")
        .expect("it opens");
    machine.trace().clone()
}

#[test]
fn acknowledged_writes_survive_power_failures() {
    for seed in 0..40 {
        play(seed);
    }
}

#[test]
fn one_seed_is_one_run() {
    for seed in [3, 4] {
        let (first, second) = (play(seed), play(seed));
        assert_eq!(first.hash(), second.hash(), "seed {seed}");
    }
}

/// Errors of the disk, one at a time: an operation may fail, but nothing that was acknowledged goes.
#[test]
fn acknowledged_writes_survive_errors() {
    for seed in 0..40 {
        let machine = Machine::new(1000 + seed);
        let known = Arc::new(Mutex::new(Known::default()));
        let mut rng = sim::seed::rng(seed, "errors", 0);
        for _ in 0..6 {
            machine.disk().error_in(1 + rng.below(500));
            // Whatever failed, this life ends; the next one must find everything.
            let _ = machine
                .run(|env| live(env, known.clone(), 60))
                .expect("the power does not fail");
            machine.disk().cancel_error();
        }
        machine
            .run(|env| live(env, known, 0))
            .expect("no failure is set")
            .expect("it opens");
    }
}
