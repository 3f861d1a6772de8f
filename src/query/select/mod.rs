//! SELECT: from the statement to a plan, from the plan to pages of result rows.
//!
//! 1. [`plan`] binds names, analyses WHERE and ORDER BY, and fixes the result's metadata.
//! 2. [`Execution`] is one execution: it reads row after row, writes cells straight into the answer,
//!    and can stop at any row to go on in a later turn.
//! 3. [`paging`] says where the next page goes on.

mod buffers;
mod execution;
mod gathered;
mod order;
mod paging;
mod plan;

use std::sync::Arc;

use model::Columns;
use protocol::result::Metadata;
use schema::Table;

pub use buffers::Buffers;
pub use execution::{Choice, Execution, Progress, Request};
pub use plan::plan;

use crate::restriction::Restrictions;
use crate::selector::Selection;
use crate::term;

/// A planned SELECT.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The table as it was planned against.
    pub table: Arc<Table>,
    /// What is computed.
    pub selection: Selection,
    /// What of a row must be known.
    pub columns: Columns,
    /// Whether a column of one cell per element is among what is computed.
    pub has_many_cells: bool,
    /// Which rows.
    pub restrictions: Restrictions,
    /// Whether rows come against the table's order.
    pub reversed: bool,
    /// By how many leading clustering columns rows of several partitions are brought into one order.
    pub sorted: Option<usize>,
    /// `DISTINCT`
    pub distinct: bool,
    /// `LIMIT`
    pub limit: Option<term::Plan>,
    /// `PER PARTITION LIMIT`
    pub per_partition_limit: Option<term::Plan>,
    /// The result's columns, as clients are told.
    pub metadata: Metadata,
}
