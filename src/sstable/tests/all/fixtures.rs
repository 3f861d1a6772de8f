//! A file of the past, read today; and the file of today, which is byte for byte what it was when its version began.
//!
//! `tests/fixtures/sstable/v1/` holds `intact.sst`, the same with one bit flipped (`damaged.sst`), and `intact.txt`, which
//! says what is in it. `UPDATE_GOLDENFILES=1 cargo test -p sstable --test all fixtures` writes them: when a new version of
//! the format begins, and not because bytes have changed by accident.

use std::fmt::Write as _;
use std::path::PathBuf;

use model::cell::Kind;
use model::image::{Builder, View};
use model::key::RangeTombstone;
use model::stream::Memory;
use model::{ColumnId, Liveness, PartitionKey, Timestamp};
use sstable::inspect::entries::{self, Entry};
use sstable::inspect::{self, Contents};
use sstable::{FileId, Options, format};

use crate::support::{ID, deletion, directory, row_image, table, write};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/sstable/v1")
        .join(name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "fixtures lie beside the source, outside of any simulated disk"
)]
fn read(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect("the fixture is there")
}

/// What is in a file, as text.
fn dump(bytes: &[u8]) -> String {
    let mut out = String::new();
    let header = format::Header::decode(bytes).expect("a header");
    for block in inspect::blocks(bytes, &header) {
        let block = block.expect("intact");
        writeln!(out, "{:?} at {}", block.envelope.kind, block.handle.offset).expect("a string");
        if let Contents::Data(data) = block.contents {
            entries::visit(&data, |entry| dump_entry(&entry, &mut out)).expect("intact");
        }
    }
    out
}

fn dump_entry(entry: &Entry<'_>, out: &mut String) {
    let written = match entry {
        Entry::Row { clustering, image } => {
            let view = View::new(image);
            let columns: Vec<_> = view
                .columns()
                .map(|(id, column)| format!("{}: {column:?}", id.0))
                .collect();
            let short = columns.join(", ").chars().take(120).collect::<String>();
            writeln!(out, "  row {clustering:?} {:?} {short}", view.liveness())
        }
        Entry::Partition {
            static_row,
            key,
            deletion,
            continued,
        } => writeln!(
            out,
            " partition {:?} token {} {deletion:?} static {:?} continued {continued}",
            key.bytes,
            key.token,
            static_row.map(<[u8]>::len)
        ),
        entry => writeln!(out, "  {entry:?}"),
    };
    written.expect("a string");
}

#[test]
fn version_1_is_read() {
    let bytes = read("intact.sst");
    let report = inspect::verify(&bytes);
    assert!(report.is_intact(), "{:?}", report.problems);
    let expected = String::from_utf8(read("intact.txt")).expect("text");
    assert_eq!(dump(&bytes), expected);
    let file = inspect::File::open(&bytes).expect("intact");
    assert_eq!(file.header.id, FileId(7));
    assert_eq!(file.statistics.log_positions, Some((11, 22)));
}

#[test]
fn the_damaged_file_is_named_as_such() {
    let (intact, damaged) = (read("intact.sst"), read("damaged.sst"));
    let differing: Vec<usize> = (0..intact.len())
        .filter(|at| intact[*at] != damaged[*at])
        .collect();
    assert_eq!(differing.len(), 1);
    let report = inspect::verify(&damaged);
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
    assert!(report.problems[0].offset <= differing[0] as u64);
    assert_eq!(report.problems[0].what, "block checksum");
}

fn generate() -> Vec<u8> {
    sim::local::block_on(1, |env| async move {
        let dir = directory(&env).await;
        let options = Options {
            block_bytes: 400,
            index_bytes: 100,
            // Compressed bytes may differ between versions of a codec; the format does not.
            codec: base::compress::Codec::None,
            log_positions: Some((11, 22)),
            repaired_micros: Some(1_700_000_000_000_000),
            ..Options::new(table())
        };
        write(&env, &dir, &sample(), options)
            .await
            .expect("not empty");
        let file = dir.open(&format::file_name(ID)).expect("there");
        file.read_all(1 << 20).expect("reads")
    })
}

/// Something of everything.
fn sample() -> Memory {
    let mut memory = Memory::new();
    for number in 0..20u8 {
        let key = PartitionKey::new(vec![number, 0, number]);
        memory.row(
            key.as_ref(),
            b"",
            &row_image(1_000 + i64::from(number), &[number; 10]),
        );
    }
    let wide = PartitionKey::new("wide");
    memory.static_row(wide.as_ref(), &row_image(77, b"static"));
    memory.delete_partition(wide.as_ref(), deletion(50_000));
    for row in 0..60u8 {
        memory.row(
            wide.as_ref(),
            &[0x40, row / 10, row],
            &row_image(60_000 + i64::from(row), &[row; 12]),
        );
    }
    for (start, end) in [(5u8, 25u8), (30, 31), (31, 59)] {
        let range = RangeTombstone {
            start: vec![0x40, start / 10, start].into(),
            end: vec![0x40, end / 10, end].into(),
            deletion: deletion(50_500 + i64::from(start)),
        };
        memory.range_tombstone(wide.as_ref(), range);
    }
    let gone = PartitionKey::new("gone");
    memory.delete_partition(gone.as_ref(), deletion(123_456));
    let kinds = PartitionKey::new("kinds");
    memory.row(kinds.as_ref(), &[0x40], &every_kind());
    memory
}

fn every_kind() -> Vec<u8> {
    let mut out = Vec::new();
    let expiring = Kind::Expiring {
        ttl_seconds: 60,
        expiry_seconds: 1_060,
        value: Some(b"soon"),
    };
    Builder::new()
        .liveness(Liveness::expiring(Timestamp(9_000), 60, 1_060))
        .deletion(deletion(8_000))
        .cell(ColumnId(1), Timestamp(9_000), Kind::Value(b"plain"))
        .cell(ColumnId(2), Timestamp(9_001), expiring)
        .cell(
            ColumnId(5),
            Timestamp(9_002),
            Kind::Tombstone { local_seconds: 9 },
        )
        .complex(ColumnId(9), Some(deletion(8_500)))
        .element(b"a", Timestamp(9_000), Kind::Value(b"1"))
        .element(b"b", Timestamp(9_000), Kind::Value(b"2"))
        .finish_into(&mut out);
    out
}

#[expect(
    clippy::disallowed_methods,
    reason = "fixtures lie beside the source, outside of any simulated disk"
)]
/// Writes a fixture anew, if that is asked for.
fn store(name: &str, bytes: &[u8]) {
    if std::env::var_os("UPDATE_GOLDENFILES").is_some_and(|value| value == "1") {
        std::fs::write(path(name), bytes).expect("written");
    }
}

/// The writer of today makes the same bytes, so a change of the format does not go unnoticed.
#[test]
fn a_file_of_today_is_the_fixture() {
    let intact = generate();
    let mut damaged = intact.clone();
    damaged[700] ^= 0x10;
    store("intact.txt", dump(&intact).as_bytes());
    for (name, bytes) in [("intact.sst", intact), ("damaged.sst", damaged)] {
        store(name, &bytes);
        let stored = read(name);
        let differs = stored.iter().zip(&bytes).position(|(a, b)| a != b);
        assert_eq!(
            (differs, bytes.len()),
            (None, stored.len()),
            "{name}: the first byte that differs, and the length"
        );
    }
}
