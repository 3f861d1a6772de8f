//! Envelopes in both directions: cut anywhere, damaged, too large, compressed.

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::compress::Compression;
use crate::response;
use crate::segment;

const LIMIT: usize = 1000;

fn put(version: Version, stream: i16, body: &[u8], out: &mut BytesMut) {
    let envelope = begin(out, Direction::Request, version, 0, stream, Opcode::Query);
    out.extend_from_slice(body);
    finish(out, envelope);
}

fn bytes_of(version: Version, stream: i16, body: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    put(version, stream, body, &mut out);
    out
}

/// Takes everything out of the input, and what stopped it.
fn drain(decoder: &mut Decoder, input: &mut BytesMut) -> (Vec<Envelope>, Option<Failure>) {
    let mut envelopes = Vec::new();
    loop {
        match decoder.decode(input) {
            Ok(Some(envelope)) => envelopes.push(envelope),
            Ok(None) => return (envelopes, None),
            Err(failure) => return (envelopes, Some(failure)),
        }
    }
}

#[test]
fn a_header_byte_by_byte() {
    let bytes = bytes_of(Version::V4, 0x0102, b"body");
    assert_eq!(&bytes[..], b"\x04\x00\x01\x02\x07\x00\x00\x00\x04body");
}

#[test]
fn opcodes_are_reversible() {
    for code in 0..=255 {
        if let Some(opcode) = Opcode::from_code(code) {
            assert_eq!(opcode as u8, code);
        }
    }
    assert_eq!((0..=255).filter_map(Opcode::from_code).count(), 16);
    assert_eq!(Opcode::from_code(0x04), None);
}

#[test]
fn envelopes_arrive_byte_by_byte() {
    let mut whole = bytes_of(Version::V4, 1, b"first");
    put(Version::V4, 2, b"", &mut whole);
    let mut decoder = Decoder::of_requests(LIMIT);
    let mut input = BytesMut::new();
    let mut found = Vec::new();
    for byte in &whole {
        input.extend_from_slice(&[*byte]);
        found.extend(decoder.decode(&mut input).unwrap());
    }
    let summary: Vec<(i16, &[u8])> = found
        .iter()
        .map(|envelope| (envelope.stream, &envelope.body[..]))
        .collect();
    assert_eq!(summary, [(1, &b"first"[..]), (2, b"")]);
}

#[test]
fn unknown_versions_are_refused_in_the_words_that_drivers_match() {
    let check = |first: &[u8], stream: i16, number: &str| {
        let failure = Decoder::of_requests(LIMIT)
            .decode(&mut BytesMut::from(first))
            .unwrap_err();
        let Failure::UnsupportedVersion {
            stream: answered,
            error,
        } = failure
        else {
            panic!("{failure:?}")
        };
        let mut answer = BytesMut::new();
        response::encode_unsupported_version(&error, answered, &mut answer);
        let text = format!(
            "Invalid or unsupported protocol version ({number}); supported versions are (4/v4, 5/v5)"
        );
        let mut expected = vec![0x85, 0];
        expected.extend(stream.to_be_bytes());
        expected.push(0x00);
        expected.extend((text.len() as u32 + 6).to_be_bytes());
        expected.extend([0, 0, 0, 0x0A]);
        expected.extend((text.len() as u16).to_be_bytes());
        expected.extend(text.as_bytes());
        assert_eq!(answer, expected);
    };
    check(b"\x42\x10\x00\x00\x05\x00\x00\x00\x00", 0, "66");
    check(b"\x41\x00\x00\x07", 7, "65");
    check(b"\x03\x00\x01\x00\x01\x00\x00\x00\x16", 256, "3");
    check(b"\x06\x10\x00\x02\x05\x00\x00\x00\x00", 2, "6");
    check(b"\x01\x00\x05\x05", 5, "1");
}

