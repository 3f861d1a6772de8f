//! Files of the past, read today.
//!
//! `tests/fixtures/commitlog/v1/` and `tests/fixtures/manifest/v1/` hold a file each, the same with one bit flipped, and
//! what is in it as text. They are written by the ignored test at the end, once per version of a format, and never
//! again.

use std::fmt::Write as _;
use std::path::PathBuf;

use model::mutation;
use sim::local::Machine;
use storage::commitlog::format::{self, Found, SEGMENT_HEADER_BYTES};
use storage::manifest;

use crate::support::{Op, TABLE, What, catalog, open, table, write};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures")
        .join(name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "fixtures lie beside the source, outside of any simulated disk"
)]
fn read(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect("the fixture is there")
}

#[expect(
    clippy::disallowed_methods,
    reason = "fixtures lie beside the source, outside of any simulated disk"
)]
fn store(name: &str, bytes: &[u8]) {
    let path = path(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, bytes).expect("the fixture is written");
}

/// What is in a segment, as text.
fn dump_segment(bytes: &[u8]) -> String {
    let mut out = String::new();
    let id = match format::decode_segment_header(bytes) {
        Ok(id) => id,
        Err(what) => return format!("bad header: {what}\n"),
    };
    writeln!(out, "segment {id}").expect("a string");
    let mut offset = SEGMENT_HEADER_BYTES;
    loop {
        match format::decode_frame(id, bytes, offset) {
            Found::Frame(frame) => {
                writeln!(out, "frame at {offset}, synced {}", frame.synced).expect("a string");
                for record in frame.records() {
                    let record = record.expect("a record");
                    mutation::check(record).expect("a mutation");
                    let view = mutation::View::new(record);
                    let (table, key) = (view.table(), view.key());
                    writeln!(
                        out,
                        "  table {table} key {:?} token {}",
                        key.bytes, key.token
                    )
                    .expect("a string");
                    for element in view.elements() {
                        writeln!(out, "    {element:?}").expect("a string");
                    }
                }
                offset = frame.next;
            }
            Found::End(synced) => {
                writeln!(out, "end at {offset}, synced {synced}").expect("a string");
                return out;
            }
            Found::Bad(what) => {
                writeln!(out, "bad at {offset}: {what}").expect("a string");
                return out;
            }
        }
    }
}

fn dump_manifest(bytes: &[u8]) -> String {
    match manifest::decode("manifest", bytes) {
        Ok(state) => format!("{state:#?}\n"),
        Err(error) => format!("{error}\n"),
    }
}

fn check(folder: &str, dump: impl Fn(&[u8]) -> String) {
    for name in ["intact", "damaged"] {
        let expected = String::from_utf8(read(&format!("{folder}/{name}.txt"))).expect("text");
        assert_eq!(
            dump(&read(&format!("{folder}/{name}.bin"))),
            expected,
            "{folder}/{name}"
        );
    }
}

#[test]
fn a_commit_log_of_version_1() {
    check("commitlog/v1", dump_segment);
}

#[test]
fn a_manifest_of_version_1() {
    check("manifest/v1", dump_manifest);
}

fn store_all(folder: &str, intact: &[u8], bit: usize, dump: impl Fn(&[u8]) -> String) {
    let mut damaged = intact.to_vec();
    damaged[bit / 8] ^= 1 << (bit % 8);
    for (name, bytes) in [("intact", intact), ("damaged", &damaged)] {
        store(&format!("{folder}/{name}.bin"), bytes);
        store(&format!("{folder}/{name}.txt"), dump(bytes).as_bytes());
    }
}

/// Run once per version of a format: `cargo test -p storage --test all -- --ignored fixtures`.
#[test]
#[ignore = "writes the fixtures"]
fn store_fixtures() {
    let machine = Machine::new(1);
    machine
        .run(|env| async move {
            let catalog = catalog(&[TABLE]);
            let table = table(&catalog, "t");
            let engine = open(&env, &catalog).await.unwrap();
            let op = |at, what| Op {
                partition: "p".to_owned(),
                at,
                what,
            };
            let cells = || {
                vec![
                    ("v".to_owned(), Some("one".to_owned())),
                    ("w".to_owned(), None),
                ]
            };
            let put = |insert, ttl| What::Put {
                row: "r".to_owned(),
                cells: cells(),
                insert,
                ttl,
            };
            write(&engine, &env, &table, &[op(10, put(true, 0))])
                .await
                .unwrap();
            let turn = [
                op(11, put(false, 60)),
                op(12, What::Static(Some("s".to_owned()))),
                op(13, What::DeleteRow("r".to_owned())),
                op(14, What::DeleteRange("a".to_owned(), "z".to_owned())),
                op(15, What::DeletePartition),
            ];
            write(&engine, &env, &table, &turn).await.unwrap();
            engine.flush(None).await.unwrap();
            write(&engine, &env, &table, &[op(20, put(true, 0))])
                .await
                .unwrap();
        })
        .unwrap();
    let segment = machine
        .disk()
        .read("/node/commitlog/segment-0000000001.log")
        .unwrap();
    let used = 1 + segment.iter().rposition(|byte| *byte != 0).unwrap();
    store_all(
        "commitlog/v1",
        &segment[..used + 64],
        200 * 8 + 3,
        dump_segment,
    );
    let manifest = machine.disk().read("/node/data/manifest").unwrap();
    let bit = (manifest.len() - 40) * 8;
    // The last record was synced: the newest slot says so.
    store_all("manifest/v1", &manifest, bit, dump_manifest);
}
