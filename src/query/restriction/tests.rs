//! Byte ranges against a naive model: a row lies in one of the ranges exactly if the relations hold.

use std::sync::Arc;

use model::ColumnId;
use model::key::Slice;
use proptest::prelude::*;
use schema::table::{Column, ColumnKind, Order};
use types::Type;

use crate::function::timeless;
use crate::restriction::clustering::{ClusteringPlan, Range, RangeBound, Step, push};
use crate::restriction::values::{TuplePlan, Tuples, Values};
use crate::term::Plan;

const COLUMNS: usize = 3;
/// Values of a column are below this, so that all rows can be looked at.
const VALUES: i8 = 4;

/// One end of a range, as the model sees it.
#[derive(Clone, Debug)]
struct End {
    values: Vec<i8>,
    inclusive: bool,
}

/// What a WHERE clause says of the clustering columns.
#[derive(Clone, Debug)]
struct Where {
    /// For each leading column that is fixed, the values allowed; with `as_tuple` the first two are
    /// one relation whose alternatives are pairs.
    fixed: Vec<Vec<i8>>,
    as_tuple: bool,
    lower: Option<End>,
    upper: Option<End>,
}

fn end(columns: usize) -> impl Strategy<Value = Option<End>> {
    let some = (1..=columns.max(1), any::<bool>()).prop_flat_map(|(count, inclusive)| {
        prop::collection::vec(0..VALUES, count).prop_map(move |values| End { values, inclusive })
    });
    prop::option::of(some).prop_map(move |end| end.filter(|_| columns > 0))
}

fn clause() -> impl Strategy<Value = Where> {
    (0..=COLUMNS).prop_flat_map(|fixed| {
        let each = prop::collection::vec(0..VALUES, 0..4);
        let rest = COLUMNS - fixed;
        (
            prop::collection::vec(each, fixed),
            any::<bool>(),
            end(rest),
            end(rest),
        )
            .prop_map(|(fixed, as_tuple, lower, upper)| Where {
                as_tuple: as_tuple && fixed.len() >= 2,
                fixed,
                lower,
                upper,
            })
    })
}

impl Where {
    /// The pairs of a relation on the first two columns.
    fn pairs(&self) -> Vec<(i8, i8)> {
        self.fixed[0]
            .iter()
            .copied()
            .zip(self.fixed[1].iter().copied())
            .collect()
    }

    /// Whether the relations hold for a row.
    fn holds(&self, row: &[i8]) -> bool {
        let singles = if self.as_tuple { 2 } else { 0 };
        let fixed = self.fixed.iter().zip(row).skip(singles);
        let rest = &row[self.fixed.len()..];
        let above = |end: &End| match end.inclusive {
            true => rest[..end.values.len()] >= end.values[..],
            false => rest[..end.values.len()] > end.values[..],
        };
        let below = |end: &End| match end.inclusive {
            true => rest[..end.values.len()] <= end.values[..],
            false => rest[..end.values.len()] < end.values[..],
        };
        (!self.as_tuple || self.pairs().contains(&(row[0], row[1])))
            && fixed
                .into_iter()
                .all(|(allowed, value)| allowed.contains(value))
            && self.lower.as_ref().is_none_or(above)
            && self.upper.as_ref().is_none_or(below)
    }

    fn plan(&self) -> ClusteringPlan {
        let mut steps = Vec::new();
        if self.as_tuple {
            let tuple = |(a, b): (i8, i8)| TuplePlan::Components(vec![constant(a), constant(b)]);
            let tuples = self.pairs().into_iter().map(tuple).collect();
            steps.push(Step::Tuple(2, Tuples::Listed(tuples)));
        }
        let singles = self.fixed.iter().skip(if self.as_tuple { 2 } else { 0 });
        steps.extend(singles.map(|allowed| {
            Step::Column(match allowed.as_slice() {
                [only] => Values::One(constant(*only)),
                several => Values::Listed(several.iter().map(|value| constant(*value)).collect()),
            })
        }));
        let bound = |end: &End| RangeBound {
            columns: end.values.len(),
            values: TuplePlan::Components(end.values.iter().map(|v| constant(*v)).collect()),
            inclusive: end.inclusive,
        };
        let range = (self.lower.is_some() || self.upper.is_some()).then(|| Range {
            lower: self.lower.as_ref().map(bound),
            upper: self.upper.as_ref().map(bound),
        });
        ClusteringPlan { steps, range }
    }
}

fn constant(value: i8) -> Plan {
    Plan::Constant(Some(Arc::from(value.to_be_bytes().as_slice())))
}

fn columns(descending: [bool; COLUMNS]) -> Vec<Column> {
    let column = |(position, descending): (usize, bool)| Column {
        name: format!("c{position}").as_str().into(),
        id: ColumnId(position as u16 + 1),
        ty: Type::TinyInt,
        kind: ColumnKind::Clustering,
        position: position as u16,
        order: if descending { Order::Desc } else { Order::Asc },
    };
    descending.into_iter().enumerate().map(column).collect()
}

fn rows() -> impl Iterator<Item = [i8; COLUMNS]> {
    let one = || 0..VALUES;
    one().flat_map(move |a| one().flat_map(move |b| one().map(move |c| [a, b, c])))
}

proptest! {
    #[test]
    fn ranges_hold_exactly_the_rows_of_the_relations(clause in clause(), descending: [bool; COLUMNS]) {
        let columns = columns(descending);
        let slices = clause.plan().slices(&columns, &timeless()).expect("values are sound");
        for pair in slices.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start, "ranges ascend and are disjoint");
        }
        for row in rows() {
            let mut key = Vec::new();
            for (column, value) in columns.iter().zip(row) {
                push(column, &value.to_be_bytes(), &mut key).expect("a sound value");
            }
            let inside = slices.iter().any(|slice: &Slice| slice.contains(&key));
            prop_assert_eq!(inside, clause.holds(&row), "row {:?}", row);
        }
    }
}
