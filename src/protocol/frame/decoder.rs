//! The receiving end: bytes of a socket in, envelopes out.
//!
//! How: a growing buffer holds what was read. Each call takes one envelope off its front, as a slice that shares the buffer's
//! memory, or says that more is needed. On v5, after `use_segments`, segments are opened first and their payloads stand in line
//! in `pending`.
//!
//! A refused envelope's body is dropped as it arrives, so that the next one is found; nothing of it is kept.

use base::limits;
use bytes::{Buf, Bytes, BytesMut};

use super::{
    DIRECTION_BIT, Direction, Envelope, HEADER_BYTES, Opcode, envelope_bytes, flags,
    wrong_direction,
};
use crate::compress::Compression;
use crate::error::Error;
use crate::segment;
use crate::version::Version;

/// Why there is no envelope, and what becomes of the connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Answer this on the stream; the connection goes on.
    #[error("stream {stream}: {error}")]
    Refused {
        /// The stream of the request.
        stream: i16,
        /// The answer.
        error: Error,
    },
    /// The version is not spoken: answer `unsupported_version`, outside of segments, and close.
    #[error("stream {stream}: {error}")]
    UnsupportedVersion {
        /// The stream of the request.
        stream: i16,
        /// The answer.
        error: Error,
    },
    /// Nothing that follows can be trusted: answer this and close.
    #[error("stream {stream}: {error}")]
    Fatal {
        /// The stream of the request, 0 if it is unknown.
        stream: i16,
        /// The answer.
        error: Error,
    },
}

/// The receiving end of a connection.
#[derive(Debug)]
pub struct Decoder {
    direction: Direction,
    body_bytes_max: usize,
    version: Option<Version>,
    /// No other version is taken any more.
    is_settled: bool,
    body_compression: Option<Compression>,
    segments: Option<segment::Format>,
    /// Envelopes, or the beginning of one, that came out of segments.
    pending: BytesMut,
    /// What is still to come of a refused body.
    skip_bytes: usize,
}

impl Decoder {
    /// The end that receives requests: a server's.
    pub fn of_requests(body_bytes_max: usize) -> Decoder {
        Decoder::new(Direction::Request, body_bytes_max)
    }

    /// The end that receives answers: a client's.
    pub fn of_responses() -> Decoder {
        Decoder::new(Direction::Response, limits::ANSWER_BYTES_MAX)
    }

    fn new(direction: Direction, body_bytes_max: usize) -> Decoder {
        Decoder {
            direction,
            body_bytes_max,
            version: None,
            is_settled: false,
            body_compression: None,
            segments: None,
            pending: BytesMut::new(),
            skip_bytes: 0,
        }
    }

    /// The version of the connection, once an envelope has named it.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// From now on, the version of the last envelope is the only one: STARTUP was accepted, or an answer has come.
    pub fn settle_version(&mut self) {
        self.is_settled = true;
    }

    /// Bytes of envelopes, or of the beginning of one, that came out of segments and were not taken.
    pub fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// From now on, flagged bodies are decompressed so (v4).
    pub fn use_compression(&mut self, compression: Compression) {
        self.body_compression = Some(compression);
    }

    /// From now on, envelopes come in segments (v5).
    pub fn use_segments(&mut self, format: segment::Format) {
        self.segments = Some(format);
    }

