//! From gathered relations to keys, ranges and a filter.

use std::collections::BTreeSet;

use cql::tree::Relation;
use schema::Table;
use schema::table::Column;

use crate::error::Error;
use crate::restriction::clustering::ClusteringPlan;
use crate::restriction::collect::{Collected, Collector, OnColumn, column};
use crate::restriction::filter::{FilterPlan, Operator, Target};
use crate::restriction::key::{KeyPlan, TokenRange};
use crate::restriction::ranges;
use crate::restriction::values::Values;
use crate::restriction::{NEEDS_FILTERING, Restrictions};
use crate::term::Planner;

/// What the WHERE clause is for: a modification must name its rows exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// SELECT, and whether it says ALLOW FILTERING.
    Select {
        /// `ALLOW FILTERING`
        allow_filtering: bool,
    },
    /// UPDATE: whole rows, or whole partitions if only static columns are set.
    Update,
    /// DELETE: partitions, ranges or rows.
    Delete,
}

impl Purpose {
    /// Whether conditions may be left to a look at each row.
    pub fn allows_filtering(self) -> bool {
        self == (Purpose::Select {
            allow_filtering: true,
        })
    }

    fn is_select(self) -> bool {
        matches!(self, Purpose::Select { .. })
    }

    fn statement(self) -> &'static str {
        match self {
            Purpose::Select { .. } => "SELECT",
            Purpose::Update => "UPDATE",
            Purpose::Delete => "DELETE",
        }
    }
}

/// What the relations mean for a statement on `table`. With `only_statics` the statement is about
/// nothing but static columns, so that clustering columns have no business in it.
pub fn analyse(
    table: &Table,
    relations: &[Relation],
    purpose: Purpose,
    only_statics: bool,
    planner: &mut Planner<'_>,
) -> Result<Restrictions, Error> {
    let mut collector = Collector {
        table,
        planner,
        found: Collected::default(),
    };
    for relation in relations {
        collector.add(relation)?;
    }
    let mut found = collector.found;
    let tokens = found.tokens.take();
    let (keys, key_filters) = partition_key(table, &mut found, tokens.as_ref(), purpose)?;
    if only_statics && on_clustering(table, &found) {
        return Err(statics_have_no_rows(purpose));
    }
    let (clustering, row_filters) = clustering(table, &mut found, purpose)?;
    refuse_other_columns(table, &found, purpose)?;
    let mut filter = std::mem::take(&mut found.filters);
    filter.extend(key_filters);
    filter.extend(row_filters);
    for column in table.statics.iter().chain(&table.regulars) {
        if let Some(on) = found.columns.remove(&*column.name) {
            filter.extend(filters(column, on));
        }
    }
    let whole_keys = matches!(keys, KeyPlan::Points(_));
    let needs_filtering = !filter.is_empty() || (!clustering.is_empty() && !whole_keys);
    if purpose.is_select() && !purpose.allows_filtering() && needs_filtering {
        return Err(Error::invalid(NEEDS_FILTERING));
    }
    Ok(Restrictions {
        within: if whole_keys { tokens } else { None },
        keys,
        clustering,
        filter,
    })
}

/// A modification's WHERE names key columns only.
fn refuse_other_columns(table: &Table, found: &Collected, purpose: Purpose) -> Result<(), Error> {
    if purpose.is_select() {
        return Ok(());
    }
    let mut others: BTreeSet<&str> = BTreeSet::new();
    for name in found.columns.keys() {
        if !column(table, name)?.is_key() {
            others.insert(name);
        }
    }
    others.extend(
        found
            .filters
            .iter()
            .map(|filter| filter.target.column_name()),
    );
    if others.is_empty() {
        return Ok(());
    }
    let others: Vec<&str> = others.into_iter().collect();
    Err(Error::invalid(format!(
        "Non PRIMARY KEY columns found in where clause: {} ",
        others.join(", ")
    )))
}

/// The partitions, and what must be filtered of a partition key that is restricted in part.
fn partition_key(
    table: &Table,
    found: &mut Collected,
    tokens: Option<&TokenRange>,
    purpose: Purpose,
) -> Result<(KeyPlan, Vec<FilterPlan>), Error> {
    if !purpose.is_select() {
        check_modified_key(table, found, tokens.is_some(), purpose)?;
    }
    let is_point = |column: &Column| {
        let on = found.columns.get(&*column.name);
        on.is_some_and(|on| on.equal.is_some())
    };
    if table.partition_key.iter().all(is_point) {
        let values = table
            .partition_key
            .iter()
            .filter_map(|column| found.columns.remove(&*column.name)?.equal)
            .collect();
        return Ok((KeyPlan::Points(values), Vec::new()));
    }
    let mut rest = Vec::new();
    for column in &table.partition_key {
        if let Some(on) = found.columns.remove(&*column.name) {
            rest.extend(filters(column, on));
        }
    }
    Ok((KeyPlan::Tokens(tokens.cloned().unwrap_or_default()), rest))
}

