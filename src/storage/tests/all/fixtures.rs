//! Files of the past, read today; and files of today, which are byte for byte what they were when their version began.
//!
//! `tests/fixtures/commitlog/v1/` and `tests/fixtures/manifest/v1/` and `v2/` hold a file each, the same with one bit
//! flipped, and what is in it as text; `commitlog/v1/idle` has the log of a node that was idle before it died. `UPDATE_GOLDENFILES=1 cargo test -p storage --test all fixtures` writes those of
//! the present versions: when a new version of a format begins, and not because bytes have changed by accident.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use model::mutation;
use sim::local::Machine;
use storage::commitlog::format::{self, Found, SEGMENT_HEADER_BYTES};
use storage::{Options, manifest};

use crate::support::{Op, TABLE, What, catalog, open_in, options, paths, table, write};

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
/// Writes a fixture anew, if that is asked for.
fn store(name: &str, bytes: &[u8]) {
    if std::env::var_os("UPDATE_GOLDENFILES").is_some_and(|value| value == "1") {
        let path = path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("the fixture is written");
    }
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

/// The folders of the present versions.
const COMMIT_LOG: &str = "commitlog/v1";
const IDLE_COMMIT_LOG: &str = "commitlog/v1/idle";
const MANIFEST: &str = "manifest/v2";

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
    check(COMMIT_LOG, dump_segment);
    check(IDLE_COMMIT_LOG, dump_segment);
}

#[test]
fn manifests_of_all_versions() {
    for folder in ["manifest/v1", MANIFEST] {
        check(folder, dump_manifest);
    }
}

/// A manifest of version 1 is gone on with, as one of the present version.
#[test]
fn a_manifest_of_version_1_is_written_anew() {
    let machine = Machine::new(2);
    let old = read("manifest/v1/intact.bin");
    let known = manifest::decode("manifest", &old).expect("it is intact");
    let schema = catalog(&[]);
    machine
        .run(|env| async move {
            let data = env.make_dirs(&paths().data).expect("a folder");
            let file = data.create("manifest").expect("a file");
            file.append(&old).expect("it is written");
            // Its log is not there.
            let options = Options {
                accept_lost_log: true,
                ..options()
            };
            let opened = open_in(&env, paths(), 0, &schema, options).await;
            opened.expect("it opens");
        })
        .expect("the power does not fail");
    let new = machine
        .disk()
        .read("/node/data/manifest")
        .expect("it is there");
    let header = manifest::format::decode_header(&new).expect("a header");
    assert_eq!(header.version, manifest::format::VERSION);
    let state = manifest::decode("manifest", &new).expect("it is intact");
    assert_eq!(state.next_file, known.next_file);
}

/// Stores or compares a file of the present version, the same with one bit flipped, and their texts.
fn mint(folder: &str, intact: &[u8], bit: usize, dump: impl Fn(&[u8]) -> String) {
    let mut damaged = intact.to_vec();
    damaged[bit / 8] ^= 1 << (bit % 8);
    for (name, bytes) in [("intact", intact), ("damaged", &damaged)] {
        store(&format!("{folder}/{name}.bin"), bytes);
        store(&format!("{folder}/{name}.txt"), dump(bytes).as_bytes());
        let stored = read(&format!("{folder}/{name}.bin"));
        let differs = stored.iter().zip(bytes).position(|(a, b)| a != b);
        assert_eq!(
            (differs, bytes.len()),
            (None, stored.len()),
            "{folder}/{name}.bin: the first byte that differs, and the length"
        );
    }
}

/// A node that writes a little, is idle for as long as this, and dies.
fn live(idle: Duration) -> Machine {
    let machine = Machine::new(1);
    machine
        .run(|env| async move {
            let catalog = catalog(&[TABLE]);
            let table = table(&catalog, "t");
            let engine = open_in(&env, paths(), 4, &catalog, options())
                .await
                .unwrap();
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
            env.sleep(idle).await;
        })
        .unwrap();
    machine
}

/// Its first segment, but for all but some of the zeroes at the end.
fn segment(machine: &Machine) -> Vec<u8> {
    let path = "/node/commitlog/segment-0000000001.log";
    let mut segment = machine.disk().read(path).unwrap();
    let used = 1 + segment.iter().rposition(|byte| *byte != 0).unwrap();
    segment.truncate(used + 64);
    segment
}

#[test]
fn files_of_today_are_the_fixtures() {
    let machine = live(Duration::ZERO);
    mint(COMMIT_LOG, &segment(&machine), 200 * 8 + 3, dump_segment);
    let idle = segment(&live(Duration::from_secs(1)));
    mint(IDLE_COMMIT_LOG, &idle, 450 * 8 + 3, dump_segment);
    let manifest = machine.disk().read("/node/data/manifest").unwrap();
    let bit = (manifest.len() - 40) * 8;
    // The last record was synced: the newest slot says so.
    mint(MANIFEST, &manifest, bit, dump_manifest);
}
