//! Deletions of ranges of rows, and sets of them.
//!
//! [`Set`] keeps what one partition has, disjoint: where ranges overlap, the stronger deletion stays and the weaker is
//! cut. Two neighbours that meet with one deletion are one range, so a set has one form whatever the order of inserts.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::{Deletion, Timestamp};

/// The deletion of every row from `start` on, up to but without `end`. Bounds are those of [`super::Slice`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RangeTombstone {
    /// The first key inside.
    pub start: Bytes,
    /// The first key that is no longer inside.
    pub end: Bytes,
    /// What it covers of them.
    pub deletion: Deletion,
}

/// A borrowed [`RangeTombstone`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeTombstoneRef<'a> {
    /// The first key inside.
    pub start: &'a [u8],
    /// The first key that is no longer inside.
    pub end: &'a [u8],
    /// What it covers of them.
    pub deletion: Deletion,
}

impl RangeTombstoneRef<'_> {
    /// What is where there is no range tombstone.
    pub const NONE: RangeTombstoneRef<'static> = RangeTombstoneRef {
        start: &[],
        end: &[],
        deletion: Deletion {
            timestamp: Timestamp::MIN,
            local_seconds: 0,
        },
    };
}

impl RangeTombstone {
    /// Borrowed.
    #[inline]
    pub fn as_ref(&self) -> RangeTombstoneRef<'_> {
        RangeTombstoneRef {
            start: &self.start,
            end: &self.end,
            deletion: self.deletion,
        }
    }
}

impl RangeTombstoneRef<'_> {
    /// A copy.
    pub fn to_owned(self) -> RangeTombstone {
        let (start, end) = (
            Bytes::copy_from_slice(self.start),
            Bytes::copy_from_slice(self.end),
        );
        RangeTombstone {
            start,
            end,
            deletion: self.deletion,
        }
    }

    /// Whether `key` is in the range.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.start <= key && key < self.end
    }
}

/// Disjoint range tombstones in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Set {
    /// By their start.
    ranges: BTreeMap<Bytes, Rest>,
    bound_bytes: usize,
}

/// What a range has besides its start.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rest {
    end: Bytes,
    deletion: Deletion,
}

impl Set {
    /// No range.
    pub fn new() -> Set {
        Set::default()
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many ranges there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Bytes of all bounds.
    #[inline]
    pub fn bound_bytes(&self) -> usize {
        self.bound_bytes
    }

    /// The ranges, ascending and disjoint.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = RangeTombstoneRef<'_>> {
        self.ranges.iter().map(borrow)
    }

    /// The deletion that covers rows with this key.
    #[inline]
    pub fn covering(&self, key: &[u8]) -> Option<Deletion> {
        let up_to_key = (Bound::Unbounded, Bound::Included(key));
        let (_, last) = self.ranges.range::<[u8], _>(up_to_key).next_back()?;
        (last.end[..] > *key).then_some(last.deletion)
    }

    /// The ranges that have keys in `start..end`, whole.
    pub fn overlapping(
        &self,
        start: &[u8],
        end: &[u8],
    ) -> impl DoubleEndedIterator<Item = RangeTombstoneRef<'_>> {
        let before = (Bound::Unbounded, Bound::Excluded(start));
        let reaches_in = self.ranges.range::<[u8], _>(before).next_back();
        let reaches_in = reaches_in.filter(|(_, rest)| rest.end[..] > *start && start < end);
        // A map refuses bounds in the wrong order.
        let inside = (Bound::Included(start), Bound::Excluded(end.max(start)));
        let inside = (start < end).then(|| self.ranges.range::<[u8], _>(inside));
        reaches_in
            .into_iter()
            .chain(inside.into_iter().flatten())
            .map(borrow)
    }

    /// Adds a range: where it meets others the stronger stays. An empty range changes nothing.
    pub fn insert(&mut self, new: RangeTombstone) {
        if new.start >= new.end {
            return;
        }
        let old = self.take_meeting(&new);
        let mut pieces = Vec::with_capacity(2 * old.len() + 1);
        cut(&old, new, &mut pieces);
        for piece in pieces {
            self.bound_bytes += piece.start.len() + piece.end.len();
            let rest = Rest {
                end: piece.end,
                deletion: piece.deletion,
            };
            self.ranges.insert(piece.start, rest);
        }
    }

    /// Adds all ranges of `other`.
    pub fn merge(&mut self, other: &Set) {
        other
            .ranges()
            .for_each(|range| self.insert(range.to_owned()));
    }

    /// Takes out the ranges that overlap `new` or adjoin it, in ascending order.
    fn take_meeting(&mut self, new: &RangeTombstone) -> Vec<RangeTombstone> {
        let before = (Bound::Unbounded, Bound::Excluded(&new.start[..]));
        let first = self.ranges.range::<[u8], _>(before).next_back();
        let first = first.filter(|(_, rest)| rest.end >= new.start);
        let inside = self.ranges.range::<[u8], _>((
            Bound::Included(&new.start[..]),
            Bound::Included(&new.end[..]),
        ));
        let starts: Vec<Bytes> = first
            .into_iter()
            .chain(inside)
            .map(|(start, _)| start.clone())
            .collect();
        let taken = starts.into_iter().filter_map(|start| {
            let Rest { end, deletion } = self.ranges.remove(&start)?;
            self.bound_bytes -= start.len() + end.len();
            Some(RangeTombstone {
                start,
                end,
                deletion,
            })
        });
        taken.collect()
    }
}

fn borrow<'a>((start, rest): (&'a Bytes, &'a Rest)) -> RangeTombstoneRef<'a> {
    RangeTombstoneRef {
        start,
        end: &rest.end,
        deletion: rest.deletion,
    }
}

