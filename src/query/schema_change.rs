//! Statements that are not reads or writes: schema changes, TRUNCATE, USE, DESCRIBE.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use coordinator::Promise;
use cql::tree::{Describe, DescribeSubject, Statement, Truncate};
use futures_util::FutureExt;
use metadata::{Committed, State, Transformation};
use model::Timestamp;
use protocol::request::Request;
use protocol::result::{ColumnSpec, Metadata, MetadataChoice, Outcome, RowsWriter};
use schema::ddl::Choices;
use schema::describe::Cluster;
use schema::{describe, system};
use types::Token;
use uuid::Uuid;

use crate::answer::Address;
use crate::error::{Error, truncate_failed};
use crate::events;
use crate::output::{Apart, Progress};
use crate::service::{Call, Service, error_answer};

/// Carries out a statement that has no plan.
pub fn start(
    service: &Service,
    call: &mut Call<'_>,
    source: Source,
    keyspace: Option<&str>,
) -> Result<Progress, Error> {
    let statement = source.statement.clone();
    match &*statement {
        Statement::Use(chosen) => use_keyspace(service, call, &chosen.keyspace.text)
            .map_err(|error| source.quoting(error).into()),
        Statement::Describe(describe) => {
            let state = service.shared().metadata.state();
            let answer = described(&state, describe, keyspace);
            let answer = answer.map_err(|error| source.quoting(error))?;
            Ok(send(call, &answer))
        }
        Statement::Truncate(truncate) => truncate_table(service, call, truncate, source, keyspace),
        _ => change(service, call, source, keyspace),
    }
}

/// Where a statement comes from, for refusals that come when its text is no longer at hand.
pub struct Source {
    statement: Arc<Statement>,
    /// Nothing if the statement was prepared: refusals are told without its text then.
    text: Option<String>,
}

impl Source {
    /// The statement of a request.
    pub fn of(request: &Request<'_>, statement: &Arc<Statement>) -> Source {
        let text = match request {
            Request::Query(query) => Some(query.text.to_owned()),
            _ => None,
        };
        Source {
            statement: statement.clone(),
            text,
        }
    }

    /// The refusal with the place that it is about quoted below its first line.
    fn quoting(&self, error: schema::Error) -> schema::Error {
        let place = schema::ddl::place(&self.statement, &error);
        match (place, &self.text) {
            (Some(span), Some(text)) => error.with_lines(&cql::error::caret(text, span)),
            _ => error,
        }
    }
}

fn use_keyspace(
    service: &Service,
    call: &mut Call<'_>,
    name: &str,
) -> Result<Progress, schema::Error> {
    service.require_keyspace(name)?;
    call.session.keyspace = Some(name.into());
    call.address
        .result(Outcome::SetKeyspace(name), &[], &mut call.out.answers);
    Ok(Progress::Answered)
}

/// What DESCRIBE answers.
fn described(
    state: &State,
    statement: &Describe,
    keyspace: Option<&str>,
) -> Result<describe::Answer, schema::Error> {
    let cluster = Cluster {
        name: state.cluster_name.to_string(),
        range_ownership: match (&statement.subject, keyspace) {
            (DescribeSubject::Cluster, Some(keyspace)) => range_ownership(state, keyspace),
            _ => BTreeMap::new(),
        },
    };
    describe::describe(statement, keyspace, &state.catalog, &cluster)
}

fn send(call: &mut Call<'_>, answer: &describe::Answer) -> Progress {
    let spec = |(name, ty): &(&'static str, types::Type)| ColumnSpec {
        keyspace: system::SYSTEM.into(),
        table: "describe".into(),
        name: (*name).into(),
        ty: ty.clone(),
    };
    let metadata = Metadata::new(answer.columns.iter().map(spec).collect());
    let head = call.address.head();
    let out = &mut call.out.answers;
    let mut writer = RowsWriter::begin(out, &head, &metadata, MetadataChoice::Full, None);
    for row in &answer.rows {
        row.iter().for_each(|cell| writer.cell(out, Some(cell)));
        writer.end_row();
    }
    writer.finish(out, None, &[]);
    Progress::Answered
}

/// The end of each token range, with the addresses of the nodes that keep it for a keyspace.
fn range_ownership(state: &State, keyspace: &str) -> BTreeMap<String, Vec<String>> {
    let tokens = state.nodes.values().flat_map(|node| &node.tokens);
    let owners = |token: &Token| {
        let placement = state.placement(keyspace, *token);
        let nodes = placement
            .read
            .iter()
            .filter_map(|node| state.nodes.get(node));
        nodes
            .map(|node| format!("/{}", node.addresses.broadcast))
            .collect()
    };
    tokens
        .map(|token| (token.0.to_string(), owners(token)))
        .collect()
}

