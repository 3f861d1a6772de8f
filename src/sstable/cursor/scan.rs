//! What to read of a file.

use bytes::Bytes;
use model::PartitionKeyRef;
use model::key::Slice;
use model::read::{Command, KeyEdge, KeyRange, Keys, Position as ReadPosition};
use model::{PartitionKey, read};
use std::ops::Bound;
use types::token::Token;

use crate::position::{self, Position};

/// What to read of a file. Shared by the cursors over all files of a read.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Which partitions.
    pub keys: Keys,
    /// The rows of each: disjoint and ascending, whatever the direction.
    pub slices: Vec<Slice>,
    /// Largest clustering key first.
    pub reversed: bool,
    /// Whether static rows are wanted.
    pub statics: bool,
    /// Whether blocks are kept in the cache.
    pub fill_cache: bool,
    /// Where to go on: after this. The position's partition comes again, with the rows that are left, unless nothing
    /// of it is left.
    pub resume: Option<ReadPosition>,
}

impl Scan {
    /// Everything of these partitions. The cache is filled unless they are a range.
    pub fn new(keys: Keys) -> Scan {
        Scan {
            slices: vec![Slice::all()],
            reversed: false,
            statics: true,
            fill_cache: matches!(keys, Keys::List(_)),
            resume: None,
            keys,
        }
    }

    /// Every partition.
    pub fn all() -> Scan {
        Scan::new(Keys::Range(KeyRange::all()))
    }

    /// What a command reads; columns, filter and limits are for others to apply.
    pub fn of(command: &Command) -> Scan {
        Scan {
            slices: command.slices.clone(),
            reversed: command.reversed,
            resume: command.resume.clone(),
            ..Scan::new(command.keys.clone())
        }
    }

    /// The `index`th key of the list.
    pub(super) fn key(&self, index: usize) -> Option<&PartitionKey> {
        match &self.keys {
            Keys::List(keys) => keys.get(index),
            Keys::Range(_) => None,
        }
    }

    /// The first key of the list that is not done.
    pub(super) fn first_key(&self) -> usize {
        let (Keys::List(keys), Some(resume)) = (&self.keys, &self.resume) else {
            return 0;
        };
        keys.iter().position(|key| *key == resume.key).unwrap_or(0)
    }

    fn range(&self) -> Option<&KeyRange> {
        match &self.keys {
            Keys::List(_) => None,
            Keys::Range(range) => Some(range),
        }
    }

    /// Whether a partition lies before the range, or before where the scan goes on.
    pub(super) fn is_before(&self, key: PartitionKeyRef<'_>) -> bool {
        let resumed = self.resume.as_ref().is_some_and(|at| key < at.key.as_ref());
        resumed || self.range().is_some_and(|range| range.is_before(key))
    }

    pub(super) fn is_after(&self, key: PartitionKeyRef<'_>) -> bool {
        self.range().is_some_and(|range| range.is_after(key))
    }

    /// Whether nothing is left of a partition.
    pub(super) fn is_done(&self, key: PartitionKeyRef<'_>) -> bool {
        self.resume
            .as_ref()
            .is_some_and(|at| at.clustering.is_none() && at.key.as_ref() == key)
    }

    /// The smallest token that can come.
    pub(super) fn first_token(&self) -> Token {
        let range = self.range().map_or(Token::MIN, read::KeyRange::first_token);
        let resume = self.resume.as_ref().map_or(Token::MIN, |at| at.key.token);
        range.max(resume)
    }

    /// Sets `target` to where the first partition can be.
    pub(super) fn set_start(&self, target: &mut Position) {
        let from_key = self.range().and_then(|range| match &range.start {
            Bound::Included(KeyEdge::Key(key)) | Bound::Excluded(KeyEdge::Key(key)) => Some(key),
            _ => None,
        });
        let resume = self.resume.as_ref().map(|at| &at.key);
        match from_key.max(resume) {
            Some(key) if key.token >= self.first_token() => {
                position::set(target, key.token, &key.bytes, &[]);
            }
            _ => position::set_token(target, self.first_token()),
        }
    }

    /// The slices that are left of the partition at which the scan goes on, if `key` is it.
    pub(super) fn resumed_slices(&self, key: PartitionKeyRef<'_>) -> Option<Vec<Slice>> {
        let at = self.resume.as_ref().filter(|at| at.key.as_ref() == key)?;
        let clustering = at.clustering.as_ref()?;
        let left = if self.reversed {
            Slice::new(Bytes::new(), clustering.clone())
        } else {
            Slice::new(after(clustering), Slice::all().end)
        };
        let parts = self.slices.iter().map(|slice| slice.intersect(&left));
        Some(parts.filter(|slice| !slice.is_empty()).collect())
    }
}

/// The smallest string above `key`.
fn after(key: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(key.len() + 1);
    out.extend_from_slice(key);
    out.push(0);
    out.into()
}
