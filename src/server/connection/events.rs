//! Events: which kinds a connection registered for, and the next one.
//!
//! A connection subscribes with its first REGISTER, before READY is written, so it misses nothing from then on. Each change
//! comes once per connection, however often REGISTER was sent.

use protocol::event::{Event, Kind};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// A set of event kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kinds(u8);

impl Kinds {
    /// Adds kinds; whether there were none before and there are some now.
    pub(crate) fn add(&mut self, kinds: &[Kind]) -> bool {
        let before = *self;
        kinds.iter().for_each(|kind| self.0 |= bit(*kind));
        before.0 == 0 && self.0 != 0
    }

    /// Whether this kind is wanted.
    pub(crate) fn contains(self, kind: Kind) -> bool {
        self.0 & bit(kind) != 0
    }
}

fn bit(kind: Kind) -> u8 {
    match kind {
        Kind::TopologyChange => 1,
        Kind::StatusChange => 2,
        Kind::SchemaChange => 4,
    }
}

/// The next event, and the subscription to go on with.
pub(crate) async fn next(
    mut subscription: Receiver<Event>,
) -> (Receiver<Event>, Result<Event, RecvError>) {
    let event = subscription.recv().await;
    (subscription, event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_add_up() {
        let mut kinds = Kinds::default();
        assert!(!kinds.add(&[]));
        assert!(!kinds.contains(Kind::SchemaChange));
        assert!(kinds.add(&[Kind::SchemaChange, Kind::StatusChange]));
        assert!(
            !kinds.add(&[Kind::SchemaChange]),
            "the second time is not the first"
        );
        assert!(kinds.contains(Kind::SchemaChange) && kinds.contains(Kind::StatusChange));
        assert!(!kinds.contains(Kind::TopologyChange));
    }
}