fn change(
    service: &Service,
    call: &mut Call<'_>,
    source: Source,
    keyspace: Option<&str>,
) -> Result<Progress, Error> {
    let shared = service.shared();
    let catalog = shared.metadata.state().catalog.clone();
    let mut id = || Uuid::from_bytes(shared.chance.time_uuid(call.turn.wall_micros()));
    let choices = Choices {
        id: &mut id,
        now_micros: call.turn.wall_micros(),
    };
    let change = schema::ddl::resolve(&source.statement, keyspace, &catalog, choices)
        .map_err(|error| source.quoting(error))?;
    let change = Transformation::Schema(change);
    Ok(propose(service, call.address, change, source))
}

/// Proposes a transformation; the answer tells what it changed. The log and storage have as long as
/// for a TRUNCATE: what comes later than that may still be done.
fn propose(
    service: &Service,
    address: Address,
    transformation: Transformation,
    source: Source,
) -> Progress {
    let service = service.clone();
    let is_truncate = matches!(transformation, Transformation::Truncate { .. });
    Progress::Later(
        async move {
            let coordinator = service.coordinator();
            let promise = Promise::change(coordinator.options(), coordinator.env().mono());
            let proposed = service.shared().metadata.propose(transformation);
            let error = match coordinator.within(&promise, proposed).await {
                Ok(Ok(committed)) => return changed(address, &committed),
                Ok(Err(error)) => metadata_error(error, is_truncate, &source),
                Err(_) if is_truncate => {
                    truncate_failed("Truncate timed out - received only 0 responses").into()
                }
                Err(late) => late.into(),
            };
            error_answer(address, &error, &promise)
        }
        .map(Apart::Answer)
        .boxed(),
    )
}

fn changed(address: Address, committed: &Committed) -> BytesMut {
    let mut out = BytesMut::new();
    let outcome = &committed.outcome;
    let change = outcome.effect.as_ref().and_then(events::schema_change);
    let result = change.map_or(Outcome::Void, Outcome::SchemaChange);
    address.result(result, &outcome.warnings, &mut out);
    out
}

fn truncate_table(
    service: &Service,
    call: &mut Call<'_>,
    truncate: &Truncate,
    source: Source,
    keyspace: Option<&str>,
) -> Result<Progress, Error> {
    let name = &truncate.table;
    let keyspace = schema::ddl::keyspace_of(name, keyspace)?;
    let catalog = service.shared().metadata.state().catalog.clone();
    let table = catalog
        .require_table(keyspace, name.name.as_str())
        .map_err(|error| source.quoting(error))?;
    if system::is_virtual(&table.keyspace) {
        return Err(Error::invalid(format!(
            "Truncation is not supported by table {}",
            table.qualified_name()
        )));
    }
    if let Some(refusal) = system::refuses_writes(table) {
        return Err(Error::Unauthorized(refusal));
    }
    let at = Timestamp(call.turn.timestamp()?);
    // Storage follows the log: it has emptied the table before the new state is published.
    Ok(propose(
        service,
        call.address,
        Transformation::Truncate {
            table: table.id,
            at,
        },
        source,
    ))
}

fn metadata_error(error: metadata::Error, is_truncate: bool, source: &Source) -> Error {
    match (error, &*source.statement) {
        // The log knows tables by id: this one was dropped after the statement was planned.
        (metadata::Error::Refused(metadata::Refused::Schema(_)), Statement::Truncate(truncate)) => {
            Error::invalid(format!("table {} does not exist", truncate.table.name))
        }
        (metadata::Error::Refused(metadata::Refused::Schema(error)), _) => {
            source.quoting(error).into()
        }
        (other, _) if is_truncate => truncate_failed(&other.to_string()).into(),
        (other, _) => Error::Server(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_gone_is_told_by_its_name() {
        let check = |text: &str, expected: &str| {
            let source = Source {
                statement: Arc::new(cql::parse(text).expect("a statement")),
                text: Some(text.to_owned()),
            };
            let gone = schema::Error::invalid("table 5 does not exist");
            let error = metadata::Error::Refused(metadata::Refused::Schema(gone));
            let error = metadata_error(error, true, &source);
            assert_eq!(error.to_string(), expected);
        };
        check("TRUNCATE ks.t", "table t does not exist");
        check("TRUNCATE TABLE u", "table u does not exist");
    }
}
