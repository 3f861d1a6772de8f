//! What storage follows: the schema and the truncations that the cluster agreed on, at one epoch of the metadata log.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{TableId, Timestamp};
use schema::Catalog;

/// When each table was truncated last.
pub type Truncations = BTreeMap<TableId, Timestamp>;

/// What storage follows, at one epoch.
///
/// The manifest names the newest epoch that was followed: at a start with an older one, tables made since would be
/// taken for dropped.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// How many changes they come from. A later one is never below an earlier one.
    pub epoch: u64,
    /// The tables.
    pub catalog: &'a Arc<Catalog>,
    /// From when on a table's rows count.
    pub truncations: &'a Truncations,
}
