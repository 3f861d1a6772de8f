//! ORDER BY: the table's own order, or its reverse; nothing else is stored.

use cql::tree::{Direction, Ordering, Select};
use schema::Table;
use schema::table::{ColumnKind, Order};

use crate::error::Error;
use crate::restriction::{self, ClusteringPlan, KeyPlan, Restrictions};

/// What ORDER BY comes to.
pub struct Sorting {
    /// Whether rows come in reverse.
    pub reversed: bool,
    /// How many leading clustering columns it speaks of; rows that are equal in these stay in the
    /// order of their partitions.
    pub columns: usize,
}

/// The order that ORDER BY asks for, if there is one.
pub fn plan(
    table: &Table,
    select: &Select,
    restrictions: &Restrictions,
) -> Result<Option<Sorting>, Error> {
    let Some(first) = select.order_by.first() else {
        return Ok(None);
    };
    if first.nearest_to.is_some() {
        return Err(Error::unsupported("ORDER BY ... ANN OF"));
    }
    if !matches!(restrictions.keys, KeyPlan::Points(_)) {
        return Err(Error::invalid(
            "ORDER BY is only supported when the partition key is restricted by an EQ or an IN.",
        ));
    }
    let mut reversed = None;
    let mut position = 0;
    for ordering in &select.order_by {
        let column = restriction::column(table, &ordering.column.text)
            .map_err(|error| error.at(ordering.column.span))?;
        if column.kind != ColumnKind::Clustering {
            return Err(Error::invalid(format!(
                "Order by is currently only supported on the clustered columns of the PRIMARY KEY, got {}",
                column.name
            )));
        }
        // Columns that are fixed by = have no order of their own and may be left out.
        while position < usize::from(column.position)
            && is_fixed(&restrictions.clustering, position)
        {
            position += 1;
        }
        if position != usize::from(column.position) {
            return Err(Error::invalid(
                "Ordering by clustered columns must follow the declared order in the PRIMARY KEY",
            ));
        }
        let against = is_against(ordering, column.order);
        if *reversed.get_or_insert(against) != against {
            return Err(Error::invalid("Unsupported order by relation"));
        }
        position += 1;
    }
    Ok(Some(Sorting {
        reversed: reversed.unwrap_or(false),
        columns: position,
    }))
}

fn is_fixed(clustering: &ClusteringPlan, position: usize) -> bool {
    let mut first = 0;
    for step in &clustering.steps {
        let behind = first + step.columns();
        if position < behind {
            return step.is_equal();
        }
        first = behind;
    }
    false
}

fn is_against(ordering: &Ordering, order: Order) -> bool {
    (ordering.direction == Direction::Descending) != (order == Order::Desc)
}
