//! Bytes of a socket to requests, on both versions, plain, compressed and in segments.
//!
//! The first byte of the input says how the connection was set up. The rest is taken as it is, and once more as envelopes that
//! a segment's valid checksums carry, since chance seldom finds those. Held: no panic, no body beyond the limit, and what was
//! decoded can be encoded, decoded and encoded to the same bytes.

#![no_main]

use base::limits::FRAME_BYTES_MAX;
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use protocol::compress::Compression;
use protocol::frame::{Decoder, Envelope, Failure, flags};
use protocol::request::{self, Request};
use protocol::segment::{self, Format};
use protocol::{Version, response};

fuzz_target!(|data: &[u8]| {
    let Some((&setup, rest)) = data.split_first() else {
        return;
    };
    decode_all(decoder(setup), rest, setup);
    let format = if setup & 1 == 0 {
        Format::Uncompressed
    } else {
        Format::Lz4
    };
    if !rest.is_empty() {
        let mut sealed = BytesMut::new();
        segment::encode(format, rest, &mut sealed);
        let mut decoder = Decoder::of_requests(FRAME_BYTES_MAX);
        decoder.use_segments(format);
        decode_all(decoder, &sealed, setup);
    }
    answers(rest);
});

fn decoder(setup: u8) -> Decoder {
    let mut decoder = Decoder::of_requests(FRAME_BYTES_MAX);
    match setup & 7 {
        1 => decoder.use_compression(Compression::Lz4),
        2 => decoder.use_compression(Compression::Snappy),
        3 => decoder.use_segments(Format::Uncompressed),
        4 => decoder.use_segments(Format::Lz4),
        _ => {}
    }
    decoder
}

/// Gives the decoder its input in pieces, whose size the setup chooses, as a socket would.
fn decode_all(mut decoder: Decoder, input: &[u8], setup: u8) {
    let piece_bytes = 1 << (setup >> 4);
    let mut buffer = BytesMut::new();
    for piece in input.chunks(piece_bytes) {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(envelope)) => decode_body(&envelope),
                Ok(None) => break,
                Err(Failure::Refused { .. }) => {}
                Err(Failure::UnsupportedVersion { error, .. } | Failure::Fatal { error, .. }) => {
                    assert!(!error.to_string().is_empty());
                    return;
                }
            }
        }
    }
}

fn decode_body(envelope: &Envelope) {
    assert!(envelope.body.len() <= FRAME_BYTES_MAX);
    let decoded = request::decode(
        envelope.version,
        envelope.flags,
        envelope.opcode,
        &envelope.body,
    );
    let request = match decoded {
        Ok(request) => request,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    walk(&request, envelope.version);
    let mut again = BytesMut::new();
    request.encode_body(envelope.version, &mut again);
    let plain = envelope.flags & !flags::CUSTOM_PAYLOAD;
    let repeated = request::decode(envelope.version, plain, envelope.opcode, &again)
        .expect("what was encoded decodes");
    let mut thrice = BytesMut::new();
    repeated.encode_body(envelope.version, &mut thrice);
    assert_eq!(thrice, again);
}

/// Reads all that is read only when it is needed.
fn walk(request: &Request<'_>, version: Version) {
    match request {
        Request::Startup(startup) => {
            let _ = startup.compression(version);
            let _ = startup.throws_on_overload();
        }
        Request::Query(query) => assert_eq!(
            query.parameters.values.iter().count(),
            query.parameters.values.len()
        ),
        Request::Execute(execute) => {
            let values = &execute.parameters.values;
            assert_eq!(values.iter().count(), values.len());
            let _ = values.by_name("a");
        }
        Request::Batch(batch) => {
            assert_eq!(batch.statements.iter().count(), batch.statements.len());
            for statement in batch.statements.iter() {
                assert_eq!(statement.values.iter().count(), statement.values.len());
            }
        }
        Request::Options
        | Request::Register(_)
        | Request::AuthResponse(_)
        | Request::Prepare(_) => {}
    }
}

/// The same bytes as a client would read them from a server.
fn answers(input: &[u8]) {
    let mut decoder = Decoder::of_responses();
    let mut buffer = BytesMut::from(input);
    while let Ok(Some(envelope)) = decoder.decode(&mut buffer) {
        let _ = response::decode(&envelope);
    }
}
