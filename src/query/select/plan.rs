//! Planning a SELECT, in Cassandra's order of refusals.

use std::collections::BTreeSet;
use std::sync::Arc;

use cql::tree::{Select, Term};
use model::{ColumnId, Columns};
use protocol::result::{ColumnSpec, Metadata};
use schema::Table;
use schema::table::ColumnKind;
use types::Type;

use crate::error::Error;
use crate::marker::Receiver;
use crate::restriction::{self, FilterPlan, KeyPlan, Purpose, Restrictions};
use crate::select::{Plan, order};
use crate::selector::{self, Selection};
use crate::term::{self, Planner};

/// Plans a SELECT from `table`.
pub fn plan(table: &Arc<Table>, select: &Select, planner: &mut Planner<'_>) -> Result<Plan, Error> {
    if select.json {
        return Err(Error::unsupported("SELECT JSON"));
    }
    if !select.group_by.is_empty() {
        return Err(Error::unsupported("GROUP BY"));
    }
    let selection = selector::plan(table, select, planner)?;
    let purpose = Purpose::Select {
        allow_filtering: select.allow_filtering,
    };
    let only_statics = only_statics(&selection);
    let restrictions =
        restriction::analyse(table, &select.relations, purpose, only_statics, planner)?;
    if select.distinct {
        let on_rows = |filter: &FilterPlan| filter.target.is_of_rows();
        if !restrictions.clustering.is_empty() || restrictions.filter.iter().any(on_rows) {
            return Err(Error::invalid(
                "SELECT DISTINCT with WHERE clause only supports restriction by partition key and/or static columns.",
            ));
        }
        check_distinct(table, select, &selection, &restrictions)?;
    }
    if select.per_partition_limit.is_some() && selection.is_aggregate() {
        return Err(Error::invalid(
            "PER PARTITION LIMIT is not allowed with aggregate queries.",
        ));
    }
    let order = order::plan(table, select, &restrictions)?;
    let reversed = order.as_ref().is_some_and(|order| order.reversed);
    let sorted = order.filter(|_| restrictions.keys.is_several());
    Ok(Plan {
        table: table.clone(),
        metadata: metadata(table, &selection),
        sorted: sorted.map(|order| order.columns),
        columns: columns(table, &selection, &restrictions),
        has_many_cells: selection.fetch.has_many_cells(),
        selection,
        restrictions,
        reversed,
        distinct: select.distinct,
        per_partition_limit: limit(
            select.per_partition_limit.as_ref(),
            "[per_partition_limit]",
            planner,
        )?,
        limit: limit(select.limit.as_ref(), "[limit]", planner)?,
    })
}

/// What is selected or filtered by. Whether rows live may depend on others, which is the reader's concern.
fn columns(table: &Table, selection: &Selection, restrictions: &Restrictions) -> Columns {
    let filtered = restrictions.filter.iter().map(|filter| filter.target.id());
    let wanted: BTreeSet<ColumnId> = selection.fetch.ids().chain(filtered).collect();
    let mut all = table.statics.iter().chain(&table.regulars);
    match all.all(|column| wanted.contains(&column.id)) {
        true => Columns::All,
        false => Columns::only(wanted),
    }
}

fn limit(
    term: Option<&Term>,
    name: &str,
    planner: &mut Planner<'_>,
) -> Result<Option<term::Plan>, Error> {
    term.map(|term| planner.plan(term, &Receiver::new(name, Type::Int)))
        .transpose()
}

fn metadata(table: &Table, selection: &Selection) -> Metadata {
    let spec = |column: &selector::ResultColumn| ColumnSpec {
        keyspace: table.keyspace.clone(),
        table: table.name.clone(),
        name: column.name.clone(),
        ty: column.ty.clone(),
    };
    Metadata::new(selection.columns.iter().map(spec).collect())
}

/// Whether static columns are read, and beside them at most columns of the partition key.
fn only_statics(selection: &Selection) -> bool {
    let fetch = &selection.fetch;
    fetch.has_kind(ColumnKind::Static)
        && !fetch.has_kind(ColumnKind::Clustering)
        && !fetch.has_kind(ColumnKind::Regular)
}

/// DISTINCT selects whole partition keys and static columns.
fn check_distinct(
    table: &Table,
    select: &Select,
    selection: &Selection,
    restrictions: &Restrictions,
) -> Result<(), Error> {
    if select.per_partition_limit.is_some() {
        return Err(Error::invalid(
            "PER PARTITION LIMIT is not allowed with SELECT DISTINCT queries",
        ));
    }
    if let Some(name) = selection
        .fetch
        .first_of(&[ColumnKind::Clustering, ColumnKind::Regular], table)
    {
        return Err(Error::invalid(format!(
            "SELECT DISTINCT queries must only request partition key columns and/or static columns (not {name})"
        )));
    }
    // Whoever names the partitions gets one row for each, whatever is selected.
    if matches!(restrictions.keys, KeyPlan::Points(_)) {
        return Ok(());
    }
    let mut key = table.partition_key.iter();
    match key.find(|column| !selection.fetch.has(column)) {
        Some(missing) => Err(Error::invalid(format!(
            "SELECT DISTINCT queries must request all the partition key columns (missing {})",
            missing.name
        ))),
        None => Ok(()),
    }
}