#[test]
fn a_settled_version_does_not_change() {
    let mut decoder = Decoder::of_requests(LIMIT);
    let mut input = bytes_of(Version::V5, 1, b"");
    put(Version::V4, 2, b"", &mut input);
    let (envelopes, failure) = drain(&mut decoder, &mut input);
    assert_eq!((envelopes.len(), failure), (2, None));
    decoder.settle_version();
    put(Version::V5, 3, b"body", &mut input);
    put(Version::V4, 4, b"", &mut input);
    let failure = decoder.decode(&mut input).unwrap_err();
    assert!(matches!(failure, Failure::Refused { .. }));
    assert_eq!(
        failure.to_string(),
        "stream 3: Invalid message version. Got 5/v5 but previous messages on this connection had version 4/v4"
    );
    let next = decoder.decode(&mut input).unwrap().unwrap();
    assert_eq!((next.stream, decoder.version()), (4, Some(Version::V4)));
}

#[test]
fn an_answer_sent_to_a_server_is_refused_and_skipped() {
    let mut input = bytes_of(Version::V4, 1, b"body");
    input[0] |= DIRECTION_BIT;
    put(Version::V4, 2, b"", &mut input);
    let mut decoder = Decoder::of_requests(LIMIT);
    let failure = decoder.decode(&mut input).unwrap_err();
    let Failure::Refused { stream: 1, error } = failure else {
        panic!("{failure}")
    };
    assert_eq!(
        error.to_string(),
        "Wrong protocol direction (expected REQUEST, got RESPONSE) for opcode 7 (QUERY)"
    );
    assert_eq!(decoder.decode(&mut input).unwrap().unwrap().stream, 2);
}

#[test]
fn what_is_too_big_is_refused_at_its_header_and_skipped() {
    let mut whole = bytes_of(Version::V4, 3, &[0; LIMIT + 1]);
    put(Version::V4, 4, b"next", &mut whole);
    let mut decoder = Decoder::of_requests(LIMIT);
    let mut input = whole.split_to(HEADER_BYTES);
    let failure = decoder.decode(&mut input).unwrap_err();
    let error = Error::Invalid(
        "Request is too big: length 1001 exceeds maximum allowed length 1000.".to_owned(),
    );
    assert_eq!(failure, Failure::Refused { stream: 3, error });
    let mut found = Vec::new();
    for piece in whole.chunks(100) {
        input.extend_from_slice(piece);
        found.extend(decoder.decode(&mut input).unwrap());
        assert!(input.len() < 100, "a refused body is not kept");
    }
    assert_eq!(&found[0].body[..], b"next");
}

#[test]
fn an_absurd_length_is_final() {
    let mut input = BytesMut::from(&b"\x04\x00\x00\x09\x07\xFF\xFF\xFF\xFF"[..]);
    let failure = Decoder::of_requests(LIMIT).decode(&mut input).unwrap_err();
    assert!(
        matches!(failure, Failure::Fatal { stream: 9, .. }),
        "{failure:?}"
    );
}

#[test]
fn odd_opcodes_are_refused_alone() {
    let mut input = BytesMut::from(
        &b"\x04\x00\x00\x01\x04\x00\x00\x00\x01x\x04\x00\x00\x02\x08\x00\x00\x00\x00"[..],
    );
    put(Version::V4, 3, b"next", &mut input);
    let mut decoder = Decoder::of_requests(LIMIT);
    let failures = [
        decoder.decode(&mut input).unwrap_err(),
        decoder.decode(&mut input).unwrap_err(),
    ];
    let texts = failures.map(|failure| failure.to_string());
    assert_eq!(
        texts,
        [
            "stream 1: Unknown opcode 4",
            "stream 2: Wrong protocol direction (expected REQUEST, got RESPONSE) for opcode 8 (RESULT)"
        ]
    );
    assert_eq!(decoder.decode(&mut input).unwrap().unwrap().stream, 3);
}

#[test]
fn bodies_are_compressed_where_it_pays() {
    for compression in [Compression::Lz4, Compression::Snappy] {
        let mut encoder = Encoder::new();
        put(Version::V4, 0, b"STARTUP", encoder.buffer());
        encoder.use_compression(compression);
        put(Version::V4, 1, &[b'x'; 900], encoder.buffer());
        put(Version::V4, 2, b"short", encoder.buffer());
        let mut input = encoder.output().split();
        assert!(input.len() < 200);
        let mut decoder = Decoder::of_requests(LIMIT);
        decoder.use_compression(compression);
        let (envelopes, failure) = drain(&mut decoder, &mut input);
        assert_eq!(failure, None);
        let bodies: Vec<&[u8]> = envelopes
            .iter()
            .map(|envelope| &envelope.body[..])
            .collect();
        assert_eq!(bodies, [&b"STARTUP"[..], &[b'x'; 900], b"short"]);
        assert!(envelopes.iter().all(|envelope| envelope.flags == 0));
    }
}

