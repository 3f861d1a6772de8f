//! Settings that cannot be used: one line that names the place, the bad value and the fix.

use std::fmt;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a file, at a line and column counted from one.
    File {
        /// The file as it was named.
        name: String,
        /// The line.
        line: u64,
        /// The column.
        column: u64,
    },
    /// In this environment variable.
    Environment(String),
    /// On the command line, in this argument.
    CommandLine(String),
    /// Nowhere: it is the default of this setting.
    Default(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Origin::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Origin::Environment(variable) => write!(f, "environment variable {variable}"),
            Origin::CommandLine(argument) => f.write_str(argument),
            Origin::Default(name) => write!(f, "the default of {name}"),
        }
    }
}

/// The settings cannot be used: whoever wrote them fixes them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", one_line(&format!("{origin}: {message}")))]
pub struct Error {
    /// Where.
    pub origin: Origin,
    /// What is wrong there, and what would be right.
    pub message: String,
}

/// A line cannot be longer in characters; what is in the middle is least worth reading.
const LINE_CHARS_MAX: usize = 1_000;

/// The text with blanks for line ends and other control characters, which a terminal would obey.
fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let count = text.chars().count();
    if count <= LINE_CHARS_MAX {
        return text.chars().map(plain).collect();
    }
    let head = text.chars().take(LINE_CHARS_MAX / 2);
    let tail = text.chars().skip(count - LINE_CHARS_MAX / 2);
    let cut = head.chain("...".chars()).chain(tail);
    cut.map(plain).collect()
}

impl Error {
    /// An error at a place.
    pub fn new(origin: Origin, message: impl Into<String>) -> Error {
        Error {
            origin,
            message: message.into(),
        }
    }
}
