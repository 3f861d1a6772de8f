//! INSERT, UPDATE, DELETE and BATCH: from statements to mutations.
//!
//! 1. [`plan`] checks a statement once: which key columns are given, what happens to which column.
//! 2. [`Plan::execute`] encodes the mutations of one execution straight into the turn's frame:
//!    one mutation per partition, one row image per row, no tree of values in between.
//! 3. What must read before it writes (lists by index or by value) is found out first, behind the
//!    partition's queue: [`lists`].

mod assign;
mod batch;
mod execute;
pub mod lists;
mod operation;
mod path;
mod plan;

use std::collections::BTreeSet;
use std::sync::Arc;

use model::ColumnId;
use schema::Table;
use types::Type;

pub use batch::{Batch, Written};
pub use execute::{Context, Scratch, out_of_bound};
pub use operation::{Action, Operation};
pub use path::of as path;
pub use plan::plan;

use crate::restriction::ClusteringPlan;
use crate::restriction::values::Values;
use crate::term;

/// A planned INSERT, UPDATE or DELETE.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The table as it was planned against.
    pub table: Arc<Table>,
    /// The partition key, by column.
    pub keys: Vec<Values>,
    /// The rows.
    pub clustering: ClusteringPlan,
    /// What happens to them.
    pub effect: Effect,
    /// `USING TIMESTAMP`
    pub timestamp: Option<term::Plan>,
    /// `USING TTL`
    pub time_to_live: Option<term::Plan>,
}

/// What a modification does.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Sets or deletes cells.
    Cells {
        /// Whether the row exists from now on even if all its cells are null: INSERT.
        marks_row: bool,
        /// What happens to static columns.
        statics: Vec<Operation>,
        /// What happens to regular columns.
        regulars: Vec<Operation>,
    },
    /// Deletes the whole partition.
    DeletePartition,
    /// Deletes single rows.
    DeleteRows,
    /// Deletes ranges of rows.
    DeleteRanges,
}

impl Plan {
    /// Whether the present value of a list must be read first.
    pub fn needs_read(&self) -> bool {
        !self.lists_of_statics().is_empty() || !self.lists_of_rows().is_empty()
    }

    /// The lists among the static columns that must be read first.
    pub fn lists_of_statics(&self) -> BTreeSet<ColumnId> {
        match &self.effect {
            Effect::Cells { statics, .. } => lists(statics),
            _ => BTreeSet::new(),
        }
    }

    /// The lists among the regular columns that must be read first.
    pub fn lists_of_rows(&self) -> BTreeSet<ColumnId> {
        match &self.effect {
            Effect::Cells { regulars, .. } => lists(regulars),
            _ => BTreeSet::new(),
        }
    }

    /// Whether elements may be added to lists.
    pub fn adds_to_lists(&self) -> bool {
        self.changes(|ty| matches!(ty, Type::List { .. }) && ty.is_multi_cell())
    }

    /// Whether it may make a cell for each element of a collection.
    pub fn makes_many_cells(&self) -> bool {
        self.changes(Type::is_multi_cell)
    }

    /// Whether it changes a column of such a type.
    fn changes(&self, is_such: impl Fn(&Type) -> bool) -> bool {
        let Effect::Cells {
            statics, regulars, ..
        } = &self.effect
        else {
            return false;
        };
        let mut operations = statics.iter().chain(regulars);
        operations.any(|operation| is_such(&operation.column.ty))
    }
}

fn lists(operations: &[Operation]) -> BTreeSet<ColumnId> {
    let read = operations
        .iter()
        .filter(|operation| operation.action.needs_read());
    read.map(|operation| operation.column.id).collect()
}
