//! Making an image from what a statement sets.
//!
//! A builder is a draft in two flat buffers that stay allocated from row to row: entries, and the bytes they point to.
//! Columns and elements may come in any order (a client's map is in its type's order, an image in byte order) and more
//! than once; [`Builder::finish_into`] sorts if it must and joins duplicates.

use super::encode::{Covered, Row, Sink, encode};
use crate::cell::Kind;
use crate::{Cell, ColumnId, Deletion, Liveness, Timestamp};

/// A row in the making.
#[derive(Debug, Default)]
pub struct Builder {
    liveness: Option<Liveness>,
    deletion: Option<Deletion>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    /// The complex column that elements go to.
    open: Option<ColumnId>,
    /// Whether some entry came out of order or twice.
    unsorted: bool,
}

/// A stretch of the draft's bytes. A draft is far below 4 GiB: mutations are limited to 16 MiB.
#[derive(Debug, Clone, Copy, Default)]
struct Stretch {
    start: u32,
    len: u32,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    id: ColumnId,
    part: Part,
    path: Stretch,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Cell(Draft),
    Open(Option<Deletion>),
    Element(Draft),
}

/// A cell whose value lies in the draft's bytes.
#[derive(Debug, Clone, Copy)]
struct Draft {
    timestamp: Timestamp,
    kind: DraftKind,
}

#[derive(Debug, Clone, Copy)]
enum DraftKind {
    Value(Stretch),
    Expiring {
        ttl_seconds: u32,
        expiry_seconds: i64,
        value: Option<Stretch>,
    },
    Tombstone {
        local_seconds: i64,
    },
}

