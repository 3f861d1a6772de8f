//! What can go wrong with a file, by what the caller does next.

use std::fmt::Display;
use std::io;

use base::bytes;
use model::stream;

/// Why a file could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is not what was written: put it aside.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Corrupt {
        /// The file, with its directory.
        file: String,
        /// Where the block or part that is damaged begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The operating system refused: try again, or give up writing.
    #[error("{file}: {what}")]
    Io {
        /// The file, with its directory.
        file: String,
        /// What was done, and the answer.
        what: String,
    },
    /// What was to be written breaks the order or a limit of the format: a defect of whoever made it.
    #[error("{0}")]
    Invalid(String),
    /// A row is larger than a file takes: merge less into it.
    #[error("{file}: a row of {bytes} bytes, where at most {bytes_max} are taken")]
    RowTooLarge {
        /// The file that was to be written.
        file: String,
        /// The row's length.
        bytes: usize,
        /// The largest that is taken.
        bytes_max: usize,
    },
    /// What was to be written could not be had.
    #[error(transparent)]
    Source(stream::Error),
}

impl Error {
    pub(crate) fn io(file: &str, doing: &str, error: &io::Error) -> Error {
        Error::Io {
            file: file.to_owned(),
            what: format!("{doing}: {error}"),
        }
    }

    pub(crate) fn corrupt(file: &str, offset: u64, what: impl Display) -> Error {
        Error::Corrupt {
            file: file.to_owned(),
            offset,
            what: what.to_string(),
        }
    }

    /// Damage inside the contents of the block at `offset`.
    pub(crate) fn inside(file: &str, offset: u64, damage: bytes::Error) -> Error {
        let what = format!("{} at byte {} of the contents", damage.what, damage.offset);
        Error::corrupt(file, offset, what)
    }
}

impl From<Error> for stream::Error {
    fn from(error: Error) -> stream::Error {
        match error {
            Error::Corrupt { file, offset, what } => stream::Error::Corrupt { file, offset, what },
            Error::Io { .. } | Error::Invalid(_) | Error::RowTooLarge { .. } => {
                stream::Error::Io(error.to_string())
            }
            Error::Source(error) => error,
        }
    }
}

impl From<stream::Error> for Error {
    fn from(error: stream::Error) -> Error {
        match error {
            stream::Error::Corrupt { file, offset, what } => Error::Corrupt { file, offset, what },
            error => Error::Source(error),
        }
    }
}
