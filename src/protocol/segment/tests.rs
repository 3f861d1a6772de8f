//! Segments of version 5: checksums, reassembly, damage.

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::frame::{self, Direction, Opcode};
use crate::version::Version;

const FORMATS: [Format; 2] = [Format::Uncompressed, Format::Lz4];

fn put_envelope(body: &[u8], out: &mut BytesMut) {
    let envelope = frame::begin(out, Direction::Request, Version::V5, 0, 7, Opcode::Query);
    out.extend_from_slice(body);
    frame::finish(out, envelope);
}

fn envelopes(bodies: &[Vec<u8>]) -> BytesMut {
    let mut out = BytesMut::new();
    bodies.iter().for_each(|body| put_envelope(body, &mut out));
    out
}

fn encoded(format: Format, envelopes: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    encode(format, envelopes, &mut out);
    out
}

fn decoded(format: Format, mut input: BytesMut) -> Vec<Segment> {
    let mut segments = Vec::new();
    while let Some(segment) = decode(format, &mut input).expect("what was encoded is valid") {
        segments.push(segment);
    }
    assert!(input.is_empty(), "{} bytes left", input.len());
    segments
}

/// CRC-24 bit by bit, as its definition has it.
fn crc24_slowly(header: u64, header_bytes: usize) -> u32 {
    let mut crc = CRC24_START;
    for byte in &header.to_le_bytes()[..header_bytes] {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= CRC24_POLYNOMIAL;
            }
        }
    }
    crc
}

#[test]
fn an_uncompressed_segment_byte_by_byte() {
    let options = envelopes(&[Vec::new()]);
    let bytes = encoded(Format::Uncompressed, &options);
    let header = 9u64 | 1 << 17;
    assert_eq!(&bytes[..3], [0x09, 0x00, 0x02]);
    assert_eq!(bytes[3..6], crc24_slowly(header, 3).to_le_bytes()[..3]);
    assert_eq!(&bytes[6..15], &options[..]);
    let crc = base::checksum::crc32(&[&[0xFA, 0x2D, 0x55, 0xCA], &options[..]].concat());
    assert_eq!(bytes[15..], crc.to_le_bytes());
}

#[test]
fn a_compressed_segment_says_both_lengths() {
    let plain = envelopes(&[vec![b'x'; 1000]]);
    let bytes = encoded(Format::Lz4, &plain);
    let header = little_endian(&bytes[..5]);
    assert_eq!(header >> 17 & LENGTH_MASK, 1009);
    assert_eq!(header & LENGTH_MASK, bytes.len() as u64 - 12);
    assert_eq!(header >> 34, 1);
    assert!(bytes.len() < 100);
}

#[test]
fn what_does_not_shrink_is_sent_as_it_is() {
    let plain = envelopes(&[b"short".to_vec()]);
    let bytes = encoded(Format::Lz4, &plain);
    assert_eq!(little_endian(&bytes[..5]) >> 17 & LENGTH_MASK, 0);
    assert_eq!(&bytes[8..8 + plain.len()], &plain[..]);
    assert_eq!(decoded(Format::Lz4, bytes)[0].payload, plain);
}

#[test]
fn small_envelopes_share_a_segment_and_large_ones_are_cut() {
    for format in FORMATS {
        let plain = envelopes(&[
            vec![1; 10],
            vec![2; 20],
            vec![3; 300_000],
            vec![4; 30],
            vec![5; 131_000],
            vec![6; 100],
        ]);
        let segments = decoded(format, encoded(format, &plain));
        let kinds: Vec<(bool, usize)> = segments
            .iter()
            .map(|segment| (segment.self_contained, segment.payload.len()))
            .collect();
        let expected = [
            (true, 48),
            (false, 131_071),
            (false, 131_071),
            (false, 37_867),
            (true, 131_048),
            (true, 109),
        ];
        assert_eq!(kinds, expected, "{format:?}");
        let whole: Vec<u8> = segments
            .iter()
            .flat_map(|segment| segment.payload.to_vec())
            .collect();
        assert!(whole == plain, "{format:?}: bytes differ");
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    for format in FORMATS {
        let bytes = encoded(format, &envelopes(&[vec![b'a'; 200], b"tail".to_vec()]));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = decode(format, &mut damaged).expect_err("a flipped bit");
            assert!(
                error.to_string().contains("CRC mismatch"),
                "bit {bit}: {error}"
            );
        }
    }
}

#[test]
fn a_segment_is_awaited_whole() {
    for format in FORMATS {
        let bytes = encoded(format, &envelopes(&[vec![b'a'; 200]]));
        for length in 0..bytes.len() {
            let mut part = BytesMut::from(&bytes[..length]);
            assert_eq!(decode(format, &mut part), Ok(None));
            assert_eq!(part.len(), length);
        }
    }
}

#[test]
fn a_block_that_does_not_match_its_length_is_an_error() {
    let payload = [0xFF; 16];
    let header = payload.len() as u64 | 100_000 << LENGTH_BITS | 1 << 34;
    let mut bytes = BytesMut::new();
    bytes.put_uint_le(header, 5);
    bytes.put_uint_le(u64::from(crc24(header, 5)), 3);
    bytes.put_slice(&payload);
    bytes.put_u32_le(crc32(&payload));
    assert!(
        decode(Format::Lz4, &mut bytes)
            .unwrap_err()
            .to_string()
            .starts_with("Cannot decompress")
    );
}

proptest! {
    #[test]
    fn the_table_agrees_with_the_definition(header in 0u64..1 << 40) {
        for header_bytes in [3, 5] {
            prop_assert_eq!(crc24(header, header_bytes), crc24_slowly(header, header_bytes));
        }
    }

    #[test]
    fn envelopes_come_back(bodies in proptest::collection::vec(proptest::collection::vec(0u8..3, 0..5000), 1..60)) {
        let plain = envelopes(&bodies);
        for format in FORMATS {
            let segments = decoded(format, encoded(format, &plain));
            let whole: Vec<u8> = segments.iter().flat_map(|segment| segment.payload.to_vec()).collect();
            prop_assert!(whole == plain);
        }
    }

    #[test]
    fn junk_never_panics(junk in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in FORMATS {
            let _ = decode(format, &mut BytesMut::from(&junk[..]));
        }
    }
}
