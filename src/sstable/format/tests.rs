//! The fixed parts of a file: header, footer, handles.

use base::compress::Codec;

use super::*;

const ID: FileId = FileId(7);

#[test]
fn lengths_follow_from_the_tables() {
    assert_eq!(HEADER_BYTES, 40);
    assert_eq!(FOOTER_BYTES, 68);
}

#[test]
fn names_round_trip() {
    assert_eq!(file_name(FileId(0x1f)), "000000000000001f.sst");
    assert_eq!(parse_file_name("000000000000001f.sst"), Some(FileId(0x1f)));
    assert_eq!(parse_temporary_name(&temporary_name(ID)), Some(ID));
    for name in [
        "1f.sst",
        "000000000000001F.sst",
        "+00000000000001f.sst",
        "x.tmp",
    ] {
        assert_eq!(parse_file_name(name), None, "{name}");
    }
}

#[test]
fn header_and_footer_refuse_every_flipped_bit() {
    let header = Header {
        id: ID,
        table: [9; 16],
    };
    let mut bytes = Vec::new();
    header.encode(&mut bytes);
    assert_eq!(Header::decode(&bytes), Ok(header));
    every_flip(&mut bytes, |bytes| Header::decode(bytes).is_err());

    let block = Handle {
        offset: 40,
        len: 32,
    };
    let footer = Footer {
        statistics: block,
        root: block,
        filters: None,
        depth: 1,
        file_len: 200,
        id: ID,
    };
    let mut bytes = Vec::new();
    let crc = footer.encode(&mut bytes);
    assert_eq!(bytes.len(), FOOTER_BYTES);
    assert_eq!(Footer::decode(&bytes, 200), Ok((footer, crc)));
    assert!(Footer::decode(&bytes, 201).is_err());
    every_flip(&mut bytes, |bytes| Footer::decode(bytes, 200).is_err());
}

#[test]
fn blocks_refuse_every_flipped_bit_another_place_and_another_file() {
    for codec in [Codec::None, Codec::Lz4, Codec::Zstd, Codec::Snappy] {
        let plain = b"abcdefgh".repeat(20);
        let mut bytes = Vec::new();
        let handle = seal(ID, 40, Kind::Data, codec, &plain, &mut bytes).expect("fits");
        assert_eq!(handle.len as usize, bytes.len());
        let opened = open(ID, 40, &bytes).expect("intact");
        assert_eq!(opened.envelope.codec, codec);
        assert_eq!(opened.plain().expect("intact"), plain);
        assert!(open(ID, 41, &bytes).is_err());
        assert!(open(FileId(8), 40, &bytes).is_err());
        every_flip(&mut bytes, |bytes| open(ID, 40, bytes).is_err());
    }
}

#[test]
fn what_does_not_shrink_is_stored_plain() {
    let mut bytes = Vec::new();
    seal(ID, 0, Kind::Data, Codec::Lz4, b"abc", &mut bytes).expect("fits");
    assert_eq!(
        open(ID, 0, &bytes).expect("intact").envelope.codec,
        Codec::None
    );
    assert_eq!(
        seal(ID, 0, Kind::Data, Codec::Lz4, b"", &mut bytes),
        None,
        "empty"
    );
}

fn every_flip(bytes: &mut [u8], refused: impl Fn(&[u8]) -> bool) {
    for index in 0..bytes.len() {
        for bit in 0..8 {
            bytes[index] ^= 1 << bit;
            assert!(refused(bytes), "byte {index} bit {bit}");
            bytes[index] ^= 1 << bit;
        }
    }
}
