//! The range tombstones that a merge is inside of, from all its sources.
//!
//! A sweep goes along the clustering order. *Open* is the strongest deletion here, the one given out last. It changes
//!
//! 1. where a stronger range begins: that one is given out and becomes open;
//! 2. where the open one ends: the strongest of the others that reach further is given out from here on.
//!
//! Weaker ranges wait in a list as long as they reach beyond the stronger ones. Reversed, everything is the same with
//! start and end exchanged. Buffers of ranges that ended are used again.

use std::cmp::Ordering;

use super::{Direction, RangeTombstoneRef};
use crate::Deletion;

/// Ranges whose buffers are kept from one use of a merge to the next.
const SPARE_KEPT_MAX: usize = 16;

/// A range tombstone in buffers of its own.
#[derive(Debug, Clone)]
pub(super) struct Range {
    start: Vec<u8>,
    end: Vec<u8>,
    deletion: Deletion,
}

impl Range {
    fn set(&mut self, start: &[u8], end: &[u8], deletion: Deletion) {
        self.start.clear();
        self.start.extend_from_slice(start);
        self.end.clear();
        self.end.extend_from_slice(end);
        self.deletion = deletion;
    }

    fn empty() -> Range {
        let deletion = Deletion {
            timestamp: crate::Timestamp::MIN,
            local_seconds: 0,
        };
        Range {
            start: Vec::new(),
            end: Vec::new(),
            deletion,
        }
    }
}

/// What a merge comes to next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// A row with this key.
    Row(&'a [u8]),
    /// The start of a range; reversed its end.
    Range(&'a [u8]),
    /// The end of the partition.
    End,
}

/// What the end of the open range brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// It reaches further than that place, or none is open.
    Nothing,
    /// It has ended, and nothing is open.
    Ended,
    /// It has ended, and [`Sweep::given`] goes on from there.
    Given,
}

/// The state of the sweep.
#[derive(Debug)]
pub(super) struct Sweep {
    direction: Direction,
    /// The range given out last.
    given: Range,
    /// Whether it is still open.
    open: bool,
    /// Others that may reach further than the open one.
    waiting: Vec<Range>,
    spare: Vec<Range>,
}

