//! Answers that are not rows: errors and the short results, as complete envelopes.

use std::net::IpAddr;

use bytes::BytesMut;
use coordinator::Promise;
use protocol::response::{self, Head, Response};
use protocol::result::Outcome;
use protocol::{Error as Wire, Version};
use uuid::Uuid;

use crate::error::Error;

/// Whom an answer is for, and from.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// This node, as other nodes and drivers know it.
    pub node: IpAddr,
    /// The connection's version.
    pub version: Version,
    /// The request's stream.
    pub stream: i16,
    /// The trace's id, if the request is traced.
    pub tracing_id: Option<Uuid>,
}

impl Address {
    /// Appends a result.
    pub fn result(self, outcome: Outcome<'_>, warnings: &[String], out: &mut BytesMut) {
        let head = Head {
            warnings,
            ..self.head()
        };
        response::encode(&Response::Result(outcome), &head, out);
    }

    /// The head of an answer.
    pub fn head(self) -> Head<'static> {
        let mut head = Head::new(self.version, self.stream);
        head.tracing_id = self.tracing_id;
        head
    }

    /// Appends what a request with this promise failed with.
    pub fn failure(self, error: &Error, promise: &Promise, out: &mut BytesMut) {
        self.error(&error.to_wire(promise, self.node), out);
    }

    /// Appends an error.
    pub fn error(self, error: &Wire, out: &mut BytesMut) {
        response::encode_error(error, &self.head(), out);
    }
}
