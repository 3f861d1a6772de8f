//! Why a schema statement was refused: one variant per wire code, since that is what the client acts on.
//!
//! A refusal may know what of the statement it is about: a place in its text, where the statement was at hand, or a
//! name, where only the change was. [`crate::ddl::place`] finds the place of a name.

use std::fmt;
use std::ops::Deref;

use cql::tree::Span;

/// A refused schema statement. The text is Cassandra's where Cassandra has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The statement contradicts the schema: INVALID.
    #[error("{0}")]
    Invalid(Message),
    /// A replication or table option has a value that cannot be: CONFIG.
    #[error("{0}")]
    Config(Message),
    /// A property that does not exist, or a value of the wrong shape: SYNTAX.
    #[error("{0}")]
    Syntax(Message),
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

/// What a refusal says, and what of the statement it is about.
#[derive(Debug, Clone)]
pub struct Message {
    text: String,
    subject: Option<Subject>,
}

/// What of a statement a refusal is about.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// A stretch of its text.
    Place(Span),
    /// The first thing of this name.
    Name(String),
}

impl Error {
    /// An [`Error::Invalid`].
    pub fn invalid(text: impl Into<String>) -> Error {
        Error::Invalid(Message::new(text))
    }

    /// An [`Error::Config`].
    pub fn config(text: impl Into<String>) -> Error {
        Error::Config(Message::new(text))
    }

    /// An [`Error::Syntax`].
    pub fn syntax(text: impl Into<String>) -> Error {
        Error::Syntax(Message::new(text))
    }

    /// The error of this stretch of the statement, unless a smaller one is known already.
    pub(crate) fn at(self, span: Span) -> Error {
        self.with_subject(Subject::Place(span))
    }

    /// The error of the thing of this name, unless its place is known already.
    pub(crate) fn about(self, name: &str) -> Error {
        self.with_subject(Subject::Name(name.to_owned()))
    }

    fn with_subject(mut self, subject: Subject) -> Error {
        if let Some(message) = self.message_mut() {
            message.subject.get_or_insert(subject);
        }
        self
    }

    /// What the refusal is about.
    pub(crate) fn subject(&self) -> Option<&Subject> {
        match self {
            Error::Invalid(message) | Error::Config(message) | Error::Syntax(message) => {
                message.subject.as_ref()
            }
            Error::Unauthorized(_) | Error::AlreadyExists { .. } => None,
        }
    }

    /// The same error with lines below its first.
    pub fn with_lines(mut self, lines: &str) -> Error {
        if let Some(message) = self.message_mut() {
            message.text.push('\n');
            message.text.push_str(lines);
        }
        self
    }

    fn message_mut(&mut self) -> Option<&mut Message> {
        match self {
            Error::Invalid(message) | Error::Config(message) | Error::Syntax(message) => {
                Some(message)
            }
            Error::Unauthorized(_) | Error::AlreadyExists { .. } => None,
        }
    }
}

/// The longest text: names and values that a statement repeats may be as long as the statement.
const TEXT_BYTES_MAX: usize = 2 << 10;

impl Message {
    fn new(text: impl Into<String>) -> Message {
        let mut text = text.into();
        if text.len() > TEXT_BYTES_MAX {
            text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
            text.push_str("...");
        }
        Message {
            text,
            subject: None,
        }
    }
}

impl Deref for Message {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl From<Message> for String {
    fn from(message: Message) -> String {
        message.text
    }
}

/// What is said counts, not about what: the same refusal may come from a statement and from its change.
impl PartialEq for Message {
    fn eq(&self, other: &Message) -> bool {
        self.text == other.text
    }
}

impl Eq for Message {}

fn already_exists(keyspace: &str, table: &str) -> String {
    if table.is_empty() {
        format!("Cannot add existing keyspace \"{keyspace}\"")
    } else {
        format!("Cannot add already existing table \"{table}\" to keyspace \"{keyspace}\"")
    }
}
