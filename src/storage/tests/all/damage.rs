//! One flipped bit anywhere in the files of a stopped node: the start or the read is refused, naming the file; or the
//! bit meant nothing. Never other data, never a panic.

use std::sync::Arc;
use std::time::Duration;

use schema::Catalog;
use sim::local::Machine;
use storage::{Error, Options, Position};

use crate::support::{
    Op, Query, TABLE, What, catalog, open, open_in, open_with, options, paths, read, table, write,
};

fn put(partition: &str, row: &str, at: i64) -> Op {
    let mut op = Op::put(partition, row, at, &format!("value of {row}"));
    if let What::Put { cells, .. } = &mut op.what {
        cells.push(("w".to_owned(), None));
    }
    op
}

/// A machine with a file, a manifest with several records, and a log with several frames; what a read gives; and
/// where the log's last frame begins.
fn machine(catalog: &Arc<Catalog>) -> (Machine, Vec<String>, Position) {
    let machine = Machine::new(31);
    let schema = catalog.clone();
    let result = machine.run(|env| async move {
        let table = table(&schema, "t");
        let engine = open(&env, &schema).await.unwrap();
        for number in 0..20 {
            let op = put(
                &format!("p{}", number % 3),
                &format!("r{number:02}"),
                number,
            );
            write(&engine, &env, &table, &[op]).await.unwrap();
        }
        engine.flush(None).await.unwrap();
        for number in 20..26 {
            let op = put(
                &format!("p{}", number % 3),
                &format!("r{number:02}"),
                number,
            );
            write(&engine, &env, &table, &[op]).await.unwrap();
        }
        env.sleep(Duration::from_secs(1)).await;
        let last = engine.status().log.written;
        write(&engine, &env, &table, &[put("p0", "last", 100)])
            .await
            .unwrap();
        let lines = read(&engine, &env, &table, &Query::default())
            .await
            .unwrap();
        (lines, last)
    });
    let (lines, last) = result.expect("the power does not fail");
    (machine, lines, last)
}

/// Opens a copy of the disk with one bit flipped, and reads everything.
fn reopen(
    machine: &Machine,
    catalog: &Arc<Catalog>,
    path: &str,
    bit: u64,
) -> Result<Vec<String>, Error> {
    let disk = machine.disk().copy(bit);
    disk.damage(path, |bytes| bytes[bit as usize / 8] ^= 1 << (bit % 8));
    let damaged = Machine::with_disk(32, disk);
    let schema = catalog.clone();
    let read = damaged.run(|env| async move {
        let engine = open(&env, &schema).await?;
        read(&engine, &env, &table(&schema, "t"), &Query::default()).await
    });
    read.expect("the power does not fail")
}

/// Flips every `every`th bit of these bytes of the file whose path contains `name`.
fn check(
    name: &str,
    bytes: impl IntoIterator<Item = std::ops::Range<u64>>,
    every: usize,
    is_lost: impl Fn(u64, &[String], &[String]) -> bool,
) {
    let catalog = catalog(&[TABLE]);
    let (machine, expected, _) = machine(&catalog);
    let files = machine.disk().files();
    let (path, len) = files
        .iter()
        .find(|(path, _)| path.contains(name))
        .expect("the file is there");
    let mut refused = 0;
    let bits = bytes
        .into_iter()
        .flat_map(|range| range.start * 8..range.end.min(*len) * 8);
    for bit in bits.step_by(every) {
        match reopen(&machine, &catalog, path, bit) {
            Ok(lines) => {
                let good = lines == expected || is_lost(bit / 8, &lines, &expected);
                assert!(good, "bit {bit} of {path}: {lines:?}");
            }
            Err(Error::Corrupt { file, .. }) => {
                assert_eq!(file, *path, "bit {bit}");
                refused += 1;
            }
            // The stream's error, as the tests carry it.
            Err(error) if error.to_string().contains("damaged") => refused += 1,
            Err(error) => panic!("bit {bit} of {path}: {error}"),
        }
    }
    assert!(refused > 20, "only {refused} flips of {path} were seen");
}

/// What the start says after the files were changed.
fn start_after(change: impl Fn(&Machine, &str)) -> Result<(), Error> {
    let catalog = catalog(&[TABLE]);
    let (machine, _, _) = machine(&catalog);
    let machine = Machine::with_disk(33, machine.disk().copy(7));
    for (path, _) in machine.disk().files() {
        change(&machine, &path);
    }
    let started = machine.run(|env| async move { open(&env, &catalog).await.map(drop) });
    started.expect("the power does not fail")
}

