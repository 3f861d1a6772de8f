//! SSTables from bytes that may be anything: whole files, and the contents of each kind of block.
//!
//! Held: no panic; a data block that passes its check can be visited to its end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sstable::data::Block;
use sstable::filter::{Directory, Filter};
use sstable::format::{Footer, Header};
use sstable::index::Index;
use sstable::inspect::{self, entries};
use sstable::statistics::codec;

fuzz_target!(|data: &[u8]| {
    let Some((&kind, rest)) = data.split_first() else {
        return;
    };
    match kind % 6 {
        0 => whole_file(rest),
        1 => data_block(rest),
        2 => index_block(rest),
        3 => filters(rest),
        4 => drop(codec::decode(rest)),
        _ => {
            let _ = Header::decode(rest);
            let _ = Footer::decode(rest, rest.len() as u64);
        }
    }
});

fn whole_file(bytes: &[u8]) {
    let _ = inspect::File::open(bytes);
    let report = inspect::verify(bytes);
    assert!(!report.is_intact() || inspect::File::open(bytes).is_ok());
}

fn data_block(bytes: &[u8]) {
    let Ok(block) = Block::decode(bytes.to_vec()) else {
        return;
    };
    let visited = entries::visit(&block, |_| ());
    if block.check().is_ok() {
        visited.expect("a checked block reads to its end");
    }
}

fn index_block(bytes: &[u8]) {
    let Ok(index) = Index::decode(bytes, u64::MAX) else {
        return;
    };
    for entry in 0..index.len() {
        let _ = index.handle(entry);
        if let Some(separator) = index.separator(entry) {
            let _ = index.find(separator);
        }
    }
}

fn filters(bytes: &[u8]) {
    if let Ok(filter) = Filter::decode(bytes.to_vec()) {
        let _ = filter.may_contain(types::Token(bytes.len() as i64));
    }
    if let Ok(directory) = Directory::decode(bytes, u64::MAX) {
        let _ = directory.find(types::Token(0));
        assert!(directory.iter().count() > 0 || directory.is_empty());
    }
}
