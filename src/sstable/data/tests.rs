//! Data blocks: what is written is found, whatever the shape.

use model::{Deletion, Timestamp};
use proptest::prelude::*;
use types::token::Token;

use super::*;

fn image() -> Vec<u8> {
    let mut out = Vec::new();
    model::image::Builder::new()
        .liveness(model::Liveness::plain(Timestamp(5)))
        .finish_into(&mut out);
    out
}

fn deletion(timestamp: i64) -> Deletion {
    Deletion {
        timestamp: Timestamp(timestamp),
        local_seconds: 7,
    }
}

/// A block with a continued partition, some of one row, and one that goes on.
fn sample() -> Vec<u8> {
    let image = image();
    let mut keys: Vec<(Token, &[u8])> = [&b"a"[..], b"bb", b"ccc", b"dddd"]
        .into_iter()
        .map(|key| (Token::of(key), key))
        .collect();
    keys.sort();
    let mut builder = Builder::default();
    let header = Some(Header {
        distance: 500,
        len: 90,
    });
    builder.begin(
        keys[0].0,
        keys[0].1,
        Some(deletion(3)),
        Start::Continued { header },
    );
    builder.tombstone(b"a", b"c", deletion(1), true);
    for row in 0..20u8 {
        builder.row(&[b'b', b'0', row], &image);
    }
    builder.tombstone(b"d", b"e", deletion(2), false);
    builder.end(false, false);
    builder.begin(
        keys[1].0,
        keys[1].1,
        None,
        Start::Begun { static_row: None },
    );
    builder.row(b"", &image);
    builder.end(false, false);
    let static_row = Some(image.as_slice());
    builder.begin(keys[2].0, keys[2].1, None, Start::Begun { static_row });
    builder.end(false, false);
    builder.begin(
        keys[3].0,
        keys[3].1,
        None,
        Start::Begun { static_row: None },
    );
    builder.row(b"x", &image);
    builder.tombstone(b"y", b"z", deletion(4), false);
    builder.end(true, true);
    let mut plain = Vec::new();
    builder.take(&mut plain);
    plain
}

#[test]
fn a_block_is_found_in_again() {
    let block = Block::decode(sample()).expect("own block");
    block.check().expect("own block");
    assert_eq!(block.partitions(), 3);
    for key in [&b"a"[..], b"bb", b"ccc", b"dddd"] {
        let run = block
            .find(Token::of(key), key)
            .expect("decodes")
            .expect("there");
        assert_eq!(block.bytes(run.key()), key);
    }
    assert!(
        block
            .find(Token::of(b"e"), b"e")
            .expect("decodes")
            .is_none()
    );
    let first = block.first().expect("decodes");
    assert!(first.is_continued() && first.is_open_at_start() && !first.has_more());
    assert_eq!(first.deletion(), Some(deletion(3)));
    let last = block.last().expect("decodes");
    assert!(last.has_more() && last.is_open_at_end() && !last.is_continued());
    let single = block.next(&first).expect("decodes").expect("there");
    assert!(single.is_single());
}

#[test]
fn rows_are_found_by_restart_points() {
    let block = Block::decode(sample()).expect("own block");
    let run = block.first().expect("decodes");
    let mut rows = Rows::default();
    for row in 0..20u8 {
        assert!(
            rows.seek(&block, &run, &[b'b', b'0', row])
                .expect("decodes")
        );
        assert_eq!(rows.key(), [b'b', b'0', row]);
        assert!(
            rows.seek(&block, &run, &[b'b', b'0', row, 1])
                .expect("decodes")
                == (row < 19)
        );
    }
    assert!(rows.seek(&block, &run, b"").expect("decodes"));
    assert_eq!(rows.key(), b"b0\0");
}

/// Everything that reading does, on a block that may be anything.
fn touch(block: &Block) -> Result<(), base::bytes::Error> {
    block.check()?;
    block.find(Token(3), b"a")?;
    block.find_token(Token(0))?;
    let mut next = Some(block.first()?);
    let mut count = 0;
    while let Some(run) = next.filter(|_| count < 1_000) {
        let mut rows = Rows::default();
        rows.seek(block, &run, b"b")?;
        while rows.advance(block, &run)? {}
        next = block.next(&run)?;
        count += 1;
    }
    Ok(())
}

#[test]
fn flipped_bits_and_cuts_never_panic() {
    let plain = sample();
    for at in 0..plain.len() {
        for bit in 0..8 {
            let mut broken = plain.clone();
            broken[at] ^= 1 << bit;
            let _ = Block::decode(broken).and_then(|block| touch(&block));
        }
        let _ = Block::decode(plain[..at].to_vec()).and_then(|block| touch(&block));
    }
}

proptest! {
    #[test]
    fn any_bytes_never_panic(mut plain in prop::collection::vec(any::<u8>(), 0..200), count in 0u32..4) {
        plain.extend_from_slice(&count.to_le_bytes());
        let _ = Block::decode(plain).and_then(|block| touch(&block));
    }
}
