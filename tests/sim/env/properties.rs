//! What the code says about itself in a simulated run: `buggify`, `always`, `sometimes`, `mutant`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::env::{Faults, Rng};
use parking_lot::Mutex;

use crate::seed::{derive, rng};

/// The properties of one run. Clones share them.
#[derive(Clone)]
pub struct Properties(Arc<Shared>);

struct Shared {
    seed: u64,
    buggify: bool,
    mutants: BTreeSet<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    generators: BTreeMap<&'static str, Rng>,
    sometimes: BTreeMap<&'static str, Seen>,
}

/// How often a `sometimes` was reached, and how often its condition held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Times the line ran.
    pub reached: u64,
    /// Times the condition was true.
    pub happened: u64,
}

impl Properties {
    /// Properties of a run of `seed`; without `buggify` no unlikely branch is taken.
    pub fn new(seed: u64, buggify: bool) -> Properties {
        Properties::with_mutants(seed, buggify, &[])
    }

    /// As [`Properties::new`], with these planted bugs switched on.
    pub fn with_mutants(seed: u64, buggify: bool, mutants: &[&str]) -> Properties {
        let mutants = mutants.iter().map(|name| (*name).to_owned()).collect();
        Properties(Arc::new(Shared {
            seed,
            buggify,
            mutants,
            state: Mutex::default(),
        }))
    }

    /// What was seen of each `sometimes`, by name.
    pub fn sometimes(&self) -> BTreeMap<&'static str, Seen> {
        self.0.state.lock().sometimes.clone()
    }

    pub(crate) fn faults(&self) -> Arc<dyn Faults> {
        self.0.clone()
    }
}

impl Faults for Shared {
    /// Half of the names are off for the whole run, so that a run shows few faults together rather than all a little.
    fn buggify(&self, name: &'static str, probability: f64) -> bool {
        if !self.buggify || derive(self.seed, name, 0) & 1 == 0 {
            return false;
        }
        let mut state = self.state.lock();
        state
            .generators
            .entry(name)
            .or_insert_with(|| rng(self.seed, name, 1))
            .chance(probability)
    }

    fn always(&self, name: &'static str, holds: bool) {
        assert!(holds, "always {name:?} does not hold (seed {})", self.seed);
    }

    fn sometimes(&self, name: &'static str, happened: bool) {
        let mut state = self.state.lock();
        let seen = state.sometimes.entry(name).or_default();
        seen.reached += 1;
        seen.happened += u64::from(happened);
    }

    fn mutant(&self, name: &'static str) -> bool {
        self.mutants.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buggify_is_off_for_about_half_of_the_seeds() {
        let fires =
            |seed| (0..100).any(|_| Properties::new(seed, true).faults().buggify("slow", 1.0));
        let count = (0..1000).filter(|seed| fires(*seed)).count();
        assert!((400..600).contains(&count), "{count}");
        assert!(!(0..100).any(|seed| Properties::new(seed, false).faults().buggify("slow", 1.0)));
    }

    #[test]
    fn sometimes_counts() {
        let properties = Properties::new(1, true);
        properties.faults().sometimes("flush during replay", false);
        properties.faults().sometimes("flush during replay", true);
        assert_eq!(
            properties.sometimes()["flush during replay"],
            Seen {
                reached: 2,
                happened: 1
            }
        );
    }

    #[test]
    #[should_panic(expected = "always \"order\" does not hold (seed 7)")]
    fn always_fails_the_run() {
        Properties::new(7, true).faults().always("order", false);
    }
}
