//! BATCH as a statement of its own text, and what any BATCH comes to.

use std::sync::Arc;

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
    /// Keyspace and token of the first mutation.
    first: Option<(Arc<str>, i64)>,
    /// Whether another is on another partition: one partition's are one mutation in the end.
    is_several: bool,
    /// The token of each mutation's partition.
    tokens: Vec<i64>,
}

impl Written {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bytes = 0;
        self.first = None;
        self.is_several = false;
        self.tokens.clear();
    }

    /// Counts a mutation.
    pub fn add(&mut self, keyspace: &Arc<str>, key: PartitionKeyRef<'_>, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let token = key.token.0;
        match &self.first {
            None => self.first = Some((keyspace.clone(), token)),
            Some((other, first)) => self.is_several |= *first != token || other != keyspace,
        }
        self.tokens.push(token);
    }

    /// Whether several partitions were written.
    pub fn is_several(&self) -> bool {
        self.is_several
    }

    /// How many partitions there are. Two that share a token count as one, which only a warning may take so.
    pub fn partitions(&mut self) -> usize {
        self.tokens.sort_unstable();
        self.tokens.dedup();
        self.tokens.len()
    }
}