#[test]
fn compression_must_be_agreed_and_right() {
    let compressed = |body: &[u8]| {
        let mut bytes = bytes_of(Version::V4, 5, body);
        bytes[1] = flags::COMPRESSED;
        bytes
    };
    let refusal = |decoder: &mut Decoder, body: &[u8]| {
        decoder
            .decode(&mut compressed(body))
            .unwrap_err()
            .to_string()
    };
    let mut decoder = Decoder::of_requests(LIMIT);
    assert_eq!(
        refusal(&mut decoder, b"1234"),
        "stream 5: Received a compressed message, but STARTUP agreed on no compression"
    );
    decoder.use_compression(Compression::Lz4);
    assert_eq!(
        refusal(&mut decoder, &[0, 0, 4, 0, 0]),
        "stream 5: Request is too big: length 1024 exceeds maximum allowed length 1000."
    );
    assert!(refusal(&mut decoder, &[0, 0, 0, 9, 0xFF]).starts_with("stream 5: Cannot decompress"));
    assert!(refusal(&mut decoder, &[0]).starts_with("stream 5: Not enough bytes"));
    assert_eq!(
        decoder.decode(&mut compressed(b"")).unwrap().unwrap().body,
        b""[..]
    );
}

#[test]
fn segments_carry_envelopes_of_any_size() {
    for format in [segment::Format::Uncompressed, segment::Format::Lz4] {
        let bodies: Vec<Vec<u8>> = [0, 5, 200_000, 1, 131_062, 131_063, 400_000, 7]
            .map(|length| vec![b'y'; length])
            .into();
        let mut encoder = Encoder::new();
        put(Version::V5, 0, b"STARTUP", encoder.buffer());
        encoder.use_segments(format);
        bodies
            .iter()
            .for_each(|body| put(Version::V5, 1, body, encoder.buffer()));
        let mut input = encoder.output().split();
        let mut decoder = Decoder::of_requests(400_000);
        assert_eq!(
            decoder.decode(&mut input).unwrap().unwrap().body,
            b"STARTUP"[..]
        );
        decoder.use_segments(format);
        let (envelopes, failure) = drain(&mut decoder, &mut input);
        assert_eq!(failure, None);
        assert_eq!(envelopes.len(), bodies.len());
        assert!(
            envelopes
                .iter()
                .zip(&bodies)
                .all(|(envelope, body)| envelope.body == body[..])
        );
    }
}

#[test]
fn a_large_envelope_in_segments_is_refused_at_its_first() {
    let mut encoder = Encoder::new();
    encoder.use_segments(segment::Format::Uncompressed);
    put(Version::V5, 8, &[0; 300_000], encoder.buffer());
    put(Version::V5, 9, b"next", encoder.buffer());
    let mut input = encoder.output().split();
    let mut decoder = Decoder::of_requests(LIMIT);
    decoder.use_segments(segment::Format::Uncompressed);
    let failure = decoder.decode(&mut input).unwrap_err();
    assert!(
        matches!(failure, Failure::Refused { stream: 8, .. }),
        "{failure:?}"
    );
    assert_eq!(decoder.decode(&mut input).unwrap().unwrap().stream, 9);
}

#[test]
fn self_contained_segments_hold_whole_envelopes() {
    let check = |payloads: &[(&[u8], bool)], expected: &str| {
        let mut input = BytesMut::new();
        for (payload, self_contained) in payloads {
            segment::put_segment(
                segment::Format::Uncompressed,
                payload,
                *self_contained,
                &mut input,
            );
        }
        let mut decoder = Decoder::of_requests(LIMIT);
        decoder.use_segments(segment::Format::Uncompressed);
        let (_, failure) = drain(&mut decoder, &mut input);
        assert_eq!(
            failure.map(|failure| failure.to_string()),
            Some(expected.to_owned())
        );
    };
    let whole = bytes_of(Version::V5, 1, b"body");
    check(
        &[(&whole[..7], true)],
        "stream 0: A self-contained frame ends within a message",
    );
    check(
        &[(&whole[..7], false), (&whole, true)],
        "stream 0: A self-contained frame interrupts a larger message",
    );
}

