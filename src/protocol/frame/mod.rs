//! Envelopes: the unit of the protocol, a header of 9 bytes and a body.
//!
//! | Offset | Bytes | |
//! |---|---|---|
//! | 0 | 1 | bit 7: 1 in answers; bits 0-6: version |
//! | 1 | 1 | flags: 0x01 compressed (v4), 0x02 tracing, 0x04 custom payload, 0x08 warnings, 0x10 beta |
//! | 2 | 2 | stream: what the client chose for the request; -1 for events |
//! | 4 | 1 | opcode |
//! | 5 | 4 | length of the body |
//! | 9 | | body |
//!
//! All integers are big-endian. On v4 envelopes follow each other on the socket; on v5 they do so until the first READY or
//! AUTHENTICATE, and are carried by segments from then on. `Decoder` and `Encoder` are the two ends of one connection and know
//! which of the two it is in.
//!
//! - A body's length is compared with the limit as soon as its header is there, before its bytes are gathered.
//! - The version of STARTUP is the version of the connection; an OPTIONS before it may have another.

mod decoder;
mod encoder;
#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes, BytesMut};

pub use self::decoder::{Decoder, Failure};
pub use self::encoder::Encoder;

use crate::error::Error;
use crate::version::Version;

/// Length of an envelope's header.
pub const HEADER_BYTES: usize = 9;

/// The stream of events.
pub const EVENT_STREAM: i16 = -1;

const DIRECTION_BIT: u8 = 0x80;
pub(crate) const FLAGS_OFFSET: usize = 1;
const LENGTH_OFFSET: usize = 5;

/// The bits of an envelope's second byte.
pub mod flags {
    /// The body is compressed (v4).
    pub const COMPRESSED: u8 = 0x01;
    /// Request: trace me. Answer: the body begins with the tracing id.
    pub const TRACING: u8 = 0x02;
    /// The body has a map of bytes in front.
    pub const CUSTOM_PAYLOAD: u8 = 0x04;
    /// The body has a list of warnings in front.
    pub const WARNING: u8 = 0x08;
    /// The client agrees to a version that is not final.
    pub const USE_BETA: u8 = 0x10;
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The client.
    Request,
    /// The server.
    Response,
}

/// What a message is, with its wire code as discriminant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// Answer: a failure.
    Error = 0x00,
    /// Request: opens the connection.
    Startup = 0x01,
    /// Answer: the connection is open.
    Ready = 0x02,
    /// Answer: say who you are.
    Authenticate = 0x03,
    /// Request: what is supported?
    Options = 0x05,
    /// Answer: this is supported.
    Supported = 0x06,
    /// Request: one statement.
    Query = 0x07,
    /// Answer: what a statement gave.
    Result = 0x08,
    /// Request: prepare a statement.
    Prepare = 0x09,
    /// Request: execute a prepared statement.
    Execute = 0x0A,
    /// Request: send me events.
    Register = 0x0B,
    /// Something happened.
    Event = 0x0C,
    /// Request: several statements.
    Batch = 0x0D,
    /// Answer: one more question about who you are.
    AuthChallenge = 0x0E,
    /// Request: who I am.
    AuthResponse = 0x0F,
    /// Answer: you are who you say, and the connection is open.
    AuthSuccess = 0x10,
}

/// A message: what its header says, and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The version of the connection.
    pub version: Version,
    /// See `flags`.
    pub flags: u8,
    /// Which request it is, or which it answers.
    pub stream: i16,
    /// What it is.
    pub opcode: Opcode,
    /// The rest, decompressed.
    pub body: Bytes,
}

impl Opcode {
    const ALL: [Opcode; 16] = [
        Opcode::Error,
        Opcode::Startup,
        Opcode::Ready,
        Opcode::Authenticate,
        Opcode::Options,
        Opcode::Supported,
        Opcode::Query,
        Opcode::Result,
        Opcode::Prepare,
        Opcode::Execute,
        Opcode::Register,
        Opcode::Event,
        Opcode::Batch,
        Opcode::AuthChallenge,
        Opcode::AuthResponse,
        Opcode::AuthSuccess,
    ];

