//! The one encoder: whatever walks as a row becomes its image.
//!
//! The walk may hand over things that the row's own deletions cover; they are left out here, in one place, so every
//! image is normal. The row is walked twice, first into a [`Survey`], then into a [`Writer`].

use base::bytes::{put_signed_varint, put_varint, varint_len};

use super::format::{self, COLUMN_CODE_BITS, COMPLEX, COMPLEX_DELETED, ELEMENT_CODE_BITS};
use crate::cell::Kind;
use crate::{Cell, ColumnId, Deletion, Liveness, Timestamp};

/// Something that can be walked as a row: twice, with the same outcome.
pub(super) trait Row {
    /// The mark that INSERT left.
    fn liveness(&self) -> Option<Liveness>;
    /// The deletion of the row.
    fn deletion(&self) -> Option<Deletion>;
    /// Hands over columns by ascending id, elements by ascending path.
    fn walk(&self, sink: &mut Covered<impl Sink>);
    /// A deletion from outside that also covers the row but does not become part of it.
    fn shadow(&self) -> Option<Timestamp> {
        None
    }
}

/// What receives a walk.
pub(super) trait Sink {
    fn cell(&mut self, id: ColumnId, cell: &Cell<'_>);
    fn open(&mut self, id: ColumnId, deletion: Option<Deletion>);
    fn element(&mut self, path: &[u8], cell: &Cell<'_>);
    fn close(&mut self);
}

/// Appends the image of `row`. False if it is an empty image.
pub(super) fn encode(row: &impl Row, out: &mut Vec<u8>) -> bool {
    let shadow = row.shadow();
    let deletion = row
        .deletion()
        .filter(|deletion| !is_covered(shadow, deletion.timestamp));
    let cover = shadow.max(deletion.map(|deletion| deletion.timestamp));
    let liveness = row
        .liveness()
        .filter(|liveness| !is_covered(cover, liveness.timestamp));

    let mut survey = Survey::new(liveness, deletion);
    row.walk(&mut Covered {
        sink: &mut survey,
        row: cover,
        column: None,
    });
    let mut writer = Writer::begin(out, &survey, liveness, deletion);
    row.walk(&mut Covered {
        sink: &mut writer,
        row: cover,
        column: None,
    });
    survey.any
}

fn is_covered(by: Option<Timestamp>, timestamp: Timestamp) -> bool {
    by.is_some_and(|by| timestamp <= by)
}

/// Leaves out what the deletion of the row, or of the column, covers.
pub(super) struct Covered<'s, S> {
    sink: &'s mut S,
    row: Option<Timestamp>,
    column: Option<Timestamp>,
}

impl<S: Sink> Covered<'_, S> {
    /// A simple column.
    #[inline]
    pub(super) fn cell(&mut self, id: ColumnId, cell: &Cell<'_>) {
        if !is_covered(self.row, cell.timestamp) {
            self.sink.cell(id, cell);
        }
    }

    /// A complex column begins.
    #[inline]
    pub(super) fn open(&mut self, id: ColumnId, deletion: Option<Deletion>) {
        let deletion = deletion.filter(|deletion| !is_covered(self.row, deletion.timestamp));
        self.column = self.row.max(deletion.map(|deletion| deletion.timestamp));
        self.sink.open(id, deletion);
    }

    /// An element of the column that is open.
    #[inline]
    pub(super) fn element(&mut self, path: &[u8], cell: &Cell<'_>) {
        if !is_covered(self.column, cell.timestamp) {
            self.sink.element(path, cell);
        }
    }

    /// The complex column ends.
    #[inline]
    pub(super) fn close(&mut self) {
        self.sink.close();
    }
}

/// The first walk: what the head of the image needs to know.
struct Survey {
    any: bool,
    base: Timestamp,
    cells: u64,
    /// The timestamp of the first cell.
    first: Timestamp,
    /// Whether all cells had it.
    same: bool,
    liveness: Option<Timestamp>,
}

impl Survey {
    fn new(liveness: Option<Liveness>, deletion: Option<Deletion>) -> Survey {
        let liveness = liveness.map(|liveness| liveness.timestamp);
        let base = Timestamp::MAX;
        let mut survey = Survey {
            any: false,
            base,
            cells: 0,
            first: Timestamp::MIN,
            same: true,
            liveness,
        };
        liveness
            .into_iter()
            .chain(deletion.map(|deletion| deletion.timestamp))
            .for_each(|at| survey.meet(at));
        survey
    }

    #[inline]
    fn meet(&mut self, timestamp: Timestamp) {
        self.any = true;
        self.base = self.base.min(timestamp);
    }

    #[inline]
    fn meet_cell(&mut self, timestamp: Timestamp) {
        self.meet(timestamp);
        if self.cells == 0 {
            self.first = timestamp;
        }
        self.same &= self.first == timestamp;
        self.cells += 1;
    }

    fn base(&self) -> i64 {
        if self.any { self.base.0 } else { 0 }
    }

    /// The timestamp of all cells, if naming it once saves bytes.
    fn one(&self) -> Option<Timestamp> {
        let saves = match self.liveness {
            Some(liveness) => self.cells > 0 && self.first == liveness,
            None => self.cells > 1,
        };
        (saves && self.same).then_some(self.first)
    }
}

impl Sink for Survey {
    #[inline]
    fn cell(&mut self, _: ColumnId, cell: &Cell<'_>) {
        self.meet_cell(cell.timestamp);
    }

