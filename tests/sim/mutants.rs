//! Bugs that are planted on purpose, each of which the runs of `seeds.rs` have to find: what shows that they look.
//!
//! | Planted | What it breaks | How it shows |
//! |---|---|---|
//! | [`Plant::Code`] | a step of the code, by its name in `Env::mutant`, behind the feature `mutants` | see [`BUGS`] |
//! | [`Plant::Files`] | syncs of files whose path has this part do nothing, as if the code had left them out | the same |
//! | [`Plant::Names`] | syncs of directories whose name begins so do nothing | the same |
//!
//! `cargo test --features mutants --test mutants -- --nocapture` prints the seed that finds each and what it found. One
//! that no seed of [`SEEDS`] finds fails the test: then workload, faults or checks of `play` are too weak. `seeds.rs`
//! shows that seeds find nothing where nothing is planted.
//!
//! A name in the code that is not in this table, or the reverse, is refused by `tests/tidy.rs`.

mod play;

use std::ops::Range;

use sim::local::Machine;

/// The seeds of which one has to find a bug.
const SEEDS: Range<u64> = 1..201;

enum Plant {
    Code,
    Files(&'static str),
    Names(&'static str),
}

/// A bug: its name, and where it is planted.
struct Bug(&'static str, Plant);

use Plant::{Code, Files, Names};

/// All that are planted.
const BUGS: &[Bug] = &[
    // Answered writes are gone after a power failure.
    Bug("sync: nothing is", Code),
    Bug("sync: not what lies in segments that were ended", Code),
    Bug("segment: its name is not synced", Names("commitlog")),
    Bug("segment: used again with its old header", Code),
    Bug("manifest: edits are not synced", Files("manifest")),
    Bug("manifest: its name is not synced", Names("data")),
    Bug("sstable: the file is not synced", Files(".tmp")),
    Bug("sstable: its name is not synced", Names("wide-")),
    Bug("free: what memtables need of the log", Code),
    Bug("flush: the log is replayed from where it ends by now", Code),
    Bug(
        "flush: the log is not synced up to the replay position",
        Code,
    ),
    Bug(
        "compaction: its inputs go before the manifest says so",
        Code,
    ),
    // A start reads too little, or leaves what the next one trips over.
    Bug("replay: only the first record of a frame", Code),
    Bug("replay: what was read is not synced", Code),
    Bug("replay: the torn tail gets no end mark", Code),
    // What was refused, deleted or emptied is there.
    Bug("turn: applied though the log has refused it", Code),
    Bug("truncate: its position is not written", Code),
    Bug("purge: memtables do not count", Code),
    Bug("purge: other files do not count", Code),
    Bug("purge: gc_grace is over at once", Code),
    // A timestamp comes twice.
    Bug("clock: its file is not synced", Files("/clock")),
    Bug("clock: a start forgets what was reserved", Code),
    // The schema that was answered is not there.
    Bug("metadata: entries are not synced", Files("/metadata.log")),
    Bug("metadata: the log's name is not synced", Names("metadata")),
    Bug("schema: shown before storage follows", Code),
];

impl Bug {
    /// The first seed that finds it, and what it found.
    fn hunt(&self) -> Option<String> {
        let mutants: &[&str] = match self.1 {
            Code => &[self.0],
            Files(_) | Names(_) => &[],
        };
        SEEDS
            .into_iter()
            .find_map(|seed| play::play(seed, mutants, |machine| self.plant(machine)).err())
    }

    fn plant(&self, machine: &Machine) {
        match self.1 {
            Code => {}
            Files(part) => machine.disk().ignore_syncs_of_files(part),
            Names(end) => machine.disk().ignore_syncs_of_names(end),
        }
    }
}

#[test]
fn every_planted_bug_is_found() {
    // The panics by which bugs are found would bury the table.
    std::panic::set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    for bug in BUGS {
        let found = bug.hunt();
        let told = found.as_ref().and_then(|found| found.lines().next());
        println!("{}\n    {}", bug.0, told.unwrap_or("NOT FOUND"));
        if found.is_none() {
            missed.push(bug.0);
        }
    }
    drop(std::panic::take_hook());
    assert!(missed.is_empty(), "no seed of {SEEDS:?} finds {missed:?}");
}
