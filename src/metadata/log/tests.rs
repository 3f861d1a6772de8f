//! The log on a disk that loses, tears and flips.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

use base::env::{Class, Dir, Env};
use proptest::prelude::*;
use schema::Change;
use sim::local::{Machine, crash_sweep};
use types::Token;
use uuid::Uuid;

use super::format::{self, Header};
use super::{AppendError, ENTRY_BYTES_MAX, Error, FILE_NAME, Log, Opened};
use crate::{Addresses, Boot, Epoch, Registration, State, Transformation};

fn first_entries() -> Vec<(Transformation, Uuid)> {
    let registration = Registration {
        host_id: Uuid::from_u128(1),
        addresses: Addresses::on([127, 0, 0, 1].into(), 7000, 9042),
        data_center: "dc1".to_owned(),
        rack: "r1".to_owned(),
        tokens: vec![Token(5), Token(-5)],
        boot: Boot { count: 1, nonce: 7 },
        version: "0".to_owned(),
    };
    let initialize = Transformation::Initialize {
        cluster_id: Uuid::from_u128(9),
        cluster_name: "c".to_owned(),
    };
    vec![
        (initialize, Uuid::from_u128(1)),
        (
            Transformation::RegisterNode(registration),
            Uuid::from_u128(2),
        ),
    ]
}

/// The `number`th change: a keyspace of its own.
fn change(number: u64) -> Transformation {
    Transformation::Schema(Change::CreateKeyspace {
        name: format!("ks{number}"),
        replication: [("class".to_owned(), "SimpleStrategy".to_owned())].into(),
        durable_writes: true,
        if_not_exists: false,
    })
}

fn header() -> Header {
    Header {
        salt: 42,
        host_id: Uuid::from_u128(1),
    }
}

fn expected(entries: u64) -> State {
    let mut state = State::empty();
    for (transformation, _) in first_entries() {
        state = state
            .apply(&transformation)
            .expect("the first entries are valid")
            .0;
    }
    for number in 0..entries {
        state = state
            .apply(&change(number))
            .expect("the keyspaces differ")
            .0;
    }
    state
}

fn dir(env: &Env) -> std::io::Result<Arc<dyn Dir>> {
    env.make_dirs(Path::new("/data"))
}