#[test]
fn a_flag_can_be_set_later() {
    let mut out = BytesMut::from(&b"before"[..]);
    let envelope = begin(
        &mut out,
        Direction::Response,
        Version::V5,
        flags::TRACING,
        -1,
        Opcode::Event,
    );
    envelope.add_flags(&mut out, flags::WARNING);
    finish(&mut out, envelope);
    assert_eq!(&out[..], b"before\x85\x0A\xFF\xFF\x0C\0\0\0\0");
}

#[test]
fn the_memory_of_a_large_answer_is_given_back() {
    for format in [None, Some(segment::Format::Uncompressed)] {
        let mut encoder = Encoder::new();
        if let Some(format) = format {
            encoder.use_segments(format);
        }
        put(Version::V5, 1, &[0; 3 << 20], encoder.buffer());
        let length = encoder.output().len();
        encoder.advance(length);
        assert!(encoder.output().capacity() < 1 << 20);
        assert!(encoder.buffer().capacity() < 1 << 20);
        assert_eq!(encoder.pending_bytes(), 0);
    }
}

#[test]
fn the_buffer_of_the_socket_is_used_again() {
    let mut encoder = Encoder::new();
    encoder.use_segments(segment::Format::Uncompressed);
    let mut decoder = Decoder::of_requests(LIMIT);
    decoder.use_segments(segment::Format::Uncompressed);
    let mut input = BytesMut::with_capacity(512);
    let start = input.as_ptr();
    for stream in 0..100 {
        put(Version::V5, stream, b"body", encoder.buffer());
        input.extend_from_slice(encoder.output());
        encoder.output().clear();
        assert_eq!(decoder.decode(&mut input).unwrap().unwrap().stream, stream);
        assert_eq!(decoder.decode(&mut input).unwrap(), None);
        assert!(input.try_reclaim(512));
        assert_eq!(input.as_ptr(), start);
    }
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        bodies in proptest::collection::vec(proptest::collection::vec(0u8..4, 0..600), 1..12),
        cuts in proptest::collection::vec(1usize..700, 1..40),
        way in 0usize..5,
    ) {
        let version = if way < 3 { Version::V4 } else { Version::V5 };
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::of_requests(LIMIT));
        match way {
            0 => {}
            1 | 2 => {
                let compression = [Compression::Lz4, Compression::Snappy][way - 1];
                encoder.use_compression(compression);
                decoder.use_compression(compression);
            }
            _ => {
                let format = [segment::Format::Uncompressed, segment::Format::Lz4][way - 3];
                encoder.use_segments(format);
                decoder.use_segments(format);
            }
        }
        for (stream, body) in bodies.iter().enumerate() {
            put(version, stream as i16, body, encoder.buffer());
            if stream % 3 == 0 {
                encoder.seal();
            }
        }
        let mut whole = encoder.output().split();
        let mut input = BytesMut::new();
        let mut found = Vec::new();
        for cut in cuts.iter().cycle() {
            if whole.is_empty() {
                break;
            }
            input.extend_from_slice(&whole.split_to((*cut).min(whole.len())));
            let (envelopes, failure) = drain(&mut decoder, &mut input);
            prop_assert_eq!(failure, None);
            found.extend(envelopes);
        }
        prop_assert_eq!(found.len(), bodies.len());
        for (stream, (envelope, body)) in found.iter().zip(&bodies).enumerate() {
            prop_assert_eq!(envelope.stream, stream as i16);
            prop_assert_eq!(&envelope.body[..], &body[..]);
        }
    }

    #[test]
    fn junk_never_panics(junk in proptest::collection::vec(any::<u8>(), 0..300), segmented in any::<bool>()) {
        let mut decoder = Decoder::of_requests(LIMIT);
        decoder.use_compression(Compression::Lz4);
        if segmented {
            decoder.use_segments(segment::Format::Lz4);
        }
        let mut input = BytesMut::from(&junk[..]);
        for _ in 0..junk.len() {
            if !matches!(decoder.decode(&mut input), Ok(Some(_)) | Err(Failure::Refused { .. })) {
                break;
            }
        }
    }
}
