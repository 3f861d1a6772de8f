//! What can go wrong in storage, grouped by what the caller does next.

use std::io;

use model::{TableId, stream};

/// Why storage did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too much is waiting to be written to disk. Nothing was applied; try again later or elsewhere.
    #[error("{0}")]
    Overloaded(String),
    /// This node takes no more writes: its disk failed, or it is draining. Final until a restart.
    #[error("{0}")]
    Unavailable(String),
    /// A file is not what was written. It is named, and nothing is guessed.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Corrupt {
        /// The file.
        file: String,
        /// Where in it.
        offset: u64,
        /// What was wrong there.
        what: String,
    },
    /// The table was dropped while the request was on its way, or never was. Whoever asked knows its name.
    #[error("storage has no table of id {0}: it was dropped")]
    NoTable(TableId),
    /// The request cannot be served as it is: a mutation beyond the limits.
    #[error("{0}")]
    Invalid(String),
    /// The operating system refused a file operation. Nothing was lost; the operation may be tried again.
    #[error("{0}")]
    Io(String),
}

impl Error {
    /// An error of the operating system, with what was being done.
    pub(crate) fn io(doing: impl std::fmt::Display, error: &io::Error) -> Error {
        Error::Io(format!("{doing}: {error}"))
    }

    /// Damage in `file`.
    pub(crate) fn corrupt(file: impl Into<String>, offset: u64, what: impl Into<String>) -> Error {
        Error::Corrupt {
            file: file.into(),
            offset,
            what: what.into(),
        }
    }
}

impl From<sstable::Error> for Error {
    fn from(error: sstable::Error) -> Error {
        match error {
            sstable::Error::Corrupt { file, offset, what } => Error::Corrupt { file, offset, what },
            sstable::Error::Invalid(what) => Error::Invalid(what),
            error @ sstable::Error::RowTooLarge { .. } => Error::Invalid(error.to_string()),
            sstable::Error::Source(error) => error.into(),
            error @ sstable::Error::Io { .. } => Error::Io(error.to_string()),
        }
    }
}

impl From<stream::Error> for Error {
    fn from(error: stream::Error) -> Error {
        match error {
            stream::Error::Corrupt { file, offset, what } => Error::Corrupt { file, offset, what },
            stream::Error::Closed => Error::Unavailable(error.to_string()),
            stream::Error::Io(_) | stream::Error::Source(_) => Error::Io(error.to_string()),
        }
    }
}