/// Opens the log or makes it, and appends `entries` changes in all, with a snapshot at every third; counts those that
/// were acknowledged in `told`.
fn work(env: &Env, entries: u64, told: &AtomicU64) -> Result<(), String> {
    let dir = dir(env).map_err(|error| error.to_string())?;
    let opened = Log::open(&dir, Epoch(0)).map_err(|error| error.to_string())?;
    let (mut log, mut state) = match opened {
        Some(Opened { log, state, .. }) => (log, state),
        None => {
            let log = Log::create(&dir, header(), &first_entries());
            (log.map_err(|error| error.to_string())?, expected(0))
        }
    };
    let done = state.epoch.0 - 2;
    let before = told.swap(done, Relaxed);
    assert!(
        before <= done,
        "{before} changes were acknowledged and {done} are there"
    );
    assert_eq!(state, expected(done), "what is there is what was written");
    for number in done..entries {
        let change = change(number);
        let epoch = log
            .append(&change, Uuid::from_u128(number.into()))
            .map_err(|error| error.to_string())?;
        state = state.apply(&change).expect("the keyspaces differ").0;
        assert_eq!(epoch, state.epoch);
        told.store(number + 1, Relaxed);
        log.mark().map_err(|error| error.to_string())?;
        if number % 3 == 2 {
            log.compact(&state, number)
                .map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// One life of the node; whether it came to the end.
fn run(machine: &Machine, entries: u64, told: &Arc<AtomicU64>) -> bool {
    let told = told.clone();
    let result = machine.run(|env| async move {
        let on_disk = env.clone();
        env.blocking(Class::General, move || work(&on_disk, entries, &told))
            .await
    });
    result == Ok(Ok(()))
}

#[test]
fn a_power_failure_at_any_step_loses_nothing_acknowledged() {
    let entries = 7;
    let trials = crash_sweep(11, |machine| {
        let told = Arc::new(AtomicU64::new(0));
        while !run(machine, entries, &told) {}
        // A failure that is still to come may hit the second life, once: opening syncs.
        assert!(run(machine, entries, &told) || run(machine, entries, &told));
        assert_eq!(told.load(Relaxed), entries);
    });
    assert!(trials > 40, "{trials} steps were tried");
}

/// Bytes of a log with these changes, all marked as synced, and where its last record begins.
fn sample(entries: u64) -> (Vec<u8>, u64) {
    let machine = Machine::new(1);
    assert!(run(&machine, 2, &Arc::default()));
    let mut last = 0;
    machine
        .run(|env| async move {
            let dir = dir(&env).unwrap();
            let Opened { mut log, .. } = Log::open(&dir, Epoch(0)).unwrap().unwrap();
            for number in 2..entries {
                last = log.end;
                log.append(&change(number), Uuid::nil()).unwrap();
                log.mark().unwrap();
            }
            (
                dir.open(FILE_NAME).unwrap().read_all(1 << 20).unwrap(),
                last,
            )
        })
        .expect("the power does not fail")
}

fn open_bytes(bytes: &[u8]) -> Result<(State, u64), Error> {
    let machine = Machine::new(2);
    machine
        .run(|env| async move {
            let dir = dir(&env).unwrap();
            dir.create(FILE_NAME).unwrap().append(bytes).unwrap();
            Log::open(&dir, Epoch(0)).map(|opened| {
                opened
                    .map(|opened| (opened.state, opened.cut_bytes))
                    .unwrap()
            })
        })
        .expect("the power does not fail")
}

#[test]
fn a_torn_tail_is_cut() {
    let (mut bytes, last) = sample(5);
    // A write that nobody was told of: the marks are as they were before it.
    let contents = format::read(&bytes).expect("the sample is whole");
    let salt = contents.header.salt;
    let mark = format::Mark {
        synced_bytes: last,
        epoch: Epoch(6),
    }
    .encode(salt);
    for offset in format::MARK_OFFSETS {
        bytes[offset as usize..][..mark.len()].copy_from_slice(&mark);
    }
    for length in last as usize..bytes.len() {
        let (state, cut_bytes) = open_bytes(&bytes[..length]).expect("a torn tail is no damage");
        assert_eq!((state, cut_bytes), (expected(4), length as u64 - last));
    }
    let (state, cut_bytes) = open_bytes(&bytes).expect("the last record is whole");
    assert_eq!((state, cut_bytes), (expected(5), 0));
}

#[test]
fn a_flipped_bit_is_damage_with_file_and_offset() {
    let (bytes, _) = sample(5);
    assert_eq!(
        open_bytes(&bytes).expect("the sample is whole").0,
        expected(5)
    );
    for index in (0..40)
        .chain(format::RECORDS_OFFSET as usize..bytes.len())
        .step_by(7)
    {
        let mut flipped = bytes.clone();
        flipped[index] ^= 1 << (index % 8);
        match open_bytes(&flipped) {
            Err(Error::Damaged { path, offset, .. }) => {
                assert!(path.ends_with(FILE_NAME), "{path}");
                assert!(
                    offset <= index as u64,
                    "bit {index} is reported at {offset}"
                );
            }
            other => panic!(
                "bit {index} is not noticed: {:?}",
                other.map(|(state, _)| state.epoch)
            ),
        }
    }
}

#[test]
fn one_damaged_mark_is_survived_and_two_are_not() {
    let (bytes, _) = sample(5);
    for offset in format::MARK_OFFSETS {
        let mut flipped = bytes.clone();
        flipped[offset as usize] ^= 1;
        assert_eq!(
            open_bytes(&flipped).expect("the other mark is whole").0,
            expected(5)
        );
    }
    let mut flipped = bytes;
    format::MARK_OFFSETS
        .iter()
        .for_each(|offset| flipped[*offset as usize] ^= 1);
    assert!(matches!(open_bytes(&flipped), Err(Error::Damaged { .. })));
}

#[test]
fn a_file_cut_below_what_was_synced_is_damage() {
    let (bytes, last) = sample(5);
    for length in [0, 100, 600, 1536, last as usize, bytes.len() - 1] {
        assert!(
            matches!(open_bytes(&bytes[..length]), Err(Error::Damaged { .. })),
            "{length}"
        );
    }
}

static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| sample(4).0);

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = SAMPLE.clone();
        for (index, byte) in edits {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        bytes.truncate(cut.index(bytes.len() * 2));
        if let Ok(contents) = format::read(&bytes) {
            let _ = super::replay(&contents.records);
        }
    }
}

/// Files that version 1 wrote.
const FIVE_KEYSPACES: &[u8] =
    include_bytes!("../../../tests/fixtures/metadata/1/five-keyspaces.log");
const FLIPPED_BIT: &[u8] = include_bytes!("../../../tests/fixtures/metadata/1/flipped-bit.log");

#[test]
fn files_of_version_1_are_read() {
    assert_eq!(
        open_bytes(FIVE_KEYSPACES).expect("the file is whole").0,
        expected(5)
    );
    assert!(matches!(
        open_bytes(FLIPPED_BIT),
        Err(Error::Damaged { .. })
    ));
}

/// A change whose entry takes `bytes`, all but a few of them a name.
fn long_change(bytes: usize) -> Transformation {
    let with = |length| Transformation::Initialize {
        cluster_id: Uuid::nil(),
        cluster_name: "n".repeat(length),
    };
    let mut encoded = Vec::new();
    with(bytes).encode(&mut encoded);
    with(2 * bytes - encoded.len())
}

#[test]
fn entries_that_are_too_long_are_refused_and_the_log_goes_on() {
    sim::local::block_on(1, |env| async move {
        let dir = dir(&env).unwrap();
        let mut log = Log::create(&dir, header(), &first_entries()).unwrap();
        let end = log.end;
        let error = log.append(&long_change(ENTRY_BYTES_MAX + 1), Uuid::nil());
        assert_eq!(
            error.unwrap_err().to_string(),
            "The change takes 1048577 bytes in the metadata log; it must not be more than 1048576 bytes long"
        );
        assert_eq!(log.end, end);
        log.append(&long_change(ENTRY_BYTES_MAX), Uuid::nil())
            .unwrap();
    });
}

#[test]
fn a_log_never_grows_beyond_what_is_read() {
    sim::local::block_on(1, |env| async move {
        let dir = dir(&env).unwrap();
        let mut log = Log::create(&dir, header(), &first_entries()).unwrap();
        let mut state = expected(0);
        log.file_bytes_max = log.end + 300;
        let mut number = 0;
        let error = loop {
            match log.append(&change(number), Uuid::nil()) {
                Ok(_) => state = state.apply(&change(number)).unwrap().0,
                Err(error) => break error,
            }
            number += 1;
        };
        let expected_error = format!(
            "/data/metadata.log is full: it must not be larger than {} bytes; drop tables or types that are no longer used",
            log.file_bytes_max
        );
        assert_eq!(error, AppendError::NotWritten(expected_error));
        assert!(number > 0 && log.end <= log.file_bytes_max);

        // Nor by a snapshot; the file stays as it is.
        let (end, limit) = (log.end, log.file_bytes_max);
        log.file_bytes_max = format::RECORDS_OFFSET + 50;
        log.compact(&state, 7).unwrap();
        assert_eq!((log.end, log.grown_bytes()), (end, 0));
        log.file_bytes_max = 2 * limit;
        log.append(&change(number), Uuid::nil()).unwrap();
        let opened = Log::open(&dir, Epoch(0)).unwrap().unwrap();
        assert_eq!(opened.state, expected(number + 1));
    });
}

/// A snapshot that finds no room costs nothing: the log goes on, and takes it later.
#[test]
fn a_snapshot_that_cannot_be_written_is_put_off() {
    for call in 1..8 {
        let machine = Machine::new(90);
        let dir = dir(&machine.env()).unwrap();
        let mut log = Log::create(&dir, header(), &first_entries()).unwrap();
        log.append(&change(0), Uuid::from_u128(1)).unwrap();
        machine.disk().error_in(call);
        let compacted = log.compact(&expected(1), 7);
        machine.disk().cancel_error();
        if let Some(reason) = log.failure() {
            assert!(compacted.is_err() && call > 4, "call {call}: {reason}");
            continue;
        }
        log.append(&change(1), Uuid::from_u128(2)).unwrap();
        log.compact(&expected(2), 8).expect("there is room again");
        drop(log);
        let opened = Log::open(&dir, Epoch(0)).unwrap().unwrap();
        assert_eq!(opened.state, expected(2), "call {call}");
    }
}
