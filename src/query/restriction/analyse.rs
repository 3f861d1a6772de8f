//! From gathered relations to keys, ranges and a filter.

use std::collections::BTreeSet;

use cql::tree::Relation;
use schema::Table;
use schema::table::{Column, ColumnKind};

use crate::error::Error;
use crate::restriction::clustering::{ClusteringPlan, Range, RangeBound, Step};
use crate::restriction::collect::{Collected, Collector, OnColumn, column};
use crate::restriction::filter::{FilterPlan, Operator, Target};
use crate::restriction::key::{KeyPlan, TokenRange};
use crate::restriction::values::{TuplePlan, Values};
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

/// What the relations mean for a statement on `table`.
pub fn analyse(
    table: &Table,
    relations: &[Relation],
    purpose: Purpose,
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
    refuse_other_columns(table, &found, purpose)?;
    let mut filter = std::mem::take(&mut found.filters);
    let (keys, key_filters) = partition_key(table, &mut found, purpose)?;
    let whole_keys = matches!(keys, KeyPlan::Points(_));
    filter.extend(key_filters);
    let (clustering, row_filters) = clustering(table, &mut found, purpose)?;
    filter.extend(row_filters);
    for column in table.statics.iter().chain(&table.regulars) {
        if let Some(on) = found.columns.remove(&*column.name) {
            filter.extend(filters(column, on));
        }
    }
    let needs_filtering = !filter.is_empty() || (!clustering.is_empty() && !whole_keys);
    if let Purpose::Select {
        allow_filtering: false,
    } = purpose
        && needs_filtering
    {
        return Err(Error::invalid(NEEDS_FILTERING));
    }
    Ok(Restrictions {
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
    purpose: Purpose,
) -> Result<(KeyPlan, Vec<FilterPlan>), Error> {
    let restricted: Vec<&Column> = table
        .partition_key
        .iter()
        .filter(|column| found.columns.contains_key(&*column.name))
        .collect();
    if let Some(tokens) = found.tokens.take() {
        if let Some(column) = restricted.first() {
            return Err(Error::invalid(format!(
                "Columns \"{}\" cannot be restricted by both a normal relation and a token relation",
                column.name
            )));
        }
        if !purpose.is_select() {
            return Err(only_equal_and_in(&format!(
                " for {} statements",
                purpose.statement()
            )));
        }
        return Ok((KeyPlan::Tokens(tokens), Vec::new()));
    }
    let complete = restricted.len() == table.partition_key.len();
    let all_equal = restricted
        .iter()
        .all(|column| found.columns[&*column.name].equal.is_some());
    if complete && all_equal {
        let values = table
            .partition_key
            .iter()
            .map(|column| found.columns.remove(&*column.name).and_then(|on| on.equal))
            .collect::<Option<Vec<Values>>>();
        let values = values
            .ok_or_else(|| Error::Server("a partition key column lost its relation".into()))?;
        return Ok((KeyPlan::Points(values), Vec::new()));
    }
    if !purpose.is_select() {
        return Err(incomplete_key(table, &restricted, purpose));
    }
    if !all_equal
        && purpose
            == (Purpose::Select {
                allow_filtering: false,
            })
    {
        return Err(only_equal_and_in(""));
    }
    let mut rest = Vec::new();
    for column in &table.partition_key {
        if let Some(on) = found.columns.remove(&*column.name) {
            rest.extend(filters(column, on));
        }
    }
    Ok((KeyPlan::Tokens(TokenRange::default()), rest))
}

fn only_equal_and_in(what_for: &str) -> Error {
    Error::invalid(format!(
        "Only EQ and IN relation are supported on the partition key (unless you use the token() function){what_for}"
    ))
}

fn incomplete_key(table: &Table, restricted: &[&Column], purpose: Purpose) -> Error {
    if restricted.len() == table.partition_key.len() {
        return only_equal_and_in(&format!(" for {} statements", purpose.statement()));
    }
    let missing: Vec<&str> = table
        .partition_key
        .iter()
        .filter(|column| !restricted.iter().any(|other| other.name == column.name))
        .map(|column| &*column.name)
        .collect();
    Error::invalid(format!(
        "Some partition key parts are missing: {}",
        missing.join(", ")
    ))
}

/// The clustering ranges, and what must be filtered of the columns behind a gap.
fn clustering(
    table: &Table,
    found: &mut Collected,
    purpose: Purpose,
) -> Result<(ClusteringPlan, Vec<FilterPlan>), Error> {
    let mut plan = ClusteringPlan::default();
    let mut position = 0;
    while let Some(column) = table.clustering.get(position) {
        if let Some(tuple) = found.tuples.remove(&position) {
            if let Some((count, tuples)) = tuple.equal {
                position += count;
                plan.steps.push(Step::Tuple(count, tuples));
                continue;
            }
            plan.range = Some(Range {
                lower: tuple.lower,
                upper: tuple.upper,
            });
            break;
        }
        let Some(on) = found.columns.remove(&*column.name) else {
            break;
        };
        match on.equal {
            Some(values) => plan.steps.push(Step::Column(values)),
            None => {
                plan.range = Some(Range {
                    lower: on.lower.map(single),
                    upper: on.upper.map(single),
                });
                break;
            }
        }
        position += 1;
    }
    let rest = behind_the_gap(table, found, &plan, purpose)?;
    Ok((plan, rest))
}

fn single((plan, inclusive): (crate::term::Plan, bool)) -> RangeBound {
    RangeBound {
        columns: 1,
        values: TuplePlan::Components(vec![plan]),
        inclusive,
    }
}

/// Relations on clustering columns that no range can answer.
fn behind_the_gap(
    table: &Table,
    found: &mut Collected,
    plan: &ClusteringPlan,
    purpose: Purpose,
) -> Result<Vec<FilterPlan>, Error> {
    let filters_allowed = purpose
        == (Purpose::Select {
            allow_filtering: true,
        });
    if let Some(position) = found.tuples.keys().next() {
        let name = &table.clustering[*position].name;
        return Err(Error::invalid(format!(
            "Clustering column \"{name}\" cannot be restricted by a multi-column relation here: the columns before it must be restricted by EQ or IN"
        )));
    }
    let mut rest = Vec::new();
    for column in &table.clustering {
        let Some(on) = found.columns.remove(&*column.name) else {
            continue;
        };
        if !filters_allowed {
            return Err(unusable(table, column, plan));
        }
        rest.extend(filters(column, on));
    }
    Ok(rest)
}

fn unusable(table: &Table, column: &Column, plan: &ClusteringPlan) -> Error {
    let fixed = plan.fixed_columns();
    let before = &table.clustering[fixed.min(table.clustering.len() - 1)].name;
    if plan.range.is_some() {
        Error::invalid(format!(
            "Clustering column \"{}\" cannot be restricted (preceding column \"{before}\" is restricted by a non-EQ relation)",
            column.name
        ))
    } else {
        Error::invalid(format!(
            "PRIMARY KEY column \"{}\" cannot be restricted as preceding column \"{before}\" is not restricted",
            column.name
        ))
    }
}

/// The relations on one column as filters.
fn filters(column: &Column, on: OnColumn) -> Vec<FilterPlan> {
    let target = || Target::of(column);
    let mut filters = Vec::new();
    if let Some(values) = on.equal {
        let operator = if values.is_one() {
            Operator::Equal
        } else {
            Operator::In
        };
        filters.push(FilterPlan {
            target: target(),
            operator,
            values,
        });
    }
    if let Some((plan, inclusive)) = on.lower {
        let operator = if inclusive {
            Operator::GreaterOrEqual
        } else {
            Operator::Greater
        };
        filters.push(FilterPlan {
            target: target(),
            operator,
            values: Values::One(plan),
        });
    }
    if let Some((plan, inclusive)) = on.upper {
        let operator = if inclusive {
            Operator::LessOrEqual
        } else {
            Operator::Less
        };
        filters.push(FilterPlan {
            target: target(),
            operator,
            values: Values::One(plan),
        });
    }
    filters
}

/// A modification of rows needs every clustering column; a kind other than regular is told by name.
pub fn missing_clustering(table: &Table, plan: &ClusteringPlan) -> Option<String> {
    let fixed = plan.fixed_columns();
    if fixed >= table.clustering.len() {
        return None;
    }
    debug_assert!(
        table
            .clustering
            .iter()
            .all(|column| column.kind == ColumnKind::Clustering)
    );
    let names: Vec<&str> = table.clustering[fixed..]
        .iter()
        .map(|column| &*column.name)
        .collect();
    Some(names.join(", "))
}