/// A modification names its partitions by `=` or `IN` on every column of the key.
fn check_modified_key(
    table: &Table,
    found: &Collected,
    on_token: bool,
    purpose: Purpose,
) -> Result<(), Error> {
    let statement = purpose.statement();
    if on_token {
        return Err(Error::invalid(format!(
            "The token function cannot be used in WHERE clauses for {statement} statements"
        )));
    }
    let missing: Vec<&str> = table
        .partition_key
        .iter()
        .map(|column| &*column.name)
        .filter(|name| !found.columns.contains_key(*name))
        .collect();
    if !missing.is_empty() {
        return Err(Error::invalid(format!(
            "Some partition key parts are missing: {}",
            missing.join(", ")
        )));
    }
    let is_range = |column: &Column| found.columns[&*column.name].equal.is_none();
    if table.partition_key.iter().any(is_range) {
        return Err(Error::invalid(format!(
            "Only EQ and IN relation are supported on the partition key (unless you use the token() function) for {statement} statements"
        )));
    }
    Ok(())
}

fn on_clustering(table: &Table, found: &Collected) -> bool {
    let mut names = table.clustering.iter().map(|column| &*column.name);
    !found.tuples.is_empty() || names.any(|name| found.columns.contains_key(name))
}

fn statics_have_no_rows(purpose: Purpose) -> Error {
    Error::invalid(match purpose {
        Purpose::Select { .. } => {
            "Cannot restrict clustering columns when selecting only static columns".to_string()
        }
        other => format!(
            "Invalid restrictions on clustering columns since the {} statement modifies only static columns",
            other.statement()
        ),
    })
}

/// The clustering ranges, and what must be filtered of the columns behind a gap.
fn clustering(
    table: &Table,
    found: &mut Collected,
    purpose: Purpose,
) -> Result<(ClusteringPlan, Vec<FilterPlan>), Error> {
    let names_rows = on_clustering(table, found);
    let plan = ranges::plan(table, found)?;
    if purpose == Purpose::Update && plan.range.is_some() {
        return Err(Error::invalid(
            "Slice restrictions are not supported on the clustering columns in UPDATE statements",
        ));
    }
    if purpose == Purpose::Update && names_rows {
        refuse_unrestricted(table, found, &plan)?;
    }
    let rest = ranges::behind_the_gap(table, found, &plan, purpose)?;
    let contains = |filter: &FilterPlan| {
        let named = |column: &Column| *column.name == *filter.target.column_name();
        table.clustering.iter().any(named)
    };
    if purpose.is_select() && !purpose.allows_filtering() && found.filters.iter().any(contains) {
        return Err(Error::invalid(
            "Clustering columns can only be restricted with CONTAINS with a secondary index or filtering",
        ));
    }
    Ok((plan, rest))
}

/// An UPDATE of rows names each clustering column, also behind a gap.
fn refuse_unrestricted(
    table: &Table,
    found: &Collected,
    plan: &ClusteringPlan,
) -> Result<(), Error> {
    let in_tuple = |position: usize| {
        let mut tuples = found.tuples.iter();
        tuples.any(|(first, tuple)| (*first..first + tuple.columns()).contains(&position))
    };
    let is_open = |(position, column): &(usize, &Column)| {
        !found.columns.contains_key(&*column.name) && !in_tuple(*position)
    };
    let behind = table
        .clustering
        .iter()
        .enumerate()
        .skip(plan.fixed_columns());
    let open: Vec<&str> = behind
        .filter(is_open)
        .map(|(_, column)| &*column.name)
        .collect();
    match open.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid(format!(
            "Some clustering keys are missing: {}",
            open.join(", ")
        ))),
    }
}

/// The relations on one column as filters.
pub fn filters(column: &Column, on: OnColumn) -> Vec<FilterPlan> {
    let filter = |operator: Operator, values: Values| FilterPlan {
        target: Target::of(column),
        operator,
        values,
    };
    let equal = on.equal.map(|values| match values.is_one() {
        true => filter(Operator::Equal, values),
        false => filter(Operator::In, values),
    });
    let lower = on.lower.map(|(plan, inclusive)| match inclusive {
        true => filter(Operator::GreaterOrEqual, Values::One(plan)),
        false => filter(Operator::Greater, Values::One(plan)),
    });
    let upper = on.upper.map(|(plan, inclusive)| match inclusive {
        true => filter(Operator::LessOrEqual, Values::One(plan)),
        false => filter(Operator::Less, Values::One(plan)),
    });
    [equal, lower, upper].into_iter().flatten().collect()
}

/// The clustering columns that a modification of rows leaves open, if there are any.
pub fn missing_clustering(table: &Table, plan: &ClusteringPlan) -> Option<String> {
    let open = table.clustering.get(plan.fixed_columns()..)?;
    let names: Vec<&str> = open.iter().map(|column| &*column.name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
