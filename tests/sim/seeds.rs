//! Random lives of whole nodes from seeds: see `play` for what happens in one, and what is checked.
//!
//! `cargo test --test seeds` runs a few. `HELENUS_SEEDS=1000..3000 cargo test --test seeds -- --nocapture` runs these
//! instead, and says after each fifty how far it is; a failure names its seed, and `HELENUS_SEEDS=SEED..` shows it again.
//!
//! What the code says that should happen sometimes (`Env::sometimes`) has to happen in these runs, or they show little:
//! [`REACHED`] lists it, and `tests/tidy.rs` compares the list with the code.
#![expect(
    clippy::disallowed_methods,
    reason = "the seeds to run may come from the environment"
)]

mod play;

use std::collections::BTreeMap;
use std::ops::Range;

use sim::properties::Seen;

/// Enough for everything in [`REACHED`].
const SEEDS: Range<u64> = 1..101;

/// What has to happen at least once.
const REACHED: &[&str] = &[
    "clock: a start waits for its reservation",
    "clock: it went back between two lives",
    "commit log: a segment is used again",
    "commit log: it has no room",
    "compaction: it was given up",
    "compaction: something was purged",
    "drop: a start carries it out",
    "flush: one failed and is tried again",
    "flush: writes go on meanwhile",
    "metadata: an entry could not be written",
    "read: it would have to wait for the disk",
    "replay: a torn tail was cut",
    "sync: one for several who wait",
    "truncate: a start carries it out",
];

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("HELENUS_SEEDS") else {
        return SEEDS;
    };
    let (first, end) = text.split_once("..").unwrap_or((&text, ""));
    let number = |text: &str| {
        text.parse()
            .unwrap_or_else(|_| panic!("HELENUS_SEEDS={text}: not a number"))
    };
    let first = number(first);
    first..if end.is_empty() {
        first + 1
    } else {
        number(end)
    }
}

#[test]
fn nothing_is_lost_and_nothing_comes_back() {
    let seeds = seeds();
    let (mut sometimes, mut answered) = (BTreeMap::<&str, Seen>::new(), 0);
    for seed in seeds.clone() {
        let story = play::play(seed, &[], |_| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
        answered += story.answered;
        for (name, seen) in story.sometimes {
            let all = sometimes.entry(name).or_default();
            (all.reached, all.happened) =
                (all.reached + seen.reached, all.happened + seen.happened);
        }
        if (seed - seeds.start) % 50 == 49 {
            println!("up to seed {seed}: {answered} statements answered");
        }
    }
    println!("{answered} statements answered; what happened: {sometimes:#?}");
    if seeds == SEEDS {
        let happened = |name: &&&str| sometimes.get(**name).is_some_and(|seen| seen.happened > 0);
        let missed: Vec<_> = REACHED.iter().filter(|name| !happened(name)).collect();
        assert!(
            missed.is_empty(),
            "never happened in seeds {seeds:?}: {missed:?}"
        );
    }
}

#[test]
fn one_seed_leaves_one_trace() {
    for seed in [1, 2, 3] {
        let play = || play::play(seed, &[], |_| {}).unwrap_or_else(|wrong| panic!("{wrong}"));
        let (first, second) = (play(), play());
        let difference = first.trace.first_difference(&second.trace);
        assert!(difference.is_none(), "seed {seed}: {difference:?}");
        assert!(
            first.trace.count() > 1_000,
            "a run with {} events",
            first.trace.count()
        );
    }
}
