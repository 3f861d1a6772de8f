//! Rows that are kept until the last one was read: aggregates, and rows to be sorted.

use std::borrow::Cow;

use model::key::clustering::{self, Order};
use types::Type;

use crate::bind::Bindings;
use crate::error::Error;
use crate::row::{Row, Values};
use crate::select::Plan;
use crate::selector::{Expression, Group, ResultColumn, Scope, Selection};

/// The cells of one result row.
pub type Cells = Vec<Option<Vec<u8>>>;

/// The most bytes that rows to be sorted may take.
const SORT_BYTES_MAX: usize = 64 << 20;

/// What is kept of the rows so far.
pub enum Gathered {
    /// One group, whose first row gives the columns that are not aggregates.
    Group {
        /// The aggregates so far.
        group: Group,
        /// The result columns as the first row has them, but for the aggregates.
        first: Option<Vec<Expression>>,
    },
    /// Every row, with how many bytes they take.
    Sorted {
        /// The rows.
        rows: Vec<SortedRow>,
        /// What rows are sorted by.
        columns: Vec<(Type, Order)>,
        /// Their bytes.
        bytes: usize,
    },
}

/// A row that waits to be sorted, by the first columns of its clustering key.
pub struct SortedRow {
    prefix: Vec<u8>,
    cells: Cells,
}

impl Gathered {
    /// Nothing yet; none for a plan whose rows can be answered one by one.
    pub fn for_plan(plan: &Plan) -> Result<Option<Self>, Error> {
        if plan.selection.is_aggregate() {
            return Ok(Some(Gathered::Group {
                group: Group::new(&plan.selection.aggregates)?,
                first: None,
            }));
        }
        let sorted = |count: usize| {
            let columns = plan.table.clustering.iter().take(count);
            Gathered::Sorted {
                rows: Vec::new(),
                columns: columns
                    .map(|column| (column.ty.clone(), column.order))
                    .collect(),
                bytes: 0,
            }
        };
        Ok(plan.sorted.map(sorted))
    }

    /// Takes in a row.
    pub fn add(&mut self, selection: &Selection, scope: &Scope<'_, '_>) -> Result<(), Error> {
        match self {
            Gathered::Group { group, first } => {
                group.add(&selection.aggregates, scope)?;
                if first.is_none() {
                    let columns = selection.columns.iter();
                    let settled = columns.map(|column| column.expression.settled(scope));
                    *first = Some(settled.collect::<Result<_, _>>()?);
                }
                Ok(())
            }
            Gathered::Sorted {
                rows,
                columns,
                bytes,
            } => {
                let clustering = scope.row.clustering.unwrap_or_default();
                let row = SortedRow {
                    prefix: prefix(columns, clustering).to_vec(),
                    cells: cells(selection, scope)?,
                };
                *bytes += row.bytes();
                rows.push(row);
                refuse_too_many(*bytes)
            }
        }
    }

    /// The result's rows, at most `limit` of those that are sorted.
    pub fn rows(
        &mut self,
        selection: &Selection,
        bindings: &Bindings<'_>,
        plan: &Plan,
        limit: u64,
    ) -> Result<Vec<Cells>, Error> {
        match self {
            Gathered::Group { group, first } => {
                let results = group.results(&selection.aggregates);
                Ok(vec![group_row(
                    selection,
                    bindings,
                    &results,
                    first.as_deref(),
                )?])
            }
            Gathered::Sorted { rows, .. } => {
                match plan.reversed {
                    false => rows.sort_by(|a, b| a.prefix.cmp(&b.prefix)),
                    true => rows.sort_by(|a, b| b.prefix.cmp(&a.prefix)),
                }
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                let sorted = std::mem::take(rows).into_iter().take(limit);
                Ok(sorted.map(|row| row.cells).collect())
            }
        }
    }
}

impl SortedRow {
    fn bytes(&self) -> usize {
        let cells: usize = self.cells.iter().flatten().map(Vec::len).sum();
        size_of::<Self>() + self.prefix.len() + size_of_val(&*self.cells) + cells
    }
}

/// The part of a clustering key that holds these columns, the first of it.
fn prefix<'a>(columns: &[(Type, Order)], clustering: &'a [u8]) -> &'a [u8] {
    let (mut rest, mut value) = (clustering, Vec::new());
    for (ty, order) in columns {
        // Keys were checked when they came in; one that is damaged sorts as it is.
        if clustering::take(ty, *order, &mut rest, &mut value).is_err() {
            return clustering;
        }
        value.clear();
    }
    &clustering[..clustering.len() - rest.len()]
}

/// The one row of a group: results of aggregates, and of the first row what is none.
fn group_row(
    selection: &Selection,
    bindings: &Bindings<'_>,
    results: &[Option<Vec<u8>>],
    first: Option<&[Expression]>,
) -> Result<Cells, Error> {
    let row = Row {
        key: &[],
        clustering: None,
        image: None,
        static_image: None,
    };
    let scope = Scope {
        row: &row,
        values: &Values::default(),
        bindings,
        aggregates: results,
    };
    let cell = |(index, column): (usize, &ResultColumn)| {
        // Without any row, what is no aggregate is null.
        let expression = match first {
            Some(first) => first.get(index),
            None => Some(&column.expression).filter(|expression| expression.has_aggregate()),
        };
        match expression {
            Some(expression) => Ok(scope.value(expression)?.map(Cow::into_owned)),
            None => Ok(None),
        }
    };
    selection.columns.iter().enumerate().map(cell).collect()
}

fn cells(selection: &Selection, scope: &Scope<'_, '_>) -> Result<Cells, Error> {
    let cell = |column: &ResultColumn| Ok(scope.value(&column.expression)?.map(Cow::into_owned));
    selection.columns.iter().map(cell).collect()
}

fn refuse_too_many(bytes: usize) -> Result<(), Error> {
    if bytes <= SORT_BYTES_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "ORDER BY with IN on the partition key would sort more than {} MiB in memory; use a LIMIT or sort client side",
        SORT_BYTES_MAX >> 20
    )))
}
