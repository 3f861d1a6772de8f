//! What is to be sent: envelopes of answers, and the buffers in which a turn writes them.
//!
//! A turn's [`query::Output`] borrows the encoder's own buffer by swapping, so answers are written where the socket takes them
//! from. Acknowledgements of writes are apart until their frame is in the log and, if the log's mode says so, synced.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use base::env::Stream;
use base::limits::KIB;
use bytes::BytesMut;
use protocol::frame::Encoder;
use query::{Acknowledgement, Output as Answers};
use tokio::io::AsyncWrite;

use super::handshake::Wrapping;

/// Buffers of acknowledgements that are kept for the next turns: syncs under way at one time, usually.
const SPARES_MAX: usize = 4;
/// A larger buffer is not kept.
const SPARE_BYTES_MAX: usize = 64 * KIB;

/// The sending half of a connection.
pub(crate) struct Output {
    encoder: Encoder,
    answers: Answers,
    spares: Vec<Acknowledgements>,
    must_flush: bool,
}

/// Answers to writes, which wait for the log.
#[derive(Debug, Default)]
pub(crate) struct Acknowledgements {
    /// Whole envelopes.
    pub(crate) envelopes: BytesMut,
    /// The write that each is for.
    pub(crate) writes: Vec<Acknowledgement>,
}

impl Acknowledgements {
    /// When it is too late for the first of them.
    pub(crate) fn deadline(&self) -> Duration {
        let deadlines = self.writes.iter().map(|write| write.promise.deadline);
        deadlines.min().unwrap_or_default()
    }
}

impl Output {
    /// An empty one.
    pub(crate) fn new() -> Output {
        Output {
            encoder: Encoder::new(),
            answers: Answers::default(),
            spares: Vec::new(),
            must_flush: false,
        }
    }

    /// Bytes that were not sent.
    pub(crate) fn unsent_bytes(&self) -> usize {
        self.encoder.pending_bytes() + self.answers.answers.len()
    }

    /// Where single answers are appended, between turns.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        self.encoder.buffer()
    }

    /// What a turn writes to: `end` must follow.
    pub(crate) fn begin(&mut self) {
        debug_assert!(self.answers.answers.is_empty(), "the turn before has ended");
        std::mem::swap(self.encoder.buffer(), &mut self.answers.answers);
    }

    /// The buffers of the turn.
    pub(crate) fn answers(&mut self) -> &mut Answers {
        &mut self.answers
    }

    /// Ends the turn's writing.
    pub(crate) fn end(&mut self) {
        std::mem::swap(self.encoder.buffer(), &mut self.answers.answers);
    }

    /// Whether the turn acknowledges writes.
    pub(crate) fn has_acknowledgements(&self) -> bool {
        !self.answers.written.is_empty()
    }

    /// The writes of the turn are done: their acknowledgements are answers now.
    pub(crate) fn acknowledge(&mut self) {
        self.encoder
            .buffer()
            .extend_from_slice(&self.answers.acknowledgements);
        self.answers.acknowledgements.clear();
        self.answers.written.clear();
    }

    /// Takes the turn's acknowledgements, which wait for something.
    pub(crate) fn take_acknowledgements(&mut self) -> Acknowledgements {
        let spare = self.spares.pop().unwrap_or_default();
        Acknowledgements {
            envelopes: std::mem::replace(&mut self.answers.acknowledgements, spare.envelopes),
            writes: std::mem::replace(&mut self.answers.written, spare.writes),
        }
    }

    /// Keeps the buffers of acknowledgements that are no longer needed.
    pub(crate) fn keep(&mut self, mut spare: Acknowledgements) {
        let is_small = spare.envelopes.capacity() <= SPARE_BYTES_MAX;
        if is_small && self.spares.len() < SPARES_MAX {
            spare.envelopes.clear();
            spare.writes.clear();
            self.spares.push(spare);
        }
    }

    /// From here on answers travel so.
    pub(crate) fn wrap(&mut self, wrapping: Wrapping) {
        match wrapping {
            Wrapping::Plain => {}
            Wrapping::Bodies(compression) => self.encoder.use_compression(compression),
            Wrapping::Segments(format) => self.encoder.use_segments(format),
        }
    }

    /// Sends what waits, in one call if the socket takes it. `sent` hears the bytes of each call.
    pub(crate) fn poll_write(
        &mut self,
        stream: &mut Stream,
        context: &mut Context<'_>,
        mut sent: impl FnMut(usize),
    ) -> Poll<io::Result<()>> {
        while self.encoder.pending_bytes() > 0 {
            let bytes = self.encoder.output();
            let count = ready!(Pin::new(&mut *stream).poll_write(context, bytes))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.encoder.advance(count);
            self.must_flush = true;
            sent(count);
        }
        if self.must_flush {
            ready!(Pin::new(stream).poll_flush(context))?;
            self.must_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Gives back the memory in which nothing is.
    pub(crate) fn release(&mut self) {
        self.spares = Vec::new();
        if self.answers.written.is_empty() {
            self.answers = Answers::default();
        }
        if self.encoder.pending_bytes() == 0 {
            *self.encoder.output() = BytesMut::new();
            *self.encoder.buffer() = BytesMut::new();
        }
    }
}
