//! Why a read or write was not carried out, grouped by what the caller does next.

use model::stream;

/// A read or write that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too much is in flight; nothing was applied. Try again later.
    #[error("{0}")]
    Overloaded(String),
    /// This node cannot take it, now or until it is started again. Try another.
    #[error("{0}")]
    Unavailable(String),
    /// The request cannot be carried out as it is.
    #[error("{0}")]
    Invalid(String),
    /// The table was dropped after the request was planned.
    #[error("{0}")]
    NoTable(String),
    /// Data could not be read: the message names the file.
    #[error("{0}")]
    ReadFailed(String),
    /// A read was given up because it met more dead rows than it may.
    #[error("{0}")]
    TooManyDeadRows(String),
    /// Data could not be written, and was not applied.
    #[error("{0}")]
    WriteFailed(String),
    /// The deadline passed.
    #[error("{0}")]
    TimedOut(String),
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Overloaded(text) => Error::Overloaded(text),
            storage::Error::Unavailable(text) => Error::Unavailable(text),
            storage::Error::Invalid(text) => Error::Invalid(text),
            gone @ storage::Error::NoTable(_) => Error::NoTable(gone.to_string()),
            storage::Error::Io(text) => Error::WriteFailed(text),
            damaged @ storage::Error::Corrupt { .. } => Error::ReadFailed(damaged.to_string()),
        }
    }
}

impl From<stream::Error> for Error {
    fn from(error: stream::Error) -> Self {
        match error {
            stream::Error::Closed => Error::Unavailable("the node is shutting down".into()),
            other => Error::ReadFailed(other.to_string()),
        }
    }
}