impl Sweep {
    /// At the begin of a partition.
    pub(super) fn new(direction: Direction) -> Sweep {
        Sweep {
            direction,
            given: Range::empty(),
            open: false,
            waiting: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Forgets everything: streams that go in this direction.
    pub(super) fn restart(&mut self, direction: Direction) {
        self.clear();
        self.direction = direction;
        self.spare.truncate(SPARE_KEPT_MAX);
    }

    /// Forgets everything: the next partition.
    pub(super) fn clear(&mut self) {
        self.open = false;
        self.spare.append(&mut self.waiting);
    }

    /// The strongest deletion here.
    #[inline]
    pub(super) fn deletion(&self) -> Option<Deletion> {
        self.open.then_some(self.given.deletion)
    }

    /// The range given out last.
    pub(super) fn given(&self) -> RangeTombstoneRef<'_> {
        RangeTombstoneRef {
            start: &self.given.start,
            end: &self.given.end,
            deletion: self.given.deletion,
        }
    }

    /// Which of two places comes first. A range that covers a row comes before it.
    pub(super) fn order(direction: Direction, a: Place<'_>, b: Place<'_>) -> Ordering {
        use Place::{End, Range, Row};
        match (a, b) {
            (End, End) => Ordering::Equal,
            (End, _) => Ordering::Greater,
            (_, End) => Ordering::Less,
            (Row(a), Row(b)) | (Range(a), Range(b)) if direction == Direction::Forward => a.cmp(b),
            (Row(a), Row(b)) | (Range(a), Range(b)) => b.cmp(a),
            // Forward, the range that starts at a row covers it; reversed, the range that ends at a row does not.
            (Range(a), Row(b)) if direction == Direction::Forward => a.cmp(b).then(Ordering::Less),
            (Row(a), Range(b)) if direction == Direction::Forward => {
                a.cmp(b).then(Ordering::Greater)
            }
            (Range(a), Row(b)) => b.cmp(a).then(Ordering::Greater),
            (Row(a), Range(b)) => b.cmp(a).then(Ordering::Less),
        }
    }

    /// Ends the open range if it does not reach `next`.
    pub(super) fn close_before(&mut self, next: Place<'_>) -> Closing {
        if !self.open || self.reaches(next) {
            return Closing::Nothing;
        }
        self.open = false;
        self.prune();
        let Some(index) = self.strongest() else {
            return Closing::Ended;
        };
        let mut range = self.waiting.swap_remove(index);
        // It goes on where the other ended, which is where this one is given again.
        match self.direction {
            Direction::Forward => std::mem::swap(&mut range.start, &mut self.given.end),
            Direction::Reversed => std::mem::swap(&mut range.end, &mut self.given.start),
        }
        self.spare.push(std::mem::replace(&mut self.given, range));
        self.open = true;
        Closing::Given
    }

    /// A range begins. True if it is given out now.
    pub(super) fn begin(&mut self, range: RangeTombstoneRef<'_>) -> bool {
        let stronger = !self.open || range.deletion > self.given.deletion;
        if !stronger {
            if self.is_beyond_given(range.start, range.end) {
                self.wait(range);
            }
            return false;
        }
        if self.open && self.is_beyond(&self.given, range) {
            let old = std::mem::replace(
                &mut self.given,
                self.spare.pop().unwrap_or_else(Range::empty),
            );
            self.waiting.push(old);
        }
        self.given.set(range.start, range.end, range.deletion);
        self.open = true;
        true
    }

    fn wait(&mut self, range: RangeTombstoneRef<'_>) {
        let mut kept = self.spare.pop().unwrap_or_else(Range::empty);
        kept.set(range.start, range.end, range.deletion);
        self.waiting.push(kept);
    }

    /// Whether the open range covers something at `next` or beyond.
    fn reaches(&self, next: Place<'_>) -> bool {
        match (self.direction, next) {
            (_, Place::End) => false,
            (Direction::Forward, Place::Row(at) | Place::Range(at)) => self.given.end[..] > *at,
            (Direction::Reversed, Place::Row(key)) => self.given.start[..] <= *key,
            (Direction::Reversed, Place::Range(end)) => self.given.start[..] < *end,
        }
    }

    /// Whether `range` reaches further than a new one.
    fn is_beyond(&self, range: &Range, new: RangeTombstoneRef<'_>) -> bool {
        match self.direction {
            Direction::Forward => range.end[..] > *new.end,
            Direction::Reversed => range.start[..] < *new.start,
        }
    }

    fn is_beyond_given(&self, start: &[u8], end: &[u8]) -> bool {
        match self.direction {
            Direction::Forward => *end > self.given.end[..],
            Direction::Reversed => *start < self.given.start[..],
        }
    }

    /// Drops what waits and does not reach further than the range that ended.
    fn prune(&mut self) {
        let mut index = 0;
        while index < self.waiting.len() {
            let range = &self.waiting[index];
            if self.is_beyond_given(&range.start, &range.end) {
                index += 1;
            } else {
                self.spare.push(self.waiting.swap_remove(index));
            }
        }
    }

    /// The strongest that waits; of equal ones the one that reaches furthest.
    fn strongest(&self) -> Option<usize> {
        let further = |a: &Range, b: &Range| match self.direction {
            Direction::Forward => a.end.cmp(&b.end),
            Direction::Reversed => b.start.cmp(&a.start),
        };
        let indexes = 0..self.waiting.len();
        indexes.max_by(|a, b| {
            let (a, b) = (&self.waiting[*a], &self.waiting[*b]);
            a.deletion.cmp(&b.deletion).then_with(|| further(a, b))
        })
    }
}