impl Builder {
    /// An empty draft.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        self.liveness = None;
        self.deletion = None;
        self.entries.clear();
        self.bytes.clear();
        self.open = None;
        self.unsorted = false;
    }

    /// Whether nothing was set.
    pub fn is_empty(&self) -> bool {
        self.liveness.is_none() && self.deletion.is_none() && self.entries.is_empty()
    }

    /// The mark of an INSERT.
    pub fn liveness(&mut self, liveness: Liveness) -> &mut Builder {
        self.liveness = Liveness::join_option(self.liveness, Some(liveness));
        self
    }

    /// Deletes the row.
    pub fn deletion(&mut self, deletion: Deletion) -> &mut Builder {
        self.deletion = Deletion::join_option(self.deletion, Some(deletion));
        self
    }

    /// Sets a simple column.
    pub fn cell(&mut self, id: ColumnId, timestamp: Timestamp, kind: Kind<'_>) -> &mut Builder {
        let draft = self.draft(timestamp, kind);
        self.push(Entry {
            id,
            part: Part::Cell(draft),
            path: Stretch::default(),
        })
    }

    /// Begins a complex column, perhaps deleting what it held; [`Builder::element`] adds to it.
    pub fn complex(&mut self, id: ColumnId, deletion: Option<Deletion>) -> &mut Builder {
        self.open = Some(id);
        self.push(Entry {
            id,
            part: Part::Open(deletion),
            path: Stretch::default(),
        })
    }

    /// Sets an element of the complex column begun last. The path is described in [`super::format`].
    ///
    /// # Panics
    /// If no complex column was begun.
    pub fn element(&mut self, path: &[u8], timestamp: Timestamp, kind: Kind<'_>) -> &mut Builder {
        let id = self
            .open
            .expect("an element follows the complex column that it belongs to");
        let path = self.keep(path);
        let draft = self.draft(timestamp, kind);
        self.push(Entry {
            id,
            part: Part::Element(draft),
            path,
        })
    }

    /// Appends the image and clears the builder. False if it is an empty image.
    pub fn finish_into(&mut self, out: &mut Vec<u8>) -> bool {
        if self.unsorted {
            let bytes = &self.bytes;
            self.entries
                .sort_by(|a, b| a.place(bytes).cmp(&b.place(bytes)));
        }
        let any = encode(self, out);
        self.clear();
        any
    }

    fn push(&mut self, entry: Entry) -> &mut Builder {
        let place = entry.place(&self.bytes);
        self.unsorted |= self
            .entries
            .last()
            .is_some_and(|last| last.place(&self.bytes) >= place);
        self.entries.push(entry);
        self
    }

    fn draft(&mut self, timestamp: Timestamp, kind: Kind<'_>) -> Draft {
        let kind = match kind {
            Kind::Value(value) => DraftKind::Value(self.keep(value)),
            Kind::Expiring {
                ttl_seconds: 0,
                value,
                ..
            } => DraftKind::Value(self.keep(value.unwrap_or_default())),
            Kind::Expiring {
                ttl_seconds,
                expiry_seconds,
                value,
            } => {
                let value = value.map(|value| self.keep(value));
                DraftKind::Expiring {
                    ttl_seconds,
                    expiry_seconds,
                    value,
                }
            }
            Kind::Tombstone { local_seconds } => DraftKind::Tombstone { local_seconds },
        };
        Draft { timestamp, kind }
    }

    fn keep(&mut self, bytes: &[u8]) -> Stretch {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        assert!(
            self.bytes.len() <= u32::MAX as usize,
            "a row of {} bytes in the making",
            self.bytes.len()
        );
        Stretch {
            start: start as u32,
            len: bytes.len() as u32,
        }
    }

    fn cell_of(&self, draft: &Draft) -> Cell<'_> {
        let kind = match draft.kind {
            DraftKind::Value(value) => Kind::Value(value.of(&self.bytes)),
            DraftKind::Expiring {
                ttl_seconds,
                expiry_seconds,
                value,
            } => {
                let value = value.map(|value| value.of(&self.bytes));
                Kind::Expiring {
                    ttl_seconds,
                    expiry_seconds,
                    value,
                }
            }
            DraftKind::Tombstone { local_seconds } => Kind::Tombstone { local_seconds },
        };
        Cell {
            timestamp: draft.timestamp,
            kind,
        }
    }

    /// The entry at `index` joined with those after it for the same place, and where the next place begins.
    fn joined(&self, index: usize) -> (Entry, usize) {
        let mut entry = self.entries[index];
        let mut next = index + 1;
        while self.unsorted
            && let Some(other) = self.entries.get(next)
            && other.place(&self.bytes) == entry.place(&self.bytes)
        {
            entry.part = self.join(entry.part, other.part);
            next += 1;
        }
        (entry, next)
    }

    fn join(&self, a: Part, b: Part) -> Part {
        match (&a, &b) {
            (Part::Open(a), Part::Open(b)) => Part::Open(Deletion::join_option(*a, *b)),
            (Part::Cell(x) | Part::Element(x), Part::Cell(y) | Part::Element(y)) => {
                if self.cell_of(x).compare(&self.cell_of(y)).is_ge() {
                    a
                } else {
                    b
                }
            }
            // Not at one place: the rank of a part is in it.
            _ => a,
        }
    }
}

impl Stretch {
    #[inline]
    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..][..self.len as usize]
    }
}

impl Entry {
    /// What entries sort by: the column, its beginning before its elements, the path.
    #[inline]
    fn place<'a>(&self, bytes: &'a [u8]) -> (ColumnId, u8, &'a [u8]) {
        let rank = match self.part {
            Part::Cell(_) => 0,
            Part::Open(_) => 1,
            Part::Element(_) => 2,
        };
        (self.id, rank, self.path.of(bytes))
    }
}

impl Row for Builder {
    fn liveness(&self) -> Option<Liveness> {
        self.liveness
    }

    fn deletion(&self) -> Option<Deletion> {
        self.deletion
    }

    fn walk(&self, sink: &mut Covered<impl Sink>) {
        let mut index = 0;
        let mut open = false;
        while index < self.entries.len() {
            let (entry, next) = self.joined(index);
            index = next;
            if open && !matches!(entry.part, Part::Element(_)) {
                sink.close();
                open = false;
            }
            match entry.part {
                Part::Cell(draft) => sink.cell(entry.id, &self.cell_of(&draft)),
                Part::Open(deletion) => {
                    sink.open(entry.id, deletion);
                    open = true;
                }
                Part::Element(draft) => {
                    sink.element(entry.path.of(&self.bytes), &self.cell_of(&draft))
                }
            }
        }
        if open {
            sink.close();
        }
    }
}
