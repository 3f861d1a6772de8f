//! The trace of a run: a hash chain over (virtual time, node, event).
//!
//! Two runs of one seed must have equal chains. Each link hashes the one before, so equal last links mean equal runs,
//! and where two runs part is the first event that differs, which [`Trace::first_difference`] names.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::seed::mix;

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Virtual time since the run began.
    pub at: Duration,
    /// Number of the node it happened on.
    pub node: u32,
    /// What happened.
    pub what: &'static str,
    /// Its two most telling figures: an id and a length, an offset and a checksum.
    pub detail: [u64; 2],
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event {
            at,
            node,
            what,
            detail: [first, second],
        } = self;
        write!(f, "{at:?} node {node}: {what} {first} {second}")
    }
}

/// What happened in a run so far. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Chain>>);

#[derive(Debug, Default)]
struct Chain {
    hash: u64,
    count: u64,
    events: Vec<Event>,
}

/// Events kept for comparison; the chain itself goes on beyond them.
const EVENTS_KEPT: usize = 1_000_000;

impl Trace {
    /// An empty trace.
    pub fn new() -> Trace {
        Trace::default()
    }

    /// Adds an event.
    pub fn record(&self, event: Event) {
        let mut chain = self.0.lock();
        let name = event.what.bytes().fold(0u64, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        let parts = [
            event.at.as_nanos() as u64,
            u64::from(event.node),
            name,
            event.detail[0],
            event.detail[1],
        ];
        chain.hash = parts
            .into_iter()
            .fold(chain.hash, |hash, part| mix(hash.rotate_left(17) ^ part));
        chain.count += 1;
        if chain.events.len() < EVENTS_KEPT {
            chain.events.push(event);
        }
    }

    /// The chain's last link: equal for equal runs.
    pub fn hash(&self) -> u64 {
        self.0.lock().hash
    }

    /// How many events there were.
    pub fn count(&self) -> u64 {
        self.0.lock().count
    }

    /// The first events, up to a large limit.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().events.clone()
    }

    /// Where this run and `other` part: the event's index and both events, if they do.
    pub fn first_difference(&self, other: &Trace) -> Option<Difference> {
        if (self.hash(), self.count()) == (other.hash(), other.count()) {
            return None;
        }
        let (left, right) = (self.events(), other.events());
        let same = left
            .iter()
            .zip(&right)
            .take_while(|(left, right)| left == right)
            .count();
        Some(Difference {
            index: same,
            left: left.get(same).copied(),
            right: right.get(same).copied(),
        })
    }
}

/// The first event in which two runs differ; `None` for a run that had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How many events were equal before.
    pub index: usize,
    /// The event of the one run.
    pub left: Option<Event>,
    /// The event of the other.
    pub right: Option<Event>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |event: Option<Event>| {
            event.map_or_else(|| "the end".to_owned(), |event| event.to_string())
        };
        write!(
            f,
            "event {}: {} against {}",
            self.index,
            show(self.left),
            show(self.right)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seconds: u64, what: &'static str) -> Event {
        Event {
            at: Duration::from_secs(seconds),
            node: 1,
            what,
            detail: [seconds, 0],
        }
    }

    #[test]
    fn the_first_difference_is_named() {
        let (left, right) = (Trace::new(), Trace::new());
        for trace in [&left, &right] {
            trace.record(event(1, "file write"));
            trace.record(event(2, "file sync"));
        }
        assert_eq!(left.first_difference(&right), None);
        left.record(event(3, "file write"));
        assert_eq!(
            left.first_difference(&right).unwrap().to_string(),
            "event 2: 3s node 1: file write 3 0 against the end"
        );
        right.record(event(3, "task"));
        right.record(event(4, "task"));
        let difference = left.first_difference(&right).unwrap();
        assert_eq!(
            (difference.index, difference.right.unwrap().what),
            (2, "task")
        );
    }
}
