//! Answers that own their bytes. A cell is a window onto the message that it came in, so nothing is copied.

use bytes::Bytes;
use uuid::Uuid;

use super::Error;
use crate::event::SchemaChange;
use crate::frame::Envelope;
use crate::response::{self, Response};
use crate::result::{self, Metadata};

/// The answer to a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The id of the trace, if the request was traced.
    pub tracing_id: Option<Uuid>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// What the statement gave.
    pub outcome: Outcome,
}

/// What a statement gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done.
    Void,
    /// Rows, or a page of them.
    Rows(Page),
    /// The connection's keyspace is now this one.
    SetKeyspace(String),
    /// The statement is prepared.
    Prepared(Statement),
    /// The schema was changed.
    SchemaChange(SchemaChange),
}

/// Rows, or a page of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The columns, unless the request asked for none.
    pub metadata: Option<Metadata>,
    /// The id of the columns, if they are others than the request named.
    pub new_metadata_id: Option<Bytes>,
    /// The cells of each row; `None` is null.
    pub rows: Vec<Vec<Option<Bytes>>>,
    /// Where the next page begins, if there is one.
    pub paging_state: Option<Bytes>,
}

/// A prepared statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The id to execute it by.
    pub id: Vec<u8>,
    /// The id of the result metadata (v5).
    pub result_metadata_id: Vec<u8>,
    /// The variables.
    pub variables: Metadata,
    /// For each partition key column, the index of its variable.
    pub partition_key: Vec<u16>,
    /// The columns of the result.
    pub result: Metadata,
}

impl Reply {
    /// Reads an answer to a statement.
    pub fn of(envelope: &Envelope) -> Result<Reply, Error> {
        let received = response::decode(envelope)?;
        let outcome = match received.response {
            Response::Result(outcome) => Outcome::of(outcome, &envelope.body),
            Response::Error(error, message) => {
                return Err(Error::Server {
                    error,
                    message: message.to_owned(),
                });
            }
            other => {
                return Err(Error::Protocol(format!(
                    "{} instead of RESULT",
                    other.opcode().name()
                )));
            }
        };
        let warnings = received.warnings.into_iter().map(str::to_owned).collect();
        Ok(Reply {
            tracing_id: received.tracing_id,
            warnings,
            outcome,
        })
    }

    /// The rows; none if the statement gives none.
    pub fn into_page(self) -> Page {
        match self.outcome {
            Outcome::Rows(page) => page,
            _ => Page::default(),
        }
    }
}

impl Outcome {
    fn of(outcome: result::Outcome<'_>, body: &Bytes) -> Outcome {
        match outcome {
            result::Outcome::Void => Outcome::Void,
            result::Outcome::Rows(rows) => Outcome::Rows(Page::of(rows, body)),
            result::Outcome::SetKeyspace(keyspace) => Outcome::SetKeyspace(keyspace.to_owned()),
            result::Outcome::Prepared(prepared) => Outcome::Prepared(Statement {
                id: prepared.id.into_owned(),
                result_metadata_id: prepared.result_metadata_id.into_owned(),
                variables: prepared.variables.into_owned(),
                partition_key: prepared.partition_key.into_owned(),
                result: prepared.result.into_owned(),
            }),
            result::Outcome::SchemaChange(change) => Outcome::SchemaChange(change),
        }
    }
}

impl Page {
    fn of(rows: result::Rows<'_>, body: &Bytes) -> Page {
        let window = |bytes: &[u8]| body.slice_ref(bytes);
        Page {
            rows: rows
                .iter()
                .map(|cells| cells.map(|cell| cell.map(window)).collect())
                .collect(),
            new_metadata_id: rows.new_metadata_id.map(window),
            paging_state: rows.paging_state.map(window),
            metadata: rows.metadata,
        }
    }

    /// The number of the column of this name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.metadata
            .as_ref()?
            .columns()
            .iter()
            .position(|column| column.name == name)
    }
}
