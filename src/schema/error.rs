//! Why a schema statement was refused: one variant per wire code, since that is what the client acts on.

/// A refused schema statement. The text is Cassandra's where Cassandra has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The statement contradicts the schema: INVALID.
    #[error("{0}")]
    Invalid(String),
    /// A replication or table option has a value that cannot be: CONFIG.
    #[error("{0}")]
    Config(String),
    /// A property that does not exist, or a value of the wrong shape: SYNTAX.
    #[error("{0}")]
    Syntax(String),
    /// The keyspace is not the user's to change: UNAUTHORIZED.
    #[error("{0}")]
    Unauthorized(String),
    /// The keyspace or table is there already: ALREADY_EXISTS.
    #[error("{}", already_exists(keyspace, table))]
    AlreadyExists {
        /// The keyspace.
        keyspace: String,
        /// The table; empty if the keyspace itself is meant.
        table: String,
    },
}

impl Error {
    /// An [`Error::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Error {
        Error::Invalid(message.into())
    }

    /// An [`Error::Config`].
    pub fn config(message: impl Into<String>) -> Error {
        Error::Config(message.into())
    }

    /// An [`Error::Syntax`].
    pub fn syntax(message: impl Into<String>) -> Error {
        Error::Syntax(message.into())
    }
}

fn already_exists(keyspace: &str, table: &str) -> String {
    if table.is_empty() {
        format!("Cannot add existing keyspace \"{keyspace}\"")
    } else {
        format!("Cannot add already existing table \"{table}\" to keyspace \"{keyspace}\"")
    }
}
