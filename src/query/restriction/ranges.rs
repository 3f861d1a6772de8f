//! Which of the gathered relations on clustering columns make byte ranges, and which are left.
//!
//! From the first column on, `=` and `IN` fix columns; the first range ends the plan. What is on
//! later columns can only be filtered.

use schema::Table;
use schema::table::Column;

use crate::error::Error;
use crate::restriction::analyse::{Purpose, filters};
use crate::restriction::clustering::{ClusteringPlan, Range, RangeBound, Step};
use crate::restriction::collect::{
    Collected, OnColumn, equality_and_inequality, more_than_one, two_bounds,
};
use crate::restriction::filter::{FilterPlan, Operator, Target};
use crate::restriction::several::OnTuple;
use crate::restriction::values::{TuplePlan, Tuples, Values};
use crate::term;

/// Takes out of `found` what the storage order can answer.
pub fn plan(table: &Table, found: &mut Collected) -> Result<ClusteringPlan, Error> {
    let mut plan = ClusteringPlan::default();
    let mut position = 0;
    while let Some(column) = table.clustering.get(position) {
        let single = found.columns.remove(&*column.name);
        let Some(tuple) = found.tuples.remove(&position) else {
            let Some(on) = single else { break };
            match on.equal {
                Some(values) => plan.steps.push(Step::Column(values)),
                None => {
                    plan.range = Some(Range {
                        lower: on.lower.map(one_column),
                        upper: on.upper.map(one_column),
                    });
                    break;
                }
            }
            position += 1;
            continue;
        };
        refuse_overlap(table, found, position, &tuple)?;
        let tuple = match single {
            Some(single) => joined(column, tuple, single)?,
            None => tuple,
        };
        let Some((count, tuples)) = tuple.equal else {
            plan.range = Some(Range {
                lower: tuple.lower,
                upper: tuple.upper,
            });
            break;
        };
        position += count;
        plan.steps.push(Step::Tuple(count, tuples));
    }
    Ok(plan)
}

fn one_column((plan, inclusive): (term::Plan, bool)) -> RangeBound {
    RangeBound {
        columns: 1,
        values: TuplePlan::Components(vec![plan]),
        inclusive,
    }
}

/// The bounds that `(a, b) > ..` and `a < ..` give together.
fn joined(column: &Column, mut tuple: OnTuple, single: OnColumn) -> Result<OnTuple, Error> {
    if let Some((_, tuples)) = &tuple.equal {
        let is_equal = matches!(tuples, Tuples::One(_));
        return Err(more_than_one(&column.name, is_equal));
    }
    if single.equal.is_some() {
        return Err(equality_and_inequality(&column.name));
    }
    let sides = [
        (&mut tuple.lower, single.lower, true),
        (&mut tuple.upper, single.upper, false),
    ];
    for (bound, other, is_lower) in sides {
        match (bound.is_some(), other) {
            (_, None) => {}
            (true, Some(_)) => return Err(two_bounds(&column.name, is_lower)),
            (false, other) => *bound = other.map(one_column),
        }
    }
    Ok(tuple)
}

/// Refuses relations on a tuple's later columns.
fn refuse_overlap(
    table: &Table,
    found: &Collected,
    first: usize,
    tuple: &OnTuple,
) -> Result<(), Error> {
    for position in first + 1..first + tuple.columns() {
        let name = &table.clustering[position].name;
        let single = found.columns.get(&**name);
        let other = found.tuples.get(&position);
        if single.is_none() && other.is_none() {
            continue;
        }
        if let Some((_, tuples)) = &tuple.equal {
            return Err(more_than_one(name, matches!(tuples, Tuples::One(_))));
        }
        let equal = single.is_some_and(|on| on.equal.is_some())
            || other.is_some_and(|on| on.equal.is_some());
        if equal {
            return Err(equality_and_inequality(name));
        }
        return Err(Error::invalid(format!(
            "Column \"{name}\" cannot be restricted by two inequalities not starting with the same column"
        )));
    }
    Ok(())
}

/// Relations on clustering columns that no range can answer, as filters.
pub fn behind_the_gap(
    table: &Table,
    found: &mut Collected,
    plan: &ClusteringPlan,
    purpose: Purpose,
) -> Result<Vec<FilterPlan>, Error> {
    let mut rest = Vec::new();
    for (position, column) in table.clustering.iter().enumerate() {
        let single = found.columns.remove(&*column.name);
        let tuple = found.tuples.remove(&position);
        if (single.is_some() || tuple.is_some()) && !purpose.allows_filtering() {
            return Err(unusable(table, column, plan));
        }
        rest.extend(single.map(|on| filters(column, on)).unwrap_or_default());
        if let Some(tuple) = tuple {
            rest.extend(tuple_filters(&table.clustering[position..], tuple)?);
        }
    }
    Ok(rest)
}

/// `(a, b) = (1, 2)` as one filter for each column.
fn tuple_filters(columns: &[Column], tuple: OnTuple) -> Result<Vec<FilterPlan>, Error> {
    match tuple.equal {
        None => Err(Error::invalid(
            "Multi-column slice restrictions cannot be used for filtering.",
        )),
        Some((_, Tuples::One(TuplePlan::Components(plans)))) => Ok(columns
            .iter()
            .zip(plans)
            .map(|(column, plan)| FilterPlan {
                target: Target::of(column),
                operator: Operator::Equal,
                values: Values::One(plan),
            })
            .collect()),
        Some((_, Tuples::One(TuplePlan::Whole(_)))) => {
            Err(Error::unsupported("Filtering by a bound tuple"))
        }
        Some((1, tuples)) => one_column_in(&columns[0], tuples).map(|filter| vec![filter]),
        Some(_) => Err(Error::invalid("Multicolumn IN filters are not supported")),
    }
}

/// `(a) IN ((1), (2))` as `a IN (1, 2)`.
fn one_column_in(column: &Column, tuples: Tuples) -> Result<FilterPlan, Error> {
    let Tuples::Listed(tuples) = tuples else {
        return Err(Error::unsupported("Filtering by bound tuples"));
    };
    let only = |tuple: TuplePlan| match tuple {
        TuplePlan::Components(mut plans) => plans.pop(),
        TuplePlan::Whole(_) => None,
    };
    let values = tuples.into_iter().map(only).collect::<Option<Vec<_>>>();
    let values = values.ok_or_else(|| Error::unsupported("Filtering by bound tuples"))?;
    Ok(FilterPlan {
        target: Target::of(column),
        operator: Operator::In,
        values: Values::Listed(values),
    })
}

fn unusable(table: &Table, column: &Column, plan: &ClusteringPlan) -> Error {
    let name = &column.name;
    let fixed = plan.fixed_columns().min(table.clustering.len() - 1);
    let before = &table.clustering[fixed].name;
    if plan.range.is_some() {
        Error::invalid(format!(
            "Clustering column \"{name}\" cannot be restricted (preceding column \"{before}\" is restricted by a non-EQ relation)"
        ))
    } else {
        Error::invalid(format!(
            "PRIMARY KEY column \"{name}\" cannot be restricted as preceding column \"{before}\" is not restricted"
        ))
    }
}
