//! Answers that are not rows: errors and the short results, as complete envelopes.

use bytes::BytesMut;
use protocol::response::{self, Head, Response};
use protocol::result::Outcome;
use protocol::{Error as Wire, Version};

/// Whom an answer is for.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// The connection's version.
    pub version: Version,
    /// The request's stream.
    pub stream: i16,
}

impl Address {
    /// Appends a result.
    pub fn result(self, outcome: Outcome<'_>, warnings: &[String], out: &mut BytesMut) {
        let head = Head {
            warnings,
            ..Head::new(self.version, self.stream)
        };
        response::encode(&Response::Result(outcome), &head, out);
    }

    /// Appends an error.
    pub fn error(self, error: &Wire, out: &mut BytesMut) {
        response::encode_error(error, &Head::new(self.version, self.stream), out);
    }
}