    fn open(&mut self, _: ColumnId, deletion: Option<Deletion>) {
        if let Some(deletion) = deletion {
            self.meet(deletion.timestamp);
        }
    }

    #[inline]
    fn element(&mut self, _: &[u8], cell: &Cell<'_>) {
        self.meet_cell(cell.timestamp);
    }

    fn close(&mut self) {}
}

/// The second walk: writes.
struct Writer<'o> {
    out: &'o mut Vec<u8>,
    base: i64,
    one: bool,
    next_id: u16,
    /// The complex column that is open.
    complex: Option<OpenComplex>,
}

struct OpenComplex {
    id: ColumnId,
    deletion: Option<Deletion>,
    count: u64,
    /// Where its elements begin.
    start: usize,
}

impl<'o> Writer<'o> {
    fn begin(
        out: &'o mut Vec<u8>,
        survey: &Survey,
        liveness: Option<Liveness>,
        deletion: Option<Deletion>,
    ) -> Writer<'o> {
        let (base, one) = (survey.base(), survey.one());
        let expires = liveness.filter(Liveness::expires);
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        out.push(
            flag(liveness.is_some(), format::LIVENESS)
                | flag(expires.is_some(), format::EXPIRES)
                | flag(deletion.is_some(), format::DELETION)
                | flag(one.is_some(), format::ONE_TIMESTAMP),
        );
        out.extend_from_slice(&base.to_le_bytes());
        let mut writer = Writer {
            out,
            base,
            one: one.is_some(),
            next_id: 0,
            complex: None,
        };
        if let Some(timestamp) = liveness.map(|liveness| liveness.timestamp).or(one) {
            writer.timestamp(timestamp);
        }
        if let Some(liveness) = expires {
            writer.expiry(liveness.ttl_seconds, liveness.expiry_seconds);
        }
        if let Some(deletion) = deletion {
            writer.deletion(deletion);
        }
        writer
    }

    #[inline]
    fn timestamp(&mut self, timestamp: Timestamp) {
        // Not below base, so the difference fits 64 bits without sign.
        put_varint(self.out, timestamp.0.wrapping_sub(self.base) as u64);
    }

    fn expiry(&mut self, ttl_seconds: u32, expiry_seconds: i64) {
        put_varint(self.out, u64::from(ttl_seconds));
        put_signed_varint(self.out, expiry_seconds);
    }

    fn deletion(&mut self, deletion: Deletion) {
        self.timestamp(deletion.timestamp);
        put_signed_varint(self.out, deletion.local_seconds);
    }

    #[inline]
    fn column(&mut self, id: ColumnId, code: u8) {
        let distance = u64::from(id.0.wrapping_sub(self.next_id));
        put_varint(self.out, distance << COLUMN_CODE_BITS | u64::from(code));
        // Wraps after the largest id, which is the last.
        self.next_id = id.0.wrapping_add(1);
    }

    #[inline]
    fn body(&mut self, cell: &Cell<'_>) {
        if !self.one {
            self.timestamp(cell.timestamp);
        }
        match cell.kind {
            Kind::Value(value) => self.value(value),
            Kind::Expiring {
                ttl_seconds,
                expiry_seconds,
                value,
            } => {
                self.expiry(ttl_seconds, expiry_seconds);
                if let Some(value) = value {
                    self.value(value);
                }
            }
            Kind::Tombstone { local_seconds } => put_signed_varint(self.out, local_seconds),
        }
    }

    #[inline]
    fn value(&mut self, value: &[u8]) {
        put_varint(self.out, value.len() as u64);
        self.out.extend_from_slice(value);
    }
}

impl Sink for Writer<'_> {
    #[inline]
    fn cell(&mut self, id: ColumnId, cell: &Cell<'_>) {
        self.column(id, format::code(&cell.kind));
        self.body(cell);
    }

    fn open(&mut self, id: ColumnId, deletion: Option<Deletion>) {
        self.complex = Some(OpenComplex {
            id,
            deletion,
            count: 0,
            start: self.out.len(),
        });
    }

    #[inline]
    fn element(&mut self, path: &[u8], cell: &Cell<'_>) {
        if let Some(complex) = &mut self.complex {
            complex.count += 1;
        }
        let code = u64::from(format::code(&cell.kind));
        put_varint(self.out, (path.len() as u64) << ELEMENT_CODE_BITS | code);
        self.out.extend_from_slice(path);
        self.body(cell);
    }

    /// Puts the column's own part, whose length is known only now, before its elements.
    fn close(&mut self) {
        let Some(complex) = self.complex.take() else {
            return;
        };
        if complex.count == 0 && complex.deletion.is_none() {
            return;
        }
        let end = self.out.len();
        let element_bytes = (end - complex.start) as u64;
        match complex.deletion {
            None => self.column(complex.id, COMPLEX),
            Some(deletion) => {
                self.column(complex.id, COMPLEX_DELETED);
                self.deletion(deletion);
            }
        }
        put_varint(self.out, complex.count);
        put_varint(self.out, element_bytes);
        let front = self.out.len() - end;
        self.out[complex.start..].rotate_right(front);
    }
}

/// Puts `value` as a varint at `position`, moving what follows.
pub(crate) fn insert_varint(out: &mut Vec<u8>, position: usize, value: u64) {
    put_varint(out, value);
    out[position..].rotate_right(varint_len(value));
}
