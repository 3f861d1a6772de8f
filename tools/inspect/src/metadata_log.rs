//! The metadata log: its entries, and whether they follow from each other.

use std::io;

use base::bytes::Reader;
use metadata::log::format::{self, Record};
use metadata::{State, Transformation};

use crate::report::Report;

/// Reports on a metadata log.
pub fn inspect(bytes: &[u8], report: &mut Report<'_>) -> io::Result<()> {
    let contents = match format::read(bytes) {
        Ok(contents) => contents,
        Err(damage) => {
            report.damage(damage.offset, damage.what);
            return Ok(());
        }
    };
    report.line(format_args!(
        "metadata log of node {}",
        contents.header.host_id
    ))?;
    let mut state = State::empty();
    for record in &contents.records {
        match follow(&state, record) {
            Ok((next, line)) => {
                report.line(format_args!(
                    "{}: epoch {}: {line}",
                    record.offset, record.epoch
                ))?;
                state = next;
            }
            Err(what) => {
                report.damage(record.offset, what);
                return Ok(());
            }
        }
    }
    if contents.tail_bytes > 0 {
        report.line(format_args!(
            "{}: {} bytes of a write that was interrupted; nobody was told of it",
            contents.end, contents.tail_bytes
        ))?;
    }
    let tables = state
        .catalog
        .tables()
        .filter(|table| !schema::system::is_system(&table.keyspace))
        .count();
    report.line(format_args!(
        "cluster '{}' ({}) at epoch {}: {} nodes, {tables} tables of users, state hash {:032x}",
        state.cluster_name,
        state.cluster_id,
        state.epoch,
        state.nodes.len(),
        state.hash()
    ))
}

/// The state after a record, and what the record says.
pub fn follow(state: &State, record: &Record<'_>) -> Result<(State, String), String> {
    let mut reader = Reader::new(record.body);
    if record.kind == format::SNAPSHOT {
        let snapshot = State::decode(&mut reader)
            .map_err(|error| format!("the snapshot does not decode: {error}"))?;
        let line = format!("snapshot, {} bytes", record.body.len());
        return Ok((snapshot, line));
    }
    let transformation = Transformation::decode(&mut reader)
        .map_err(|error| format!("the entry does not decode: {error}"))?;
    let applied = state.apply(&transformation);
    let (next, _) = applied
        .map_err(|refused| format!("the entry does not follow from those before it: {refused}"))?;
    Ok((next, format!("{transformation:?}")))
}
