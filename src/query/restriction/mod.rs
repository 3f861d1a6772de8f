//! WHERE: from relations to partitions, clustering ranges and a filter.
//!
//! [`analyse`] sorts the relations by what they are on, then asks of each what the storage order can
//! answer: the partition key by `=`, `IN` or `token()`, a prefix of the clustering columns by `=`,
//! `IN` and one range. What is left must be filtered, which a statement has to allow.
//!
//! The refusals are Cassandra's, to the letter.

mod analyse;
pub mod clustering;
mod collect;
pub mod filter;
pub mod key;
mod ranges;
mod several;
#[cfg(test)]
mod tests;
pub mod values;

pub use analyse::{Purpose, analyse, missing_clustering};
pub use clustering::ClusteringPlan;
pub use collect::column;
pub use filter::FilterPlan;
pub use key::{KeyPlan, TokenRange};

use model::read::{Command, Keys};
use schema::Table;

use crate::bind::Bindings;
use crate::bounds;
use crate::error::Error;

/// What a WHERE clause means.
#[derive(Clone, Debug)]
pub struct Restrictions {
    /// Which partitions.
    pub keys: KeyPlan,
    /// `token(..)` beside a key that is named: only partitions within count.
    pub within: Option<TokenRange>,
    /// Which rows of each.
    pub clustering: ClusteringPlan,
    /// What each row must satisfy besides.
    pub filter: Vec<FilterPlan>,
}

impl Restrictions {
    /// Whether anything is said of the partition key.
    pub fn has_partition_key(&self) -> bool {
        let on_key = |filter: &FilterPlan| filter.target.is_partition_key();
        self.keys.says_something() || self.filter.iter().any(on_key)
    }

    /// Sets a command's partitions, and the ranges of rows in each, for one execution. What the command had serves as
    /// memory.
    pub fn place(
        &self,
        table: &Table,
        bindings: &Bindings<'_>,
        command: &mut Command,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let Command { keys, slices, .. } = command;
        self.keys.evaluate(table, bindings, keys, buffer)?;
        if let (Some(tokens), Keys::List(list)) = (&self.within, &mut *keys) {
            let range = tokens.evaluate(bindings)?;
            list.retain(|key| range.contains(key.as_ref()));
        }
        let columns = &table.clustering;
        self.clustering
            .evaluate(columns, bindings, slices, buffer)?;
        match keys {
            Keys::List(list) => bounds::check_places(list.len(), slices.len()),
            Keys::Range(_) => Ok(()),
        }
    }
}

/// The sentence that asks for ALLOW FILTERING.
pub const NEEDS_FILTERING: &str = "Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING";
