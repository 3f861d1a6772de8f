//! A small client of the protocol, for simulated clusters, tests, tools and the replay of captures. It is no driver: it knows one
//! connection, no ring, no retries and no clock.
//!
//! - `Connection` is the protocol alone, without I/O: requests in, bytes out; bytes in, answers out. It carries out the handshake.
//! - `Client` moves its bytes over any asynchronous stream, real or simulated, and waits for answers.
//! - `Reply` is an answer that owns its bytes.
//!
//! The caller sets deadlines around its futures. A future that was dropped leaves its request's stream taken until the answer
//! comes, which is then thrown away with the `Client`.

mod connection;
mod reply;
mod stream;
#[cfg(test)]
mod tests;

use std::io;

pub use self::connection::{Connection, Options};
pub use self::reply::{Outcome, Page, Reply, Statement};
pub use self::stream::Client;

use crate::wire::Malformed;

/// Why a client has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered with an error.
    #[error("{message}")]
    Server {
        /// Code and fields.
        error: crate::error::Error,
        /// The server's words.
        message: String,
    },
    /// The server broke the protocol, or the client was told to.
    #[error("protocol: {0}")]
    Protocol(String),
    /// The connection broke or was closed.
    #[error("connection: {0}")]
    Connection(#[from] io::Error),
}

impl Error {
    /// The server's error, if it is one.
    pub fn server(&self) -> Option<&crate::error::Error> {
        match self {
            Error::Server { error, .. } => Some(error),
            Error::Protocol(_) | Error::Connection(_) => None,
        }
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Error {
        Error::Protocol(malformed.into_text())
    }
}