fn refused(result: Result<(), Error>, words: &str) {
    let Err(error) = result else {
        panic!("a start without {words}")
    };
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn a_lost_manifest_is_no_new_node() {
    let lost = start_after(|machine, path| {
        if let Some(folder) = path.strip_suffix("/manifest") {
            let data = machine
                .env()
                .dir(std::path::Path::new(folder))
                .expect("the folder");
            data.remove("manifest").expect("the manifest is there");
        }
    });
    refused(lost, "manifest is damaged at byte 0: it is missing");
}

/// The node's log after this was done to its segments, with and without the loss accepted.
fn check_lost_log(flushes: bool, change: impl Fn(&Machine, &str)) {
    let catalog = catalog(&[TABLE]);
    let machine = Machine::new(34);
    let own = catalog.clone();
    let lived = machine.run(|env| async move {
        let engine = open(&env, &own).await.unwrap();
        let table = table(&own, "t");
        write(&engine, &env, &table, &[put("p0", "first", 1)])
            .await
            .unwrap();
        if flushes {
            engine.flush(None).await.unwrap();
        }
        write(&engine, &env, &table, &[put("p1", "second", 2)])
            .await
            .unwrap();
    });
    lived.expect("the power does not fail");
    for (path, _) in machine.disk().files() {
        if path.contains("/commitlog/") {
            change(&machine, &path);
        }
    }
    let (own, again) = (catalog.clone(), catalog.clone());
    let started = machine.run(|env| async move { open(&env, &own).await.map(drop) });
    match started.expect("the power does not fail") {
        Err(Error::Corrupt { file, .. }) => assert!(file.contains("/commitlog/segment-"), "{file}"),
        other => panic!("{other:?}"),
    }
    for life in 0..2 {
        let catalog = again.clone();
        let accepting = Options {
            accept_lost_log: life == 0,
            ..options()
        };
        let lines = machine.run(|env| async move {
            let engine = open_with(&env, &catalog, accepting).await?;
            let table = table(&catalog, "t");
            write(&engine, &env, &table, &[put("p2", "third", 3)]).await?;
            read(&engine, &env, &table, &Query::default()).await
        });
        let lines = lines.expect("the power does not fail").expect("it opens");
        assert_eq!(lines.len(), 1 + usize::from(flushes), "{lines:?}");
    }
}

#[test]
fn a_lost_log_is_no_new_node() {
    for flushes in [false, true] {
        check_lost_log(flushes, |machine, path| {
            let (folder, name) = path.rsplit_once('/').expect("a path");
            let dir = machine.env().dir(std::path::Path::new(folder));
            dir.and_then(|dir| dir.remove(name)).expect("it is there");
        });
        check_lost_log(flushes, |machine, path| {
            machine.disk().damage(path, |bytes| bytes.fill(0));
        });
        check_lost_log(flushes, |machine, path| {
            machine.disk().damage(path, |bytes| bytes.clear());
        });
    }
}

/// By an older schema, tables would count as dropped, and their files would go.
#[test]
fn an_older_schema_is_refused_and_removes_nothing() {
    let machine = Machine::new(34);
    let newer = catalog(&[TABLE]);
    let start = |epoch, catalog: Arc<Catalog>| {
        let started = machine.run(|env| async move {
            let engine = open_in(&env, paths(), epoch, &catalog, options()).await?;
            if let Some(table) = catalog.table("ks", "t") {
                write(&engine, &env, table, &[put("p", "r", 1)]).await?;
                engine.flush(None).await?;
            }
            Ok(())
        });
        started.expect("the power does not fail")
    };
    let contents = || {
        let files = machine.disk().files();
        let contents = files
            .into_iter()
            .map(|(path, _)| machine.disk().read(&path));
        contents.collect::<Vec<_>>()
    };
    start(7, newer.clone()).expect("a start");
    let before = contents();
    refused(
        start(6, catalog(&[])),
        "it is an older copy, or has lost its end",
    );
    assert_eq!(contents(), before);
    start(7, newer).expect("the newest copy was restored");
    start(8, catalog(&[])).expect("the table was dropped");
    let files = machine.disk().files();
    assert!(
        files.iter().all(|(path, _)| !path.ends_with(".sst")),
        "{files:?}"
    );
}

#[test]
fn a_segment_that_was_cut_is_refused() {
    for part in [2, 3] {
        let cut = start_after(|machine, path| {
            if path.ends_with("segment-0000000001.log") {
                machine
                    .disk()
                    .damage(path, |bytes| bytes.truncate(bytes.len() / part));
            }
        });
        refused(cut, "the file was cut");
    }
}

#[test]
fn a_segment_without_its_header_is_refused() {
    let overwritten = start_after(|machine, path| {
        if path.ends_with("segment-0000000001.log") {
            machine.disk().damage(path, |bytes| bytes.fill(0xa5));
        }
    });
    refused(overwritten, "not a commit log segment");
}

#[test]
fn of_a_commit_log() {
    let (_, _, last) = machine(&catalog(&[TABLE]));
    // Nothing after the last frame says that it was synced: damaged, it is a torn tail.
    let last_frame = u64::from(last.offset());
    check(
        "segment-0000000001",
        std::iter::once(0..last_frame + 200),
        13,
        |byte, lines, expected| {
            let without_last = expected.iter().filter(|line| !line.contains(" last "));
            byte >= last_frame && without_last.eq(lines)
        },
    );
}

#[test]
fn of_a_manifest() {
    let parts = [0..32, 4096..4112, 8192..8208, 12_288..u64::MAX / 16];
    check("manifest", parts, 13, |_, _, _| false);
}

#[test]
fn of_an_sstable() {
    check(".sst", std::iter::once(0..u64::MAX / 16), 13, |_, _, _| {
        false
    });
}
