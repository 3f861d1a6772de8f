//! What happens before and with STARTUP: one message at a time, without a turn.

use protocol::frame::Envelope;
use protocol::request::{Request, Startup};
use protocol::response::{self, Response};
use protocol::version::Version;

use super::handshake::{self, Stage, Wrapping};
use super::{Connection, Open};

impl Connection {
    /// Takes one message of a connection that is not open yet.
    pub(super) fn shake_hands(&mut self) {
        self.output.begin();
        let wrapping = match self.input.next() {
            Ok(None) => {
                self.refuse_half_sent();
                None
            }
            Ok(Some(envelope)) => self.open_with(&envelope),
            Err(failure) => {
                self.requests += 1;
                self.fail_frame(failure);
                None
            }
        };
        self.output.end();
        // READY, or the error, still travels as STARTUP did.
        if let Some(wrapping) = wrapping {
            self.input.wrap(wrapping);
            self.output.wrap(wrapping);
        }
    }

    /// Answers a message before or with which the connection opens; how messages travel from now on, if it opened.
    fn open_with(&mut self, envelope: &Envelope) -> Option<Wrapping> {
        self.requests += 1;
        let opened = Self::request_of(Stage::Opening, envelope).and_then(|request| match request {
            Request::Startup(startup) => {
                let wrapping = handshake::accept(&startup, envelope.version)?;
                self.open_session(&startup, envelope.version);
                self.answer(envelope, &Response::Ready);
                Ok(Some(wrapping))
            }
            _ => {
                self.answer(envelope, &response::supported());
                Ok(None)
            }
        });
        opened.unwrap_or_else(|error| {
            self.answer_error(envelope.stream, &error);
            None
        })
    }

    fn open_session(&mut self, startup: &Startup<'_>, version: Version) {
        self.client.started(version, startup);
        self.deadlines.handshake = None;
        self.open = Some(Box::new(Open {
            version,
            session: self
                .shared
                .service
                .session(version)
                .from_client(self.client.address().ip()),
            turn: self.shared.service.turn(),
            throws_on_overload: startup.throws_on_overload(),
            shown_keyspace: None,
        }));
    }
}
