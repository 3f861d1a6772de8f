//! What can be wrong with a value or a constant. The texts are Cassandra's first lines.

use crate::Type;

/// A value, constant or type description that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes or the text do not form a value of the type: the client fixes the value.
    #[error("{0}")]
    Value(String),
    /// A constant of this kind is never assignable to the type. The caller knows the receiver's name:
    /// [`Error::for_receiver`] gives the whole sentence.
    #[error("Invalid {kind} constant ({text})")]
    Constant {
        /// `STRING`, `INTEGER`, `FLOAT`, `UUID`, `BOOLEAN`, `HEX` or `DURATION`.
        kind: &'static str,
        /// The constant as written, without quotes.
        text: String,
    },
    /// Bytes of our own making (a type in a file, a comparable key) are damaged.
    #[error(transparent)]
    Damaged(#[from] base::bytes::Error),
    /// A type is nested deeper than the limit.
    #[error("Type nesting is deeper than {max}")]
    Nesting {
        /// The limit, [`crate::NESTING_MAX`].
        max: usize,
    },
    /// The function or cast does not exist for these types.
    #[error("{0} cannot be cast to {1}")]
    Cast(String, String),
}

/// The longest text of an [`Error::Value`]; what a client sent may be repeated in it, at any length.
const VALUE_BYTES_MAX: usize = 512;

/// How much of a constant an error repeats.
const CONSTANT_BYTES_MAX: usize = 256;

fn shortened(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push_str("...");
    }
    text
}

impl Error {
    /// A [`Error::Value`] from any text.
    pub(crate) fn value(text: impl Into<String>) -> Error {
        Error::Value(shortened(text.into(), VALUE_BYTES_MAX))
    }

    /// A [`Error::Constant`].
    pub(crate) fn constant(kind: &'static str, text: &str) -> Error {
        Error::Constant {
            kind,
            text: shortened(text.to_owned(), CONSTANT_BYTES_MAX),
        }
    }

    /// The sentence that Cassandra writes when the constant was meant for `receiver`.
    pub fn for_receiver(&self, receiver: &str, ty: &Type) -> String {
        match self {
            Error::Constant { kind, text } => {
                format!("Invalid {kind} constant ({text}) for \"{receiver}\" of type {ty}")
            }
            other => other.to_string(),
        }
    }
}
