//! Schema changes as clients are told of them.

use std::sync::Arc;

use metadata::{Committer, Effect};
use protocol::event::{Change, Event, SchemaChange, Target};
use schema::change::{Target as SchemaTarget, Verb};
use tokio::sync::broadcast;

/// Events that a slow listener may be behind before it misses some.
pub const QUEUE_LENGTH: usize = 1_024;

/// Passes each committed schema change on, until the metadata closes.
pub async fn forward(metadata: Arc<dyn Committer>, events: broadcast::Sender<Event>) {
    let mut committed = metadata.subscribe();
    drop(metadata);
    loop {
        match committed.recv().await {
            Ok(committed) => {
                if let Some(change) = committed.outcome.effect.as_ref().and_then(schema_change) {
                    // Nobody listening is fine.
                    let _ = events.send(Event::Schema(change));
                }
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!("{missed} schema changes were not announced to clients");
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// What clients are told of an effect, if it is one on the schema.
pub fn schema_change(effect: &Effect) -> Option<SchemaChange> {
    let Effect::Schema(effect) = effect else {
        return None;
    };
    let keyspace = effect.keyspace.clone();
    let name = || effect.name.to_string();
    let target = match effect.target {
        SchemaTarget::Keyspace => Target::Keyspace,
        SchemaTarget::Table => Target::Table(name()),
        SchemaTarget::Type => Target::Type(name()),
    };
    let change = match effect.verb {
        Verb::Created => Change::Created,
        Verb::Updated => Change::Updated,
        Verb::Dropped => Change::Dropped,
    };
    Some(SchemaChange {
        change,
        target,
        keyspace,
    })
}
