//! Joining two images of one row.
//!
//! The join of rows is the join of their parts: the stronger deletion of the row and of each complex column, the
//! winner of each cell, the winner of the livenesses; then everything that a deletion covers is gone. Each part's join
//! is a maximum in a total order and covering looks at timestamps alone, so merging is commutative, associative and
//! idempotent.
//!
//! A column is simple or complex for ever, so the laws are for images that agree on it, as those of one table do. Should
//! two disagree all the same (a damaged peer), complex wins: that is commutative and idempotent, but where a deletion
//! covers the complex one the order of merging shows.

use std::cmp::Ordering;

use super::encode::{Covered, Row, Sink, encode};
use super::view::{Column, ColumnIter, Complex, Elements, View};
use crate::{ColumnId, Deletion, Liveness};

/// Appends the join of `a` and `b`. False if it is an empty image.
pub fn merge(a: &[u8], b: &[u8], out: &mut Vec<u8>) -> bool {
    if a == b {
        out.extend_from_slice(a);
        return !View::new(a).is_empty();
    }
    encode(
        &Both {
            a: View::new(a),
            b: View::new(b),
        },
        out,
    )
}

struct Both<'a> {
    a: View<'a>,
    b: View<'a>,
}

impl Row for Both<'_> {
    fn liveness(&self) -> Option<Liveness> {
        Liveness::join_option(self.a.liveness(), self.b.liveness())
    }

    fn deletion(&self) -> Option<Deletion> {
        Deletion::join_option(self.a.deletion(), self.b.deletion())
    }

    fn walk(&self, sink: &mut Covered<impl Sink>) {
        let (mut a, mut b) = (self.a.columns(), self.b.columns());
        let (mut from_a, mut from_b) = (a.next(), b.next());
        loop {
            match order(&from_a, &from_b, |(id, _)| *id) {
                None => return,
                Some(Ordering::Less) => put(sink, &mut from_a, &mut a),
                Some(Ordering::Greater) => put(sink, &mut from_b, &mut b),
                Some(Ordering::Equal) => {
                    if let (Some((id, one)), Some((_, other))) = (&from_a, &from_b) {
                        both(sink, *id, one, other);
                    }
                    (from_a, from_b) = (a.next(), b.next());
                }
            }
        }
    }
}

/// Which of two sequences has the smaller next key: `Less` for the first; `None` when both have ended.
fn order<T, K: Ord>(a: &Option<T>, b: &Option<T>, key: impl Fn(&T) -> K) -> Option<Ordering> {
    match (a, b) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(a), Some(b)) => Some(key(a).cmp(&key(b))),
    }
}

#[inline]
fn put<'a>(
    sink: &mut Covered<impl Sink>,
    column: &mut Option<(ColumnId, Column<'a>)>,
    columns: &mut ColumnIter<'a>,
) {
    if let Some((id, column)) = column {
        put_column(sink, *id, column);
    }
    *column = columns.next();
}

/// Hands a column over as it is.
#[inline]
pub(super) fn put_column(sink: &mut Covered<impl Sink>, id: ColumnId, column: &Column<'_>) {
    match column {
        Column::Simple(cell) => sink.cell(id, cell),
        Column::Complex(complex) => {
            sink.open(id, complex.deletion());
            for (path, cell) in complex.elements() {
                sink.element(path, &cell);
            }
            sink.close();
        }
    }
}

fn both(sink: &mut Covered<impl Sink>, id: ColumnId, a: &Column<'_>, b: &Column<'_>) {
    match (a, b) {
        (Column::Simple(a), Column::Simple(b)) => sink.cell(id, &a.join(*b)),
        (Column::Complex(a), Column::Complex(b)) => both_complex(sink, id, a, b),
        (complex @ Column::Complex(_), _) | (_, complex) => put_column(sink, id, complex),
    }
}

fn both_complex(sink: &mut Covered<impl Sink>, id: ColumnId, a: &Complex<'_>, b: &Complex<'_>) {
    sink.open(id, Deletion::join_option(a.deletion(), b.deletion()));
    let (mut a, mut b) = (a.elements(), b.elements());
    let (mut from_a, mut from_b) = (a.next(), b.next());
    while let Some(order) = order(&from_a, &from_b, |(path, _)| *path) {
        match order {
            Ordering::Less => put_element(sink, &mut from_a, &mut a),
            Ordering::Greater => put_element(sink, &mut from_b, &mut b),
            Ordering::Equal => {
                if let (Some((path, one)), Some((_, other))) = (from_a, from_b) {
                    sink.element(path, &one.join(other));
                }
                (from_a, from_b) = (a.next(), b.next());
            }
        }
    }
    sink.close();
}

#[inline]
fn put_element<'a>(
    sink: &mut Covered<impl Sink>,
    element: &mut Option<(&'a [u8], crate::Cell<'a>)>,
    elements: &mut Elements<'a>,
) {
    if let Some((path, cell)) = element {
        sink.element(path, cell);
    }
    *element = elements.next();
}