    /// Takes the next envelope off the front of `input`; `None` if more bytes are needed.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Envelope>, Failure> {
        let Some(format) = self.segments else {
            return self.next_envelope(input);
        };
        loop {
            let mut pending = std::mem::take(&mut self.pending);
            let envelope = self.next_envelope(&mut pending);
            // An empty view would hold on to the memory of the socket's buffer, which could then not be used again.
            if !pending.is_empty() {
                self.pending = pending;
            }
            if !matches!(envelope, Ok(None)) {
                return envelope;
            }
            if !self.open_segment(format, input)? {
                return Ok(None);
            }
        }
    }

    /// Gives up the envelope that has begun and is not whole: what came of it goes, what is still to come will be skipped.
    /// Its stream, if its header is there.
    pub fn refuse(&mut self, input: &mut BytesMut) -> Option<i16> {
        let mut pending = std::mem::take(&mut self.pending);
        let begun = match self.segments {
            Some(_) => &mut pending,
            None => input,
        };
        let total_bytes = envelope_bytes(begun).filter(|_| self.skip_bytes == 0);
        let stream = total_bytes.map(|_| i16::from_be_bytes([begun[2], begun[3]]));
        if let Some(total_bytes) = total_bytes {
            self.skip_bytes = total_bytes;
            self.skip(begun);
        }
        if !pending.is_empty() {
            self.pending = pending;
        }
        stream
    }

    /// Moves the payload of one segment to `pending`.
    fn open_segment(
        &mut self,
        format: segment::Format,
        input: &mut BytesMut,
    ) -> Result<bool, Failure> {
        let Some(segment) =
            segment::decode(format, input).map_err(|error| fatal(0, error.into()))?
        else {
            return Ok(false);
        };
        // A self-contained segment holds whole envelopes, so the one before must be complete, and none may hang over.
        if segment.self_contained && (!self.pending.is_empty() || self.skip_bytes > 0) {
            return Err(fatal(
                0,
                Error::Protocol("A self-contained frame interrupts a larger message".to_owned()),
            ));
        }
        if segment.self_contained && !holds_whole_envelopes(&segment.payload) {
            return Err(fatal(
                0,
                Error::Protocol("A self-contained frame ends within a message".to_owned()),
            ));
        }
        if self.pending.is_empty() {
            self.pending = segment.payload;
        } else {
            self.pending.extend_from_slice(&segment.payload);
        }
        Ok(true)
    }

    fn next_envelope(&mut self, input: &mut BytesMut) -> Result<Option<Envelope>, Failure> {
        self.skip(input);
        if self.skip_bytes > 0 {
            return Ok(None);
        }
        let Some(version) = spoken_version(input)? else {
            return Ok(None);
        };
        let Some(total_bytes) = envelope_bytes(input) else {
            return Ok(None);
        };
        let header = Header {
            direction_bit: input[0] & DIRECTION_BIT,
            version,
            flags: input[1],
            stream: i16::from_be_bytes([input[2], input[3]]),
            code: input[4],
        };
        if !self.is_settled {
            self.version = Some(version);
            self.is_settled = self.direction == Direction::Response;
        }
        if let Err(failure) = self.check_header(&header, total_bytes - HEADER_BYTES) {
            self.skip_bytes = total_bytes;
            self.skip(input);
            return Err(failure);
        }
        if input.len() < total_bytes {
            return Ok(None);
        }
        let mut body = input.split_to(total_bytes);
        body.advance(HEADER_BYTES);
        self.finish_envelope(header, body.freeze()).map(Some)
    }

    fn skip(&mut self, input: &mut BytesMut) {
        let dropped = self.skip_bytes.min(input.len());
        input.advance(dropped);
        self.skip_bytes -= dropped;
    }

    fn check_header(&self, header: &Header, body_bytes: usize) -> Result<(), Failure> {
        let stream = header.stream;
        if body_bytes > limits::ANSWER_BYTES_MAX {
            return Err(fatal(
                stream,
                Error::too_big(body_bytes, self.body_bytes_max),
            ));
        }
        if body_bytes > self.body_bytes_max {
            return Err(Failure::Refused {
                stream,
                error: Error::too_big(body_bytes, self.body_bytes_max),
            });
        }
        let refused = |error| Err(Failure::Refused { stream, error });
        match self.version {
            Some(before) if self.is_settled && before != header.version => {
                return refused(Error::Protocol(format!(
                    "Invalid message version. Got {} but previous messages on this connection had version {before}",
                    header.version
                )));
            }
            _ => {}
        }
        match Opcode::from_code(header.code) {
            None => refused(Error::Protocol(format!("Unknown opcode {}", header.code))),
            Some(opcode)
                if opcode.direction() != self.direction
                    || header.direction_bit != self.direction.bit() =>
            {
                refused(wrong_direction(opcode, self.direction))
            }
            Some(_) => Ok(()),
        }
    }

    fn finish_envelope(&self, header: Header, body: Bytes) -> Result<Envelope, Failure> {
        let Header {
            version,
            flags,
            stream,
            code,
            ..
        } = header;
        let opcode = Opcode::from_code(code).expect("the header was checked");
        // On v5 the flag has no meaning: segments are compressed, not bodies.
        let compressed = flags & flags::COMPRESSED != 0 && version == Version::V4;
        let body = if compressed {
            self.decompress(stream, &body)?
        } else {
            body
        };
        Ok(Envelope {
            version,
            flags: flags & !flags::COMPRESSED,
            stream,
            opcode,
            body,
        })
    }

    fn decompress(&self, stream: i16, body: &[u8]) -> Result<Bytes, Failure> {
        let Some(compression) = self.body_compression else {
            let error = "Received a compressed message, but STARTUP agreed on no compression";
            return Err(Failure::Refused {
                stream,
                error: Error::Protocol(error.to_owned()),
            });
        };
        compression
            .decompress(body, self.body_bytes_max)
            .map_err(|error| Failure::Refused { stream, error })
    }
}

/// The fields of a header before its body is there.
struct Header {
    direction_bit: u8,
    version: Version,
    flags: u8,
    stream: i16,
    code: u8,
}

/// Reads version and stream, the first four bytes, which say enough to refuse a client of another version.
fn spoken_version(input: &[u8]) -> Result<Option<Version>, Failure> {
    let Some(&[first, _, high, low]) = input.first_chunk::<4>() else {
        return Ok(None);
    };
    let number = first & !DIRECTION_BIT;
    // Before version 3 the stream was one byte.
    let stream = if number < 3 {
        i16::from(high as i8)
    } else {
        i16::from_be_bytes([high, low])
    };
    match Version::from_number(number) {
        Some(version) => Ok(Some(version)),
        None => Err(Failure::UnsupportedVersion {
            stream,
            error: Version::unsupported(number),
        }),
    }
}

fn fatal(stream: i16, error: Error) -> Failure {
    Failure::Fatal { stream, error }
}

fn holds_whole_envelopes(mut payload: &[u8]) -> bool {
    while !payload.is_empty() {
        match envelope_bytes(payload).and_then(|length| payload.get(length..)) {
            Some(rest) => payload = rest,
            None => return false,
        }
    }
    true
}
