//! Writing several modifications as one, and what clients are told of a statement's variables.

use std::sync::Arc;

use coordinator::Turn;
use protocol::result::{ColumnSpec, Metadata};
use schema::Table;

use crate::bind::{Bindings, Bound};
use crate::error::Error;
use crate::marker::Receiver;
use crate::modify::lists::Lists;
use crate::modify::{Batch, Context, Plan};
use crate::service::Call;
use crate::statement::{Action, Planned};

/// The plans of a BATCH's statements with their values.
pub fn jobs<'p, 'b, 'v>(
    statements: &'p [Arc<Planned>],
    bindings: &'b [Bindings<'v>],
) -> Result<Vec<(&'p Plan, &'b Bindings<'v>)>, Error> {
    statements
        .iter()
        .zip(bindings)
        .map(|(planned, bindings)| match &planned.action {
            Action::Modify(plan, _) => Ok((&**plan, bindings)),
            _ => Err(Error::Server(
                "a batch of something else than modifications".into(),
            )),
        })
        .collect()
}

/// Whether a statement of the batch must read before it writes.
pub fn any_needs_read(statements: &[Arc<Planned>]) -> bool {
    statements
        .iter()
        .any(|planned| matches!(&planned.action, Action::Modify(plan, _) if plan.needs_read()))
}

/// Encodes several modifications so that all of them are in the log, or none. Without a timestamp
/// they share one of the coordinator's clock.
pub fn together<'p, 'b, 'v: 'b>(
    jobs: impl Iterator<Item = (&'p Plan, &'b Bindings<'v>)>,
    timestamp: Option<i64>,
    lists: Option<&[Lists]>,
    call: &mut Call<'_>,
) -> Result<(), Error> {
    let timestamp = match timestamp {
        Some(micros) => micros,
        None => call.turn.timestamp()?,
    };
    call.turn.begin_batch()?;
    for (index, (plan, bindings)) in jobs.enumerate() {
        let lists = lists.and_then(|lists| lists.get(index));
        let context = Context {
            timestamp: Some(timestamp),
            lists,
        };
        if let Err(error) = plan.encode(bindings, &context, call.turn, &mut call.session.scratch) {
            call.turn.abandon_batch();
            return Err(error);
        }
    }
    Ok(call.turn.end_batch()?)
}

/// The timestamp of a `BEGIN BATCH`: its own, else the request's.
pub fn batch_timestamp(
    batch: &Batch,
    bindings: &Bindings<'_>,
    request: Option<i64>,
    turn: &mut Turn,
) -> Result<Option<i64>, Error> {
    let Some(plan) = &batch.timestamp else {
        return Ok(request);
    };
    match plan.evaluate(bindings)? {
        Bound::Unset => Ok(request),
        Bound::Null => Err(Error::invalid("Invalid null value of timestamp")),
        value => {
            let micros = types::value::number::int64(value.bytes().unwrap_or_default())
                .ok_or_else(|| Error::invalid("Invalid timestamp value"))?;
            Ok(Some(turn.check_timestamp(micros)?))
        }
    }
}

/// The table that a statement is on, if it is on one.
pub fn table_of(planned: &Planned) -> Option<&Table> {
    match &planned.action {
        Action::Select(plan, _) => Some(&plan.table),
        Action::Modify(plan, _) => Some(&plan.table),
        Action::Batch(batch, _) => batch.statements.first().map(|plan| &*plan.table),
        Action::Other(_) => None,
    }
}

/// The markers as PREPARED shows them.
pub fn variables(receivers: &[Receiver], table: Option<&Table>) -> Metadata {
    let (keyspace, name): (Arc<str>, Arc<str>) = table
        .map_or((Arc::from(""), Arc::from("")), |table| {
            (table.keyspace.clone(), table.name.clone())
        });
    let spec = |receiver: &Receiver| ColumnSpec {
        keyspace: keyspace.clone(),
        table: name.clone(),
        name: receiver.name.clone(),
        ty: receiver.ty.clone(),
    };
    Metadata::new(receivers.iter().map(spec).collect())
}