    /// The opcode of this wire code.
    pub fn from_code(code: u8) -> Option<Opcode> {
        match code {
            0x00..=0x03 => Some(Self::ALL[usize::from(code)]),
            0x05..=0x10 => Some(Self::ALL[usize::from(code) - 1]),
            _ => None,
        }
    }

    /// Who sends it.
    pub fn direction(self) -> Direction {
        match self {
            Opcode::Startup
            | Opcode::Options
            | Opcode::Query
            | Opcode::Prepare
            | Opcode::Execute
            | Opcode::Register
            | Opcode::Batch
            | Opcode::AuthResponse => Direction::Request,
            _ => Direction::Response,
        }
    }

    /// The name in the protocol's specification.
    pub fn name(self) -> &'static str {
        match self {
            Opcode::Error => "ERROR",
            Opcode::Startup => "STARTUP",
            Opcode::Ready => "READY",
            Opcode::Authenticate => "AUTHENTICATE",
            Opcode::Options => "OPTIONS",
            Opcode::Supported => "SUPPORTED",
            Opcode::Query => "QUERY",
            Opcode::Result => "RESULT",
            Opcode::Prepare => "PREPARE",
            Opcode::Execute => "EXECUTE",
            Opcode::Register => "REGISTER",
            Opcode::Event => "EVENT",
            Opcode::Batch => "BATCH",
            Opcode::AuthChallenge => "AUTH_CHALLENGE",
            Opcode::AuthResponse => "AUTH_RESPONSE",
            Opcode::AuthSuccess => "AUTH_SUCCESS",
        }
    }
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Direction::Request => "REQUEST",
            Direction::Response => "RESPONSE",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Direction::Request => 0,
            Direction::Response => DIRECTION_BIT,
        }
    }
}

/// The error for a message that the other side should not have sent, as its receiver's side `expected` it.
pub(crate) fn wrong_direction(opcode: Opcode, expected: Direction) -> Error {
    let sent = match expected {
        Direction::Request => Direction::Response,
        Direction::Response => Direction::Request,
    };
    Error::Protocol(format!(
        "Wrong protocol direction (expected {}, got {}) for opcode {} ({})",
        expected.name(),
        sent.name(),
        opcode as u8,
        opcode.name()
    ))
}

/// Where an unfinished envelope begins in its buffer.
#[derive(Debug)]
#[must_use = "an envelope has no length until it is finished"]
pub struct Unfinished {
    start: usize,
}

impl Unfinished {
    /// Offset of the header in the buffer.
    pub fn start(&self) -> usize {
        self.start
    }

    /// The same envelope after this many bytes before it were taken away.
    pub(crate) fn moved_back(&self, bytes: usize) -> Unfinished {
        Unfinished {
            start: self.start - bytes,
        }
    }

    /// Sets flags in the header.
    pub fn add_flags(&self, out: &mut BytesMut, flags: u8) {
        out[self.start + FLAGS_OFFSET] |= flags;
    }
}

/// Appends a header whose length `finish` will fill in; the body is what is appended in between.
pub fn begin(
    out: &mut BytesMut,
    direction: Direction,
    version: Version,
    flags: u8,
    stream: i16,
    opcode: Opcode,
) -> Unfinished {
    let start = out.len();
    out.put_u8(direction.bit() | version.number());
    out.put_u8(flags);
    out.put_i16(stream);
    out.put_u8(opcode as u8);
    out.put_u32(0);
    Unfinished { start }
}

/// Fills in the length of an envelope: all that was appended since `begin`.
pub fn finish(out: &mut BytesMut, envelope: Unfinished) {
    let start = envelope.start;
    let length =
        u32::try_from(out.len() - start - HEADER_BYTES).expect("an envelope is at most 256 MiB");
    out[start + LENGTH_OFFSET..start + HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
}

/// The length of the first envelope in these bytes, header included, if its header is whole.
pub(crate) fn envelope_bytes(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(LENGTH_OFFSET..HEADER_BYTES)?.first_chunk::<4>()?;
    HEADER_BYTES.checked_add(u32::from_be_bytes(*length) as usize)
}
