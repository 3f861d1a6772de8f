//! BATCH as a statement of its own text, and what any BATCH comes to.

use model::key::PartitionKeyRef;

use protocol::request::BatchKind;

use crate::modify::Plan;
use crate::term;

/// The planned statements of a `BEGIN BATCH`, whose markers are numbered over all of them.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The statements in order.
    pub statements: Vec<Plan>,
    /// `USING TIMESTAMP` of the whole.
    pub timestamp: Option<term::Plan>,
    /// What it promises.
    pub kind: BatchKind,
}

/// What has been written since it was last cleared.
#[derive(Debug, Default)]
pub struct Written {
    /// Bytes of the mutations.
    pub bytes: u64,
    /// The token of each mutation's partition.
    tokens: Vec<i64>,
}

impl Written {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bytes = 0;
        self.tokens.clear();
    }

    /// Counts a mutation.
    pub fn add(&mut self, key: PartitionKeyRef<'_>, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.tokens.push(key.token.0);
    }

    /// How many partitions there are. Two that share a token count as one, which only a warning may take so.
    pub fn partitions(&mut self) -> usize {
        self.tokens.sort_unstable();
        self.tokens.dedup();
        self.tokens.len()
    }
}
