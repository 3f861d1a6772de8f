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

use model::key::Slice;
use model::read::Keys;
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

    /// The partitions for one execution.
    fn partitions(&self, table: &Table, bindings: &Bindings<'_>) -> Result<Keys, Error> {
        let mut keys = self.keys.evaluate(table, bindings)?;
        if let (Some(tokens), Keys::List(list)) = (&self.within, &mut keys) {
            let range = tokens.evaluate(bindings)?;
            list.retain(|key| range.contains(key.as_ref()));
        }
        Ok(keys)
    }

    /// The partitions, and the ranges of rows in each.
    pub fn places(
        &self,
        table: &Table,
        bindings: &Bindings<'_>,
    ) -> Result<(Keys, Vec<Slice>), Error> {
        let keys = self.partitions(table, bindings)?;
        let slices = self.clustering.slices(&table.clustering, bindings)?;
        if let Keys::List(list) = &keys {
            bounds::check_places(list.len(), slices.len())?;
        }
        Ok((keys, slices))
    }
}

/// The sentence that asks for ALLOW FILTERING.
pub const NEEDS_FILTERING: &str = "Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING";
