//! Putting a transformation into the order.

use std::sync::Arc;

use base::env::BoxFuture;
use tokio::sync::broadcast;

use crate::{Epoch, NodeNumber, Outcome, Refused, State, Transformation};

/// A transformation that is in the order, or that had nothing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The epoch it made; the present one if it had nothing to do.
    pub epoch: Epoch,
    /// What it did.
    pub outcome: Outcome,
}

/// Puts transformations into one order.
pub trait Committer: Send + Sync {
    /// Proposes a transformation. When it answers, the transformation is synced and the new state is published.
    ///
    /// A caller that stops waiting does not stop the proposal.
    fn propose(&self, transformation: Transformation) -> BoxFuture<'_, Result<Committed, Error>>;

    /// The newest state.
    fn state(&self) -> Arc<State>;

    /// The number of the node that asks.
    fn number(&self) -> NodeNumber;

    /// Everything that is committed from now on, in order, each after its state was published.
    fn subscribe(&self) -> broadcast::Receiver<Arc<Committed>>;
}

/// Acts on a state before anyone else sees it: storage makes a table's memtable before the first write can come.
pub trait Observer: Send + Sync {
    /// The state is durable and about to be published. An error ends the committer: the node cannot go on with a part
    /// of it behind.
    fn applied(&self, state: &Arc<State>) -> BoxFuture<'_, Result<(), String>>;
}

/// Why a proposal failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It was refused, and nothing has changed: the client fixes the statement.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The disk did not take it, and nothing has changed: try again when the disk can.
    #[error("the metadata log could not be written, and nothing has changed: {0}")]
    NotWritten(String),
    /// It may or may not be in the log, which takes no more: the node must be restarted.
    #[error("the metadata log failed, and the outcome is unknown until the node is restarted: {0}")]
    Unknown(String),
    /// The node is stopping.
    #[error("the node is stopping")]
    Closed,
}
