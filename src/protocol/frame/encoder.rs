//! The sending end: envelopes in, bytes for the socket out.
//!
//! How: whoever writes an envelope appends it to `buffer`. Before the bytes are sent, `seal` turns all that was appended since
//! the last time into what the connection has agreed on:
//!
//! | Connection | `seal` |
//! |---|---|
//! | v4, or v5 before READY | nothing to do: `buffer` is already the output |
//! | v4 with compression | compresses each body that gets smaller |
//! | v5 | puts the envelopes into segments, several to one where they fit |
//!
//! Memory that a large answer took is given back when it has been sent.
//!
//! So answers of one turn share a segment and its checksums, and the plain case costs no copy.

use base::limits;
use bytes::{Buf, BytesMut};

use super::{FLAGS_OFFSET, HEADER_BYTES, LENGTH_OFFSET, envelope_bytes, flags};
use crate::compress::{COMPRESSED_BYTES_MIN, Compression};
use crate::segment;

/// A connection keeps this much memory for its answers; more is given back when it is no longer needed.
const KEPT_BYTES_MAX: usize = limits::MIB;

/// The sending end of a connection.
#[derive(Debug, Default)]
pub struct Encoder {
    wrapping: Wrapping,
    /// Envelopes that are not sealed; unused when there is nothing to do.
    open: BytesMut,
    output: BytesMut,
    /// The most that waited in `output` since its memory was last given back.
    peak_bytes: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Wrapping {
    #[default]
    Plain,
    Bodies(Compression),
    Segments(segment::Format),
}

impl Encoder {
    /// The sending end of a new connection, without compression and segments.
    pub fn new() -> Encoder {
        Encoder::default()
    }

    /// From the next envelope on, bodies are compressed (v4).
    pub fn use_compression(&mut self, compression: Compression) {
        self.change(Wrapping::Bodies(compression));
    }

    /// From the next envelope on, envelopes travel in segments (v5).
    pub fn use_segments(&mut self, format: segment::Format) {
        self.change(Wrapping::Segments(format));
    }

    fn change(&mut self, wrapping: Wrapping) {
        self.seal();
        self.wrapping = wrapping;
    }

    /// Where whole envelopes are appended. What is there already belongs to others.
    pub fn buffer(&mut self) -> &mut BytesMut {
        match self.wrapping {
            Wrapping::Plain => &mut self.output,
            Wrapping::Bodies(_) | Wrapping::Segments(_) => &mut self.open,
        }
    }

    /// Bytes that wait to be sent, sealed or not.
    pub fn pending_bytes(&self) -> usize {
        self.open.len() + self.output.len()
    }

    /// Makes the envelopes appended so far ready for the socket.
    pub fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        match self.wrapping {
            Wrapping::Plain => unreachable!("plain envelopes go to the output at once"),
            Wrapping::Bodies(compression) => {
                compress_bodies(compression, &self.open, &mut self.output)
            }
            Wrapping::Segments(format) => segment::encode(format, &self.open, &mut self.output),
        }
        if self.open.capacity() > KEPT_BYTES_MAX {
            self.open = BytesMut::new();
        }
        self.open.clear();
    }

    /// Seals, and gives the bytes to be sent; the sender consumes what it sent with `advance`.
    pub fn output(&mut self) -> &mut BytesMut {
        self.seal();
        self.peak_bytes = self.peak_bytes.max(self.output.len());
        self.give_back();
        &mut self.output
    }

    /// Forgets this many bytes of the output, which were sent.
    pub fn advance(&mut self, sent_bytes: usize) {
        self.output.advance(sent_bytes);
        self.give_back();
    }

    fn give_back(&mut self) {
        if self.output.is_empty() && self.peak_bytes > KEPT_BYTES_MAX {
            self.output = BytesMut::new();
            self.peak_bytes = 0;
        }
    }
}

fn compress_bodies(compression: Compression, mut envelopes: &[u8], out: &mut BytesMut) {
    while let Some(length) = envelope_bytes(envelopes) {
        let (envelope, rest) = envelopes.split_at(length.min(envelopes.len()));
        compress_body(compression, envelope, out);
        envelopes = rest;
    }
}

/// Appends one envelope, compressed if that pays.
fn compress_body(compression: Compression, envelope: &[u8], out: &mut BytesMut) {
    let (header, body) = envelope.split_at(HEADER_BYTES);
    let start = out.len();
    out.extend_from_slice(header);
    if body.len() >= COMPRESSED_BYTES_MIN {
        compression.compress(body, out);
    }
    let compressed_bytes = out.len() - start - HEADER_BYTES;
    if compressed_bytes == 0 || compressed_bytes >= body.len() {
        out.truncate(start + HEADER_BYTES);
        out.extend_from_slice(body);
        return;
    }
    out[start + FLAGS_OFFSET] |= flags::COMPRESSED;
    let length = (compressed_bytes as u32).to_be_bytes();
    out[start + LENGTH_OFFSET..start + HEADER_BYTES].copy_from_slice(&length);
}
