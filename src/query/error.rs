//! What can go wrong with a statement, and the one table from there to wire codes.
//!
//! Every layer's error says what the caller does next; [`Error::to_wire`] turns it into the code
//! and the fields that drivers act on.

use std::borrow::Cow;
use std::net::IpAddr;

use coordinator::Promise;
use cql::tree::Span;
use protocol::error::{Error as Wire, FailureReason, Failures, WriteType};
use schema::Table;

/// The longest message that a client is sent.
const MESSAGE_BYTES_MAX: usize = 4 << 10;

/// How a suggestion begins, on a line of its own behind the sentence.
pub const SUGGESTION: &str = "\ndid you mean ";

/// The longest sentence in one, so that the place that is quoted below it is never cut off.
const SENTENCE_BYTES_MAX: usize = 2 << 10;

/// A statement that was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The statement does not parse.
    #[error("{0}")]
    Syntax(String),
    /// The statement parses and cannot be carried out: the client changes it.
    #[error("{0}")]
    Invalid(String),
    /// The same, with where in the text it is.
    #[error("{text}")]
    InvalidAt {
        /// Cassandra's sentence; what follows a line end is ours.
        text: String,
        /// The stretch of the statement that is wrong.
        span: Span,
    },
    /// The statement touches what only the server may write.
    #[error("{0}")]
    Unauthorized(String),
    /// The client broke the protocol.
    #[error("{0}")]
    Protocol(String),
    /// An id that this node does not know: the driver prepares again.
    #[error("Prepared query with ID {} not found (either the query was not prepared on this host (maybe the host has been restarted?) or you have prepared too many queries and it has been evicted from the internal cache)", hex(.0))]
    Unprepared([u8; 16]),
    /// A schema change that was refused.
    #[error(transparent)]
    Schema(#[from] schema::Error),
    /// The coordinator could not read or write.
    #[error(transparent)]
    Coordinator(#[from] coordinator::Error),
    /// An error that is known by its wire code already.
    #[error(transparent)]
    Wire(Box<Wire>),
    /// A defect: the statement was right and the server failed.
    #[error("{0}")]
    Server(String),
}

impl Error {
    /// An [`Error::Invalid`] from any text.
    pub fn invalid(text: impl Into<String>) -> Self {
        Error::Invalid(text.into())
    }

    /// An [`Error::Invalid`] that names a feature which is not there yet.
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        Error::Invalid(format!("{what} is not supported yet"))
    }

    /// A coordinator's error about this table, which may be gone by now.
    pub fn of(error: coordinator::Error, table: &Table) -> Self {
        match error {
            coordinator::Error::NoTable(_) => {
                Error::Invalid(format!("table {} does not exist", table.name))
            }
            other => other.into(),
        }
    }

    /// The error of this stretch of the statement, unless a smaller one is known already.
    pub fn at(self, span: Span) -> Self {
        match self {
            Error::Invalid(text) if span.start < span.end => Error::InvalidAt { text, span },
            other => other,
        }
    }

    /// The error with the place in the statement's text quoted below its first line.
    pub fn quoting(self, statement: &str) -> Self {
        let Error::InvalidAt { text, span } = self else {
            return self;
        };
        let carets = cql::error::caret(statement, span);
        // The sentence may hold a literal of several lines; only a suggestion comes behind it.
        let (sentence, hint) = match text.rfind(SUGGESTION) {
            Some(at) => text.split_at(at),
            None => (&*text, ""),
        };
        let sentence = cut(sentence, SENTENCE_BYTES_MAX);
        Error::Invalid(format!("{sentence}\n{carets}{hint}"))
    }
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        Error::Invalid(error.to_string())
    }
}

impl From<cql::Error> for Error {
    fn from(error: cql::Error) -> Self {
        Error::Syntax(error.to_string())
    }
}

