//! Where a page ends and the next one goes on.

use coordinator::paging::State;
use model::read::{Limits, Position};

use crate::bind::{Bindings, Bound};
use crate::error::Error;
use crate::select::{Plan, Request};
use crate::term;

/// The limits of one page and of the whole result.
#[derive(Clone, Debug)]
pub struct Page {
    /// Rows on this page; `u64::MAX` for a request that is not paged.
    pub rows: u64,
    /// Rows left of LIMIT.
    pub rows_left: u64,
    /// LIMIT of a result that is sorted after all its rows were read.
    pub sorted_rows: u64,
    /// Rows per partition.
    pub per_partition: u64,
    /// Where the last page ended.
    pub resume: Option<Position>,
}

impl Page {
    /// The page that a request asks for.
    pub fn of(
        plan: &Plan,
        bindings: &Bindings<'_>,
        request: &Request,
        paging_state: Option<&[u8]>,
    ) -> Result<Page, Error> {
        let in_all = limit(plan.limit.as_ref(), bindings)?;
        let per_partition = limit(plan.per_partition_limit.as_ref(), bindings)?;
        let whole = plan.selection.is_aggregate() || plan.sorted.is_some();
        if plan.sorted.is_some() && request.page_rows.is_some() {
            return Err(Error::invalid(
                "Cannot page queries with both ORDER BY and a IN restriction on the partition key; you must either remove the ORDER BY or the IN and sort client side, or disable paging for this query",
            ));
        }
        let rows = match request.page_rows {
            Some(rows) if !whole => u64::from(rows),
            _ => u64::MAX,
        };
        let mut page = Page {
            rows,
            rows_left: in_all,
            sorted_rows: u64::MAX,
            per_partition,
            resume: None,
        };
        if let Some(bytes) = paging_state {
            let state = State::decode(bytes).map_err(|error| Error::Protocol(error.to_string()))?;
            // An answer that needs all rows has one page, so no state can be its own.
            if whole || state.statement != request.statement || state.table != plan.table.id {
                return Err(Error::Protocol(
                    "Invalid value for the paging state: it belongs to another statement".into(),
                ));
            }
            page.rows_left = state.rows_left;
            page.resume = Some(state.position);
        }
        if whole {
            // LIMIT counts result rows, so all rows must be read.
            page.rows_left = u64::MAX;
            page.sorted_rows = if plan.sorted.is_some() {
                in_all
            } else {
                u64::MAX
            };
        }
        Ok(page)
    }

    /// The limits for the read: one row more than the page, to see whether another page follows.
    pub fn limits(&self) -> Limits {
        let rows = self.rows.saturating_add(1).min(self.rows_left);
        Limits {
            rows,
            per_partition: self.per_partition,
            bytes: u64::MAX,
        }
    }

    /// The state after `returned` rows, the last of them at `position`.
    pub fn next(
        &self,
        statement: [u8; 16],
        table: model::TableId,
        position: Position,
        returned: u64,
    ) -> State {
        let rows_left = if self.rows_left == u64::MAX {
            u64::MAX
        } else {
            self.rows_left - returned
        };
        State {
            statement,
            table,
            position,
            rows_left,
            opaque: Vec::new(),
        }
    }
}

/// The value of LIMIT or PER PARTITION LIMIT, refused in the same words; `u64::MAX` without one.
pub fn limit(plan: Option<&term::Plan>, bindings: &Bindings<'_>) -> Result<u64, Error> {
    let Some(plan) = plan else {
        return Ok(u64::MAX);
    };
    let rows = match plan.evaluate(bindings)? {
        Bound::Unset => return Ok(u64::MAX),
        Bound::Null => return Err(Error::invalid("Invalid null value of limit")),
        value => types::value::number::int32(value.bytes().unwrap_or_default())
            .ok_or_else(|| Error::invalid("Invalid limit value"))?,
    };
    match u64::try_from(rows) {
        Ok(rows) if rows > 0 => Ok(rows),
        _ => Err(Error::invalid("LIMIT must be strictly positive")),
    }
}
