//! What the cluster agreed on, as lines of the log: one for each schema change and each truncation.

use std::sync::Arc;

use metadata::{Committed, Committer, Effect, State};
use schema::change::{Target, Verb};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Writes a line for each change, until the metadata closes.
pub async fn write(metadata: Arc<dyn Committer>, mut committed: Receiver<Arc<Committed>>) {
    loop {
        match committed.recv().await {
            Ok(committed) => {
                if let Some(line) = line(&metadata.state(), &committed) {
                    tracing::info!("{line}");
                }
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::info!("{missed} more schema changes");
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// What to say of a change; nothing where it changed nothing, or is about nodes.
fn line(state: &State, committed: &Committed) -> Option<String> {
    let what = match committed.outcome.effect.as_ref()? {
        Effect::Schema(effect) => schema_change(effect),
        Effect::Truncated(id) => {
            let table = state.catalog.table_by_id(*id);
            let name = table.map_or_else(|| id.to_string(), |table| table.qualified_name());
            format!("truncated table {name}")
        }
        _ => return None,
    };
    Some(format!("{what} (epoch {})", committed.epoch))
}

fn schema_change(effect: &schema::Effect) -> String {
    let verb = match effect.verb {
        Verb::Created => "created",
        Verb::Updated => "changed",
        Verb::Dropped => "dropped",
    };
    let keyspace = &effect.keyspace;
    match effect.target {
        Target::Keyspace => format!("{verb} keyspace {keyspace}"),
        Target::Table => format!("{verb} table {keyspace}.{}", effect.name),
        Target::Type => format!("{verb} type {keyspace}.{}", effect.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metadata::{Epoch, NodeNumber, Outcome};
    use model::TableId;
    use uuid::Uuid;

    #[test]
    fn each_change_is_a_line() {
        let check = |effect: Option<Effect>, expected: Option<&str>| {
            let committed = Committed {
                epoch: Epoch(7),
                outcome: Outcome {
                    effect,
                    ..Outcome::default()
                },
            };
            assert_eq!(line(&State::empty(), &committed).as_deref(), expected);
        };
        let change = |verb, target, name: &str| {
            Some(Effect::Schema(schema::Effect {
                verb,
                target,
                keyspace: "ks".into(),
                name: name.into(),
            }))
        };
        check(None, None);
        check(Some(Effect::NodeUpdated(NodeNumber(1))), None);
        check(
            change(Verb::Created, Target::Keyspace, ""),
            Some("created keyspace ks (epoch 7)"),
        );
        check(
            change(Verb::Updated, Target::Table, "t"),
            Some("changed table ks.t (epoch 7)"),
        );
        check(
            change(Verb::Dropped, Target::Type, "u"),
            Some("dropped type ks.u (epoch 7)"),
        );
        let gone = TableId(Uuid::from_u128(1));
        check(
            Some(Effect::Truncated(gone)),
            Some(&format!("truncated table {gone} (epoch 7)")),
        );
    }
}
