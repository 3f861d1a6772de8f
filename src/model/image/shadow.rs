//! Applying a deletion of a range or partition to a row.

use super::encode::{Covered, Row, Sink, encode};
use super::merge::put_column;
use super::view::View;
use crate::{Deletion, Liveness, Timestamp};

/// Appends what survives of `image` under `deletion`, which does not become part of it. False, and nothing appended,
/// if nothing survives.
pub fn shadow(image: &[u8], deletion: Deletion, out: &mut Vec<u8>) -> bool {
    let view = View::new(image);
    if view.is_empty() {
        return false;
    }
    if !deletion.covers(view.min_timestamp()) {
        out.extend_from_slice(image);
        return true;
    }
    let start = out.len();
    let survives = encode(
        &Shadowed {
            view,
            by: deletion.timestamp,
        },
        out,
    );
    if !survives {
        out.truncate(start);
    }
    survives
}

struct Shadowed<'a> {
    view: View<'a>,
    by: Timestamp,
}

impl Row for Shadowed<'_> {
    fn liveness(&self) -> Option<Liveness> {
        self.view.liveness()
    }

    fn deletion(&self) -> Option<Deletion> {
        self.view.deletion()
    }

    fn shadow(&self) -> Option<Timestamp> {
        Some(self.by)
    }

    fn walk(&self, sink: &mut Covered<impl Sink>) {
        for (id, column) in self.view.columns() {
            put_column(sink, id, &column);
        }
    }
}