impl Error {
    /// The table from failures to wire codes: what the client does next decides the code.
    ///
    /// | Failure | Code | The client |
    /// |---|---|---|
    /// | does not parse | SYNTAX | changes the text |
    /// | cannot be carried out | INVALID, CONFIG, ALREADY_EXISTS | changes the statement |
    /// | may not | UNAUTHORIZED | uses the statement that is named |
    /// | too much to do | OVERLOADED | tries again later, or elsewhere |
    /// | node cannot take it | SERVER | tries another node |
    /// | could not read or write | READ_FAILURE, WRITE_FAILURE | decides by its retry policy |
    /// | came too late | READ_TIMEOUT, WRITE_TIMEOUT | decides by its retry policy |
    pub fn to_wire(&self, promise: &Promise, node: IpAddr) -> Wire {
        match self {
            Error::Syntax(text) => Wire::Syntax(message(text)),
            Error::Invalid(text) | Error::InvalidAt { text, .. } => Wire::Invalid(message(text)),
            Error::Unauthorized(text) => Wire::Unauthorized(message(text)),
            Error::Protocol(text) => Wire::Protocol(message(text)),
            Error::Server(text) => Wire::Server(message(text)),
            Error::Unprepared(id) => Wire::Unprepared { id: id.to_vec() },
            Error::Wire(error) => (**error).clone(),
            Error::Schema(error) => schema_to_wire(error),
            Error::Coordinator(error) => coordinator_to_wire(error, promise, node),
        }
    }
}

fn schema_to_wire(error: &schema::Error) -> Wire {
    match error {
        schema::Error::Invalid(text) => Wire::Invalid(message(text)),
        schema::Error::Config(text) => Wire::Config(message(text)),
        schema::Error::Syntax(text) => Wire::Syntax(message(text)),
        schema::Error::Unauthorized(text) => Wire::Unauthorized(message(text)),
        schema::Error::AlreadyExists { keyspace, table } => Wire::AlreadyExists {
            keyspace: keyspace.clone(),
            table: table.clone(),
        },
    }
}

/// A coordinator's error for a request with this promise. This one node is all there is to ask.
pub fn coordinator_to_wire(error: &coordinator::Error, promise: &Promise, node: IpAddr) -> Wire {
    use coordinator::Error as E;
    let Promise {
        consistency,
        write_type,
        ..
    } = *promise;
    let read_failure = |reason| Wire::ReadFailure {
        consistency,
        received: 0,
        required: 1,
        failures: Failures::Reasons(vec![(node, reason)]),
        data_present: false,
    };
    match error {
        E::Overloaded(text) => Wire::Overloaded(message(text)),
        E::Invalid(text) | E::NoTable(text) => Wire::Invalid(message(text)),
        E::Unavailable(text) => Wire::Server(message(text)),
        E::TimedOut(_) => late(promise),
        E::TooManyDeadRows(text) => {
            tracing::debug!("{text}");
            read_failure(FailureReason::ReadTooManyTombstones)
        }
        E::ReadFailed(text) => {
            tracing::error!("a read failed: {text}");
            read_failure(FailureReason::Unknown)
        }
        E::WriteFailed(text) => {
            tracing::error!("a write failed: {text}");
            Wire::WriteFailure {
                consistency,
                received: 0,
                required: 1,
                failures: Failures::Reasons(vec![(node, FailureReason::Unknown)]),
                write_type: write_type.unwrap_or(WriteType::Simple),
            }
        }
    }
}

/// Rows did not come in time; or a write was not done in time, and may be done yet.
fn late(promise: &Promise) -> Wire {
    let Promise {
        consistency,
        write_type,
        ..
    } = *promise;
    match write_type {
        None => Wire::ReadTimeout {
            consistency,
            received: 0,
            required: 1,
            data_present: false,
        },
        Some(write_type) => Wire::WriteTimeout {
            consistency,
            received: 0,
            required: 1,
            write_type,
            contentions: 0,
        },
    }
}

/// TRUNCATE did not succeed, in Cassandra's words.
pub fn truncate_failed(why: &str) -> Wire {
    Wire::Truncate(format!("Error during truncate: {}", message(why)))
}

impl From<Wire> for Error {
    fn from(error: Wire) -> Self {
        Error::Wire(Box::new(error))
    }
}

/// A message of at most 4 KiB, whatever the statement that it repeats.
fn message(text: &str) -> String {
    cut(text, MESSAGE_BYTES_MAX).into_owned()
}

/// A text, or its beginning and a sign that it goes on.
fn cut(text: &str, bytes_max: usize) -> Cow<'_, str> {
    const GOES_ON: &str = "...";
    if text.len() <= bytes_max {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(bytes_max - GOES_ON.len());
    Cow::Owned([&text[..end], GOES_ON].concat())
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