/// Walks the boundaries of `old` (disjoint, ascending, each meeting `new`) and `new`, appending what each stretch
/// between two has.
fn cut(old: &[RangeTombstone], new: RangeTombstone, pieces: &mut Vec<RangeTombstone>) {
    let mut at = new.start.clone();
    for range in old {
        // Before this old range only the new one is there.
        let gap_end = (&range.start).min(&new.end).clone();
        push(pieces, &at, &gap_end, new.deletion);
        let inside_start = (&range.start).max(&new.start).clone();
        let inside_end = (&range.end).min(&new.end).clone();
        push(
            pieces,
            &range.start,
            &inside_start.clone().min(range.end.clone()),
            range.deletion,
        );
        push(
            pieces,
            &inside_start,
            &inside_end,
            range.deletion.join(new.deletion),
        );
        push(
            pieces,
            &inside_end.max(range.start.clone()),
            &range.end,
            range.deletion,
        );
        at = at.max(range.end.clone());
    }
    push(pieces, &at, &new.end, new.deletion);
}

/// Appends a piece, as part of the last one if it goes on from there with the same deletion.
fn push(pieces: &mut Vec<RangeTombstone>, start: &Bytes, end: &Bytes, deletion: Deletion) {
    if start >= end {
        return;
    }
    match pieces.last_mut() {
        Some(last) if last.end == *start && last.deletion == deletion => last.end = end.clone(),
        _ => pieces.push(RangeTombstone {
            start: start.clone(),
            end: end.clone(),
            deletion,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use proptest::prelude::*;

    fn range(start: u8, end: u8, timestamp: i64) -> RangeTombstone {
        let deletion = Deletion {
            timestamp: Timestamp(timestamp),
            local_seconds: timestamp,
        };
        RangeTombstone {
            start: Bytes::copy_from_slice(&[start]),
            end: Bytes::copy_from_slice(&[end]),
            deletion,
        }
    }

    fn owned<'a>(ranges: impl Iterator<Item = RangeTombstoneRef<'a>>) -> Vec<RangeTombstone> {
        ranges.map(RangeTombstoneRef::to_owned).collect()
    }

    fn check(inserts: &[(u8, u8, i64)], expected: &[(u8, u8, i64)]) {
        let mut set = Set::new();
        inserts
            .iter()
            .for_each(|&(start, end, timestamp)| set.insert(range(start, end, timestamp)));
        let expected: Vec<_> = expected
            .iter()
            .map(|&(start, end, at)| range(start, end, at))
            .collect();
        assert_eq!(owned(set.ranges()), expected, "{inserts:?}");
        let bound_bytes = expected
            .iter()
            .map(|range| range.start.len() + range.end.len());
        assert_eq!(set.bound_bytes(), bound_bytes.sum::<usize>(), "{inserts:?}");
    }

    #[test]
    fn overlaps_are_cut() {
        check(&[(1, 5, 10), (5, 9, 20)], &[(1, 5, 10), (5, 9, 20)]);
        check(
            &[(1, 9, 10), (3, 5, 20)],
            &[(1, 3, 10), (3, 5, 20), (5, 9, 10)],
        );
        check(
            &[(3, 5, 20), (1, 9, 10)],
            &[(1, 3, 10), (3, 5, 20), (5, 9, 10)],
        );
        check(&[(1, 9, 20), (3, 5, 10)], &[(1, 9, 20)]);
        check(&[(1, 3, 10), (5, 7, 10), (2, 6, 10)], &[(1, 7, 10)]);
        check(&[(1, 3, 10), (3, 5, 10)], &[(1, 5, 10)]);
        check(&[(3, 3, 10), (5, 4, 10)], &[]);
    }

    proptest! {
        #[test]
        fn a_set_is_the_strongest_deletion_of_each_key(
            inserts in proptest::collection::vec((0u8..12, 0u8..12, 0i64..4), 0..12),
        ) {
            let mut set = Set::new();
            inserts.iter().for_each(|&(start, end, at)| set.insert(range(start, end, at)));
            for key in 0..12u8 {
                let expected = inserts.iter().filter(|(start, end, _)| (*start..*end).contains(&key));
                let expected = expected.map(|(_, _, at)| *at).max();
                prop_assert_eq!(set.covering(&[key]).map(|found| found.timestamp.0), expected);
            }
            for pair in owned(set.ranges()).windows(2) {
                let meet = pair[0].end == pair[1].start && pair[0].deletion == pair[1].deletion;
                prop_assert!(pair[0].end <= pair[1].start && !meet);
            }

            let mut reversed = Set::new();
            inserts.iter().rev().for_each(|&(start, end, at)| reversed.insert(range(start, end, at)));
            prop_assert_eq!(&reversed, &set);

            let (left, right) = inserts.split_at(inserts.len() / 2);
            let half = |inserts: &[(u8, u8, i64)]| {
                let mut set = Set::new();
                inserts.iter().for_each(|&(start, end, at)| set.insert(range(start, end, at)));
                set
            };
            let mut merged = half(left);
            merged.merge(&half(right));
            prop_assert_eq!(&merged, &set);
        }

        #[test]
        fn overlapping_finds_all_ranges_with_keys_inside(
            inserts in proptest::collection::vec((0u8..12, 0u8..12, 0i64..4), 0..12), from in 0u8..12, to in 0u8..12,
        ) {
            let mut set = Set::new();
            inserts.iter().for_each(|&(start, end, at)| set.insert(range(start, end, at)));
            let inside = |range: &RangeTombstoneRef<'_>| range.start < &[to][..] && range.end > &[from][..];
            let expected = if from < to { owned(set.ranges().filter(inside)) } else { Vec::new() };
            prop_assert_eq!(owned(set.overlapping(&[from], &[to])), expected);
        }
    }
}
