//! The virtual tables of this node: which source computes the rows of which table.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::TableId;
use schema::virtual_table::Source;

/// Sources by the table they compute. It is complete before the first request.
#[derive(Clone, Default)]
pub struct Registry {
    sources: BTreeMap<TableId, Arc<dyn Source>>,
}

impl Registry {
    /// The sources given, by table; of two for one table the later one counts.
    pub fn new(sources: impl IntoIterator<Item = Arc<dyn Source>>) -> Self {
        Registry {
            sources: sources
                .into_iter()
                .map(|source| (source.definition().id, source))
                .collect(),
        }
    }

    /// The source of a table, if it is computed.
    pub fn get(&self, table: TableId) -> Option<&Arc<dyn Source>> {
        self.sources.get(&table)
    }
}
