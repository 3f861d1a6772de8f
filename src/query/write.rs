//! Writing several modifications as one.

use std::collections::BTreeSet;
use std::sync::Arc;

use coordinator::Turn;
use protocol::error::WriteType;
use protocol::request::BatchKind;

use crate::bind::{Bindings, Bound};
use crate::error::Error;
use crate::modify::lists::Lists;
use crate::modify::{Batch, Context, Plan, Written, out_of_bound};
use crate::options::Options;
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

/// What a BATCH of this kind is called when it fails.
pub fn batch_type(kind: BatchKind) -> WriteType {
    match kind {
        BatchKind::Logged => WriteType::Batch,
        BatchKind::Unlogged => WriteType::UnloggedBatch,
        BatchKind::Counter => WriteType::Counter,
    }
}

/// What several modifications have in common when they are written.
pub struct Together<'a> {
    /// Without a timestamp they share one of the coordinator's clock.
    pub timestamp: Option<i64>,
    /// What was read of lists.
    pub lists: Option<&'a Lists>,
    /// Which BATCH it is; none for a modification by itself.
    pub batch: Option<BatchKind>,
}

/// Encodes several modifications so that all of them are in the log, or none.
pub fn together<'p, 'b, 'v: 'b>(
    jobs: &[(&'p Plan, &'b Bindings<'v>)],
    with: &Together<'_>,
    options: &Options,
    call: &mut Call<'_>,
) -> Result<(), Error> {
    let timestamp = match with.timestamp {
        Some(micros) => micros,
        None => call.turn.timestamp()?,
    };
    call.turn.begin_batch()?;
    call.session.scratch.written.clear();
    for (plan, bindings) in jobs {
        let context = Context {
            timestamp: Some(timestamp),
            lists: with.lists,
            is_counted: with.batch.is_some(),
        };
        let encoded = plan
            .encode(bindings, &context, call.turn, &mut call.session.scratch)
            .and_then(|()| refuse_too_large(jobs, &call.session.scratch.written, options));
        if let Err(error) = encoded {
            call.turn.abandon_batch();
            return Err(error);
        }
    }
    if let Some(kind) = with.batch {
        warn(jobs, kind, options, call);
    }
    Ok(call.turn.end_batch()?)
}

/// One mutation may have any size; several may not make a large BATCH.
fn refuse_too_large(
    jobs: &[(&Plan, &Bindings<'_>)],
    written: &Written,
    options: &Options,
) -> Result<(), Error> {
    if written.bytes <= options.batch_bytes_fail || !written.is_several() {
        return Ok(());
    }
    let why = size_warning(jobs, written.bytes, options.batch_bytes_fail);
    tracing::debug!("{why} (see batch_size_fail_threshold)");
    Err(Error::invalid("Batch too large"))
}

/// Tells the client what it should do otherwise, in Cassandra's words.
fn warn(jobs: &[(&Plan, &Bindings<'_>)], kind: BatchKind, options: &Options, call: &mut Call<'_>) {
    let written = &mut call.session.scratch.written;
    let bytes = written.bytes;
    if kind == BatchKind::Logged {
        let at_once = |plan: &Plan| plan.table.options.gc_grace_seconds == 0;
        let tables = listed(jobs, at_once);
        if !tables.is_empty() {
            call.turn.warn(format!(
                "Executing a LOGGED BATCH on table{} [{}], configured with a gc_grace_seconds of 0. The gc_grace_seconds is used to TTL batchlog entries, so setting gc_grace_seconds too low on tables involved in an atomic batch might cause batchlog entries to expire before being replayed.",
                plural(&tables),
                tables.join(", ")
            ));
        }
    }
    if bytes > options.batch_bytes_warn && written.is_several() {
        call.turn
            .warn(size_warning(jobs, bytes, options.batch_bytes_warn));
    }
    let partitions = written.partitions();
    if kind == BatchKind::Unlogged && partitions > options.unlogged_partitions_warn {
        let tables = listed(jobs, |_| true);
        call.turn.warn(format!(
            "Unlogged batch covering {partitions} partitions detected against table{} [{}]. You should use a logged batch for atomicity, or asynchronous writes for performance.",
            plural(&tables),
            tables.join(", ")
        ));
    }
}

fn size_warning(jobs: &[(&Plan, &Bindings<'_>)], bytes: u64, threshold: u64) -> String {
    format!(
        "Batch for [{}] is of size {bytes}, exceeding specified threshold of {threshold} by {}.",
        listed(jobs, |_| true).join(", "),
        bytes - threshold
    )
}

/// The names of the tables that are written, of those that are asked for.
fn listed(jobs: &[(&Plan, &Bindings<'_>)], is_wanted: impl Fn(&Plan) -> bool) -> Vec<String> {
    let wanted = jobs.iter().filter(|(plan, _)| is_wanted(plan));
    let names = wanted.map(|(plan, _)| plan.table.qualified_name().to_string());
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn plural(tables: &[String]) -> &'static str {
    match tables {
        [_] => "",
        _ => "s",
    }
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
            match micros {
                i64::MIN => Err(out_of_bound()),
                micros => Ok(Some(turn.check_timestamp(micros)?)),
            }
        }
    }
}
