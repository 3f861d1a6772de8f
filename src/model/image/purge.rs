//! What compaction may take out of a row.
//!
//! 1. An expired cell loses its value and keeps kind and expiry, so merging it later gives what merging it before
//!    would have given.
//! 2. A tombstone (a deletion, a deleted cell, an expired cell or liveness, whose local deletion time is its expiry
//!    less its TTL) goes when gc_grace has passed since then and nothing outside the compaction can be old enough for
//!    it to cover.

use super::encode::{Covered, Row, Sink, encode};
use super::view::{Column, View};
use crate::cell::Kind;
use crate::{Cell, Deletion, Liveness, Timestamp};

/// The rule of one compaction for one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge {
    /// What has expired.
    pub now_seconds: i64,
    /// Local deletion times before this one are past gc_grace.
    pub gc_before_seconds: i64,
    /// Only tombstones with smaller timestamps may go: the smallest timestamp that anything outside the compaction can
    /// hold for the partition.
    pub max_purgeable_timestamp: Timestamp,
}

impl Purge {
    /// Whether a deletion may go.
    pub fn drops(&self, deletion: Deletion) -> bool {
        self.drops_at(deletion.timestamp, deletion.local_seconds)
    }

    fn drops_at(&self, timestamp: Timestamp, local_seconds: i64) -> bool {
        local_seconds < self.gc_before_seconds && timestamp < self.max_purgeable_timestamp
    }

    fn liveness(&self, liveness: Liveness) -> Option<Liveness> {
        let dead = !liveness.is_live(self.now_seconds);
        (!(dead && self.drops_at(liveness.timestamp, liveness.local_seconds()))).then_some(liveness)
    }

    /// Whether anything in the image would go.
    fn touches(&self, view: &View<'_>) -> bool {
        let cell = |cell: Cell<'_>| self.cell(cell) != Some(cell);
        view.liveness()
            .is_some_and(|liveness| self.liveness(liveness).is_none())
            || view.deletion().is_some_and(|deletion| self.drops(deletion))
            || view.columns().any(|(_, column)| match column {
                Column::Simple(simple) => cell(simple),
                Column::Complex(complex) => {
                    complex
                        .deletion()
                        .is_some_and(|deletion| self.drops(deletion))
                        || complex.elements().any(|(_, element)| cell(element))
                }
            })
    }

    fn cell<'a>(&self, cell: Cell<'a>) -> Option<Cell<'a>> {
        let Some(local_seconds) = cell.deleted_seconds(self.now_seconds) else {
            return Some(cell);
        };
        if self.drops_at(cell.timestamp, local_seconds) {
            return None;
        }
        let kind = match cell.kind {
            Kind::Expiring {
                ttl_seconds,
                expiry_seconds,
                ..
            } => Kind::Expiring {
                ttl_seconds,
                expiry_seconds,
                value: None,
            },
            kind => kind,
        };
        Some(Cell { kind, ..cell })
    }
}

/// Appends what compaction keeps of `image`. False, and nothing appended, if it keeps nothing.
pub fn purge(image: &[u8], rule: &Purge, out: &mut Vec<u8>) -> bool {
    let view = View::new(image);
    // Most rows are alive: one look, then one copy.
    if !view.is_empty() && !rule.touches(&view) {
        out.extend_from_slice(image);
        return true;
    }
    let start = out.len();
    let keeps = encode(&Purged { view, rule }, out);
    if !keeps {
        out.truncate(start);
    }
    keeps
}

struct Purged<'a> {
    view: View<'a>,
    rule: &'a Purge,
}

impl Row for Purged<'_> {
    fn liveness(&self) -> Option<Liveness> {
        self.view
            .liveness()
            .and_then(|liveness| self.rule.liveness(liveness))
    }

    fn deletion(&self) -> Option<Deletion> {
        self.view
            .deletion()
            .filter(|deletion| !self.rule.drops(*deletion))
    }

    fn walk(&self, sink: &mut Covered<impl Sink>) {
        for (id, column) in self.view.columns() {
            match column {
                Column::Simple(cell) => {
                    if let Some(cell) = self.rule.cell(cell) {
                        sink.cell(id, &cell);
                    }
                }
                Column::Complex(complex) => {
                    sink.open(
                        id,
                        complex
                            .deletion()
                            .filter(|deletion| !self.rule.drops(*deletion)),
                    );
                    for (path, cell) in complex.elements() {
                        if let Some(cell) = self.rule.cell(cell) {
                            sink.element(path, &cell);
                        }
                    }
                    sink.close();
                }
            }
        }
    }
}
