//! The metadata log: its entries, and whether they follow from each other.
//!
//! What an entry made or changed is shown as the statement that makes it as it is from then on, with the ids that name the
//! directories of tables; a snapshot is shown as all of these.

use std::io;

use base::bytes::Reader;
use metadata::log::format::{self, Record};
use metadata::{Effect, Node, State, Transformation};
use schema::change::{Target, Verb};
use schema::describe::{create_keyspace, create_table, create_type};

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
            Ok((next, step)) => {
                let told = if report.dump {
                    tell(&next, record, &step)
                } else {
                    String::new()
                };
                report.line(format_args!(
                    "{}: epoch {}: {told}",
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
    let tables = state.catalog.user_keyspaces();
    let tables: usize = tables.map(|keyspace| keyspace.tables.len()).sum();
    report.line(format_args!(
        "cluster '{}' ({}) at epoch {}: {} nodes, {tables} tables of users, state hash {:032x}",
        state.cluster_name,
        state.cluster_id,
        state.epoch,
        state.nodes.len(),
        state.hash()
    ))
}

/// What a record is.
pub enum Step {
    /// All of the state.
    Snapshot,
    /// One step, and what it did.
    Entry(Box<Transformation>, Option<Effect>),
}

/// The state after a record, and what the record is.
pub fn follow(state: &State, record: &Record<'_>) -> Result<(State, Step), String> {
    let mut reader = Reader::new(record.body);
    if record.kind == format::SNAPSHOT {
        let snapshot = State::decode(&mut reader)
            .map_err(|error| format!("the snapshot does not decode: {error}"))?;
        return Ok((snapshot, Step::Snapshot));
    }
    let transformation = Transformation::decode(&mut reader)
        .map_err(|error| format!("the entry does not decode: {error}"))?;
    let applied = state.apply(&transformation);
    let (next, outcome) = applied
        .map_err(|refused| format!("the entry does not follow from those before it: {refused}"))?;
    Ok((next, Step::Entry(Box::new(transformation), outcome.effect)))
}

/// What a record says, with the state after it.
fn tell(state: &State, record: &Record<'_>, step: &Step) -> String {
    let (transformation, effect) = match step {
        Step::Snapshot => {
            let bytes = record.body.len();
            return format!("snapshot of {bytes} bytes{}", everything(state));
        }
        Step::Entry(transformation, effect) => (transformation, effect),
    };
    match effect {
        None => "nothing changed".into(),
        Some(Effect::Initialized) => format!(
            "the cluster begins: '{}', {}",
            state.cluster_name, state.cluster_id
        ),
        Some(Effect::NodeRegistered(number)) => match state.nodes.get(number) {
            Some(node) => format!("registered {}", describe_node(node)),
            None => format!("registered node {number}"),
        },
        Some(Effect::NodeUpdated(number)) => match state.nodes.get(number) {
            Some(node) => format!("started {}", describe_node(node)),
            None => format!("started node {number}"),
        },
        Some(Effect::Schema(effect)) => schema_change(state, effect),
        Some(Effect::Truncated(id)) => {
            let table = state.catalog.table_by_id(*id);
            let name = table.map_or_else(|| id.to_string(), |table| table.qualified_name());
            match &**transformation {
                Transformation::Truncate { at, .. } => format!(
                    "truncated table {name}: what was written up to {} microseconds is gone",
                    at.0
                ),
                _ => format!("truncated table {name}"),
            }
        }
    }
}

fn describe_node(node: &Node) -> String {
    format!(
        "node {} ({}), run {}, version {}, in {} {}, at {}, CQL at {}, {} tokens",
        node.number,
        node.host_id,
        node.boot.count,
        node.version,
        node.data_center,
        node.rack,
        node.addresses.broadcast,
        node.addresses.native,
        node.tokens.len()
    )
}

/// A change, and on lines of their own what it led to.
fn schema_change(state: &State, effect: &schema::Effect) -> String {
    let (keyspace, name) = (&effect.keyspace, &effect.name);
    let catalog = &state.catalog;
    let (what, statement) = match effect.target {
        Target::Keyspace => (
            format!("keyspace {keyspace}"),
            catalog
                .keyspace(keyspace)
                .map(|keyspace| create_keyspace(keyspace)),
        ),
        Target::Table => (
            format!("table {keyspace}.{name}"),
            catalog
                .table(keyspace, name)
                .map(|table| create_table(table, true)),
        ),
        Target::Type => (
            format!("type {keyspace}.{name}"),
            catalog
                .user_type(keyspace, name)
                .map(|definition| create_type(definition)),
        ),
    };
    let statement = statement.unwrap_or_default();
    match effect.verb {
        Verb::Created => format!("created {what}\n{statement}"),
        Verb::Updated => format!("changed {what}, which is then\n{statement}"),
        Verb::Dropped => format!("dropped {what}"),
    }
}

/// The statements that make everything of users again, each on lines of its own.
fn everything(state: &State) -> String {
    let mut text = String::new();
    let mut add = |statement: String| {
        text.push('\n');
        text.push_str(&statement);
    };
    for keyspace in state.catalog.user_keyspaces() {
        add(create_keyspace(keyspace));
        for definition in keyspace.types_by_dependency() {
            add(create_type(definition));
        }
        for table in keyspace.tables.values() {
            add(create_table(table, true));
        }
    }
    text
}
