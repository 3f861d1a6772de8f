//! The power fails at each step of writing: there is no file, or a complete one.

use base::env::{Class, Env};
use base::meter::Meter;
use model::stream::Direction;
use sim::local::{Machine, crash_sweep};
use sstable::{Cache, Error, FileId, Options, Pull, Scan, Writer, format, inspect};
use std::path::Path;
use std::sync::Arc;

use crate::support::{ID, Shape, collect, contents, directory, open, table, tiny};

const SHAPE: Shape = Shape {
    partitions: 40,
    rows_max: 30,
    ranges_max: 2,
    value_bytes_max: 4_000,
    key_bytes_max: 4,
};

/// Writes the contents of seed 9, wherever the run's own seed leads.
fn write_file(env: &Env) -> Result<(), Error> {
    let (memory, _) = contents(&mut sim::seed::rng(9, "crash", 0), SHAPE);
    let io = |error: std::io::Error| Error::Invalid(error.to_string());
    let dir = env.make_dirs(Path::new("/data")).map_err(io)?;
    let _ = dir.remove(&format::temporary_name(ID));
    let options = Options {
        codec: base::compress::Codec::None,
        ..tiny(table())
    };
    let mut writer = Writer::create(dir, ID, options)?;
    let mut stream = memory.stream(Direction::Forward);
    while !matches!(
        writer.pull(&mut stream, &mut Meter::unlimited())?,
        Pull::End
    ) {}
    writer.finish().map(drop)
}

fn attempt(machine: &Machine) -> Option<Result<(), Error>> {
    let life = machine.run(|env| async move {
        let own = env.clone();
        env.blocking(Class::Flush, move || write_file(&own)).await
    });
    life.ok()
}

#[test]
fn a_power_failure_leaves_no_file_or_a_complete_one() {
    let path = format!("/data/{}", format::file_name(ID));
    let (mut complete, mut absent) = (0, 0);
    let trials = crash_sweep(11, |machine| {
        let finished = matches!(attempt(machine), Some(Ok(())));
        // A file that is there has its name because it is complete.
        match machine.disk().read(&path) {
            Some(bytes) => {
                let report = inspect::verify(&bytes);
                assert!(report.is_intact(), "{:?}", report.problems);
                complete += 1;
            }
            None => {
                assert!(!finished, "a finished file is gone");
                absent += 1;
                // And it can be written again.
                while !matches!(attempt(machine), Some(Ok(()))) {}
            }
        }
    });
    assert!(
        trials > 6 && absent > 3 && complete > 1,
        "{trials} {absent} {complete}"
    );
}

#[test]
fn failing_calls_are_errors_and_leave_no_file() {
    for call in 1.. {
        let machine = Machine::new(call);
        machine.disk().error_in(call);
        let written = attempt(&machine).expect("the power is on");
        let found = machine
            .disk()
            .read(format!("/data/{}", format::file_name(ID)));
        match written {
            Ok(()) => {
                assert!(inspect::verify(&found.expect("written")).is_intact());
                if call > 12 {
                    break;
                }
            }
            // The rename may have been done when syncing the directory fails.
            Err(_) => assert!(found.is_none_or(|bytes| inspect::verify(&bytes).is_intact())),
        }
    }
}

#[test]
fn an_empty_file_is_not_made_and_a_foreign_one_not_opened() {
    sim::local::block_on(2, |env| async move {
        let dir = directory(&env).await;
        let target = dir.clone();
        let summary = env.blocking(Class::Flush, move || {
            Writer::create(target, ID, Options::new(table())).and_then(Writer::finish)
        });
        assert!(summary.await.expect("no error").is_none());
        assert_eq!(dir.list().expect("a directory"), []);
        let (memory, _) = contents(&mut env.rng("crash"), SHAPE);
        crate::support::write(&env, &dir, &memory, tiny(table()))
            .await
            .expect("written");
        let cache = Cache::new(&env, 1 << 20);
        let reader = open(&env, &dir, &cache).await.expect("opens");
        let mut expected = reader.expected();
        expected.footer_crc ^= 1;
        let other = sstable::Reader::open(&env, dir.clone(), ID, &cache, Some(expected)).await;
        assert!(matches!(other, Err(Error::Corrupt { .. })));
        dir.rename(&format::file_name(ID), &format::file_name(FileId(8)))
            .expect("renames");
        let renamed = sstable::Reader::open(&env, dir, FileId(8), &cache, None).await;
        assert!(matches!(renamed, Err(Error::Corrupt { .. })));
        // The open file is still there for whoever has it.
        let events = collect(&mut reader.cursor(Arc::new(Scan::all())), 50_000).await;
        assert!(!events.expect("reads").is_empty());
    });
}
