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
pub mod values;

pub use analyse::{Purpose, analyse, missing_clustering};
pub use clustering::ClusteringPlan;
pub use collect::column;
pub use filter::FilterPlan;
pub use key::KeyPlan;

/// What a WHERE clause means.
#[derive(Clone, Debug)]
pub struct Restrictions {
    /// Which partitions.
    pub keys: KeyPlan,
    /// Which rows of each.
    pub clustering: ClusteringPlan,
    /// What each row must satisfy besides.
    pub filter: Vec<FilterPlan>,
}

/// The sentence that asks for ALLOW FILTERING.
pub const NEEDS_FILTERING: &str = "Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING";
