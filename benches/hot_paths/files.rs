//! A data block of an SSTable: taken from its plain bytes, and a row found in it.

use std::hint::black_box;

use model::cell::Kind;
use model::image;
use model::{ColumnId, Liveness, Timestamp};
use sstable::data::{Block, Builder, Rows, Start};
use types::Token;

use crate::{Operation, Path};

const PARTITIONS: i64 = 100;

/// The paths of this module.
pub fn paths() -> Vec<Path> {
    vec![
        Path {
            name: "block_decode",
            title: "a data block of a hundred partitions taken from its bytes",
            prepare: decode,
        },
        Path {
            name: "block_find",
            title: "the row of one partition found in it",
            prepare: find,
        },
    ]
}

fn key(partition: i64) -> [u8; 16] {
    let mut key = [0; 16];
    key[8..].copy_from_slice(&partition.to_be_bytes());
    key
}

fn plain() -> Vec<u8> {
    let (mut row, mut image) = (image::Builder::new(), Vec::new());
    row.liveness(Liveness::plain(Timestamp(1))).cell(
        ColumnId(1),
        Timestamp(1),
        Kind::Value(&[5; 100]),
    );
    row.finish_into(&mut image);
    let mut block = Builder::default();
    for partition in 0..PARTITIONS {
        block.begin(
            Token(partition),
            &key(partition),
            None,
            Start::Begun { static_row: None },
        );
        block.row(&[], &image);
        block.end(false, false);
    }
    let mut out = Vec::new();
    block.take(&mut out);
    out
}

fn decode() -> Operation {
    let plain = plain();
    Box::new(move |_| {
        black_box(Block::decode(plain.clone()).expect("a valid block"));
    })
}

fn find() -> Operation {
    let block = Block::decode(plain()).expect("a valid block");
    let mut rows = Rows::default();
    Box::new(move |number| {
        let partition = number as i64 % PARTITIONS;
        let run = block
            .find(Token(partition), &key(partition))
            .expect("a valid block")
            .expect("the partition");
        rows.rewind(&run);
        assert!(rows.advance(&block, &run).expect("a valid block"));
        black_box(block.bytes(rows.image()));
    })
}
