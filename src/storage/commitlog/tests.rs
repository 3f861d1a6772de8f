//! The log alone, on a simulated disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::env::{Dir, Env};
use parking_lot::Mutex;
use sim::local::{Machine, crash_sweep};
use tokio::sync::Notify;

use super::replay::{ApplyError, Expected, Target};
use super::*;

/// What a replay handed out.
#[derive(Default, Clone)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Target for Seen {
    fn apply(&mut self, _: Position, mutation: &[u8]) -> Result<bool, ApplyError> {
        self.0
            .lock()
            .push(String::from_utf8_lossy(mutation).into_owned());
        Ok(true)
    }
}

fn options() -> Options {
    Options {
        segment_bytes: 4096,
        log_bytes_max: Some(64 * 4096),
        ..Options::default()
    }
}

fn directory(env: &Env) -> Result<Arc<dyn Dir>, Error> {
    env.make_dirs(Path::new("/log"))
        .map_err(|error| Error::io("make_dirs", &error))
}

/// Opens the log, with all that is in it.
async fn open(env: &Env) -> Result<(Arc<Log>, Vec<String>), Error> {
    open_with(env, &options()).await
}

async fn open_with(env: &Env, options: &Options) -> Result<(Arc<Log>, Vec<String>), Error> {
    let dir = directory(env)?;
    let seen = Seen::default();
    let target = Box::new(seen.clone());
    let expected = Expected {
        first: 1,
        is_begun: false,
        synced: Position::START,
        segment_bytes: 4096,
        accepts_loss: false,
    };
    let (replayed, _) = replay::replay(env, &dir, expected, target).await?;
    let log = Log::start(env, &dir, options, replayed, Arc::new(Notify::new())).await?;
    env.spawn("relay", log.clone().relay()).detach();
    env.spawn("supply", log.clone().keep_supplied()).detach();
    if let SyncMode::Periodic(period) = options.sync {
        env.spawn("period", log.clone().sync_periodically(period))
            .detach();
    }
    let seen = std::mem::take(&mut *seen.0.lock());
    Ok((log, seen))
}

fn frames(mutations: &[&str]) -> Frames {
    let mut frames = Frames::new(2048);
    for mutation in mutations {
        frames.begin_record().extend_from_slice(mutation.as_bytes());
        frames.end_record().expect("small enough");
    }
    frames
}

async fn append(env: &Env, log: &Log, mutations: &[&str]) -> Result<Position, Error> {
    while log.is_short() {
        env.sleep(Duration::from_millis(1)).await;
    }
    log.append(frames(mutations).finish())
}

#[test]
fn every_synced_frame_is_replayed_wherever_the_power_fails() {
    let trials = crash_sweep(1, |machine| {
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        for life in 0..2 {
            let own = acknowledged.clone();
            let _ = machine.run(|env| async move {
                let (log, _) = open(&env).await?;
                for number in 0..12 {
                    let text = format!("{life}.{number} {}", "x".repeat(400));
                    let position = append(&env, &log, &[&text]).await?;
                    log.synced(position).await?;
                    own.lock().push(text);
                    if number % 5 == 0 {
                        // Time for a witness.
                        env.sleep(Duration::from_secs(1)).await;
                    }
                }
                Ok::<(), Error>(())
            });
        }
        let mut former: Option<Vec<String>> = None;
        for _ in 0..2 {
            // The failure may still be to come, once.
            let attempt = || machine.run(|env| async move { open(&env).await });
            let (_, found) = attempt()
                .or_else(|_| attempt())
                .expect("it fails once")
                .expect("it opens");
            let acknowledged = acknowledged.lock();
            // One frame was under way in the life that the failure ended.
            assert!(
                found.len() <= acknowledged.len() + 1,
                "{} of {}",
                found.len(),
                acknowledged.len()
            );
            let mut rest = found.iter();
            let in_order = acknowledged
                .iter()
                .all(|text| rest.any(|other| other == text));
            assert!(in_order, "{} found of {}", found.len(), acknowledged.len());
            // What was replayed once stays.
            former.get_or_insert(found.clone());
            assert_eq!(former.as_ref(), Some(&found));
        }
    });
    assert!(trials > 60, "{trials} changes");
}

/// A machine whose log has these frames over several segments, all synced.
fn filled(seed: u64) -> (Machine, Vec<String>) {
    let machine = Machine::new(seed);
    let texts: Vec<_> = (0..20)
        .map(|number| format!("{number} {}", "y".repeat(500)))
        .collect();
    let own = texts.clone();
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            for text in &own {
                let position = append(&env, &log, &[text]).await.unwrap();
                log.synced(position).await.unwrap();
            }
        })
        .unwrap();
    (machine, texts)
}

fn reopen(machine: &Machine) -> Result<Vec<String>, Error> {
    machine
        .run(|env| async move { open(&env).await.map(|opened| opened.1) })
        .unwrap()
}

#[test]
fn a_missing_segment_is_refused() {
    let (machine, _) = filled(2);
    let env = machine.env();
    directory(&env)
        .unwrap()
        .remove(&format::segment_name(2))
        .unwrap();
    let error = reopen(&machine).unwrap_err().to_string();
    assert!(
        error.contains("segment-0000000002.log") && error.contains("missing"),
        "{error}"
    );
}

#[test]
fn damage_below_the_synced_position_names_its_place() {
    let (machine, _) = filled(3);
    machine
        .disk()
        .damage("/log/segment-0000000001.log", |bytes| bytes[700] ^= 4);
    match reopen(&machine).unwrap_err() {
        Error::Corrupt { file, offset, .. } => {
            assert_eq!(file, "/log/segment-0000000001.log");
            assert!(
                (500..700).contains(&offset),
                "{offset}: where the frame begins"
            );
        }
        error => panic!("{error}"),
    }
}

#[test]
fn a_torn_tail_ends_the_replay_for_good() {
    let (machine, texts) = filled(4);
    let last = machine
        .disk()
        .files()
        .into_iter()
        .rev()
        .find_map(|(path, _)| {
            let bytes = machine.disk().read(&path)?;
            let id = format::decode_segment_header(&bytes).ok()?;
            matches!(
                format::decode_frame(id, &bytes, 32),
                format::Found::Frame(_)
            )
            .then_some((path, bytes))
        });
    let (path, bytes) = last.expect("a segment with frames");
    let tail = bytes.iter().rposition(|byte| *byte == b'y').unwrap();
    machine.disk().damage(&path, |bytes| bytes[tail - 100] = 0);
    for _ in 0..3 {
        assert_eq!(reopen(&machine).unwrap(), texts[..texts.len() - 1]);
    }
}

#[test]
fn a_failed_write_leaves_no_frame() {
    let machine = Machine::new(5);
    let disk = machine.disk().clone();
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            env.sleep(Duration::from_secs(1)).await;
            append(&env, &log, &["one"]).await.unwrap();
            disk.error_in(1);
            let failed = log.append(frames(&["refused", "as well"]).finish());
            assert!(matches!(failed, Err(Error::Io(_))), "{failed:?}");
            let position = append(&env, &log, &["two"]).await.unwrap();
            assert_eq!(
                position.segment(),
                2,
                "the segment that failed takes no more"
            );
            log.synced(position).await.unwrap();
        })
        .unwrap();
    assert_eq!(reopen(&machine).unwrap(), ["one", "two"]);
}

#[test]
fn frames_that_wait_are_written_together() {
    let (machine, texts) = filled(6);
    let found = machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            // Nobody else runs here, so this stands for a writer that holds the lock.
            let writer = log.writer.lock();
            let waiting = {
                let mut queue = log.queue.lock();
                queue.put(frames(&["a"]).finish());
                queue.put(frames(&["b", "c"]).finish())
            };
            drop(writer);
            let before = log.status().writes;
            log.append(frames(&["d"]).finish()).unwrap();
            assert_eq!(log.status().writes, before + 1);
            assert_eq!(waiting, 2);
        })
        .map(|()| reopen(&machine).unwrap())
        .unwrap();
    assert_eq!(found[texts.len()..], ["a", "b", "c", "d"]);
}

#[test]
fn what_a_dead_process_left_in_memory_is_durable_once_it_was_replayed() {
    let machine = Machine::new(7);
    let unsynced: Vec<_> = (0..20)
        .map(|number| format!("{number} {}", "u".repeat(500)))
        .collect();
    let own = unsynced.clone();
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            for text in &own {
                append(&env, &log, &[text]).await.unwrap();
            }
            assert_eq!(log.status().syncs, 0, "all of it is in memory only");
            assert!(log.written().segment() > 2, "it takes several segments");
        })
        .unwrap();
    machine
        .run(|env| async move {
            let (log, found) = open(&env).await.unwrap();
            assert_eq!(found.len(), 20);
            let position = append(&env, &log, &["second life"]).await.unwrap();
            log.synced(position).await.unwrap();
        })
        .unwrap();
    machine.disk().power_failure();
    let mut expected = unsynced;
    expected.push("second life".to_owned());
    assert_eq!(reopen(&machine).unwrap(), expected);
}

/// Frames that take three segments.
fn three_segments() -> Vec<String> {
    (0..7)
        .map(|number| format!("{number} {}", "z".repeat(1500)))
        .collect()
}

/// One frame for each text, to be written in one go.
fn separate(texts: &[String]) -> Vec<u8> {
    let each = texts
        .iter()
        .map(|text| frames(&[text.as_str()]).finish().to_vec());
    each.collect::<Vec<_>>().concat()
}

#[test]
fn what_needs_more_segments_than_are_ready_is_refused_as_a_whole_until_they_are() {
    let machine = Machine::new(8);
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            env.sleep(Duration::from_secs(1)).await;
            let texts = three_segments();
            let refused = log.append(&mut separate(&texts));
            assert!(matches!(refused, Err(Error::Overloaded(_))), "{refused:?}");
            append(&env, &log, &["between"]).await.unwrap();
            env.sleep(Duration::from_secs(1)).await;
            let position = log.append(&mut separate(&texts)).unwrap();
            assert_eq!(position.segment(), 4);
        })
        .unwrap();
    let mut expected = vec!["between".to_owned()];
    expected.extend(three_segments());
    assert_eq!(reopen(&machine).unwrap(), expected);
}

#[test]
fn a_log_that_cannot_grow_says_why() {
    let machine = Machine::new(11);
    let disk = machine.disk().clone();
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            disk.set_capacity_bytes(disk.used_bytes());
            env.sleep(Duration::from_secs(1)).await;
            let refused = log.append(&mut separate(&three_segments())).unwrap_err();
            let text = refused.to_string();
            assert!(
                text.contains("cannot grow: cannot create commit log segment 2 in /log"),
                "{text}"
            );
            disk.set_capacity_bytes(1 << 30);
            env.sleep(Duration::from_secs(3)).await;
            log.append(&mut separate(&three_segments())).unwrap();
        })
        .unwrap();
}

#[test]
fn who_waits_is_not_refused_for_the_length_of_the_writer_s_own_frames() {
    let machine = Machine::new(9);
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            env.sleep(Duration::from_secs(1)).await;
            let ticket = log.queue.lock().put(frames(&["waiting"]).finish());
            let refused = log.append(&mut separate(&three_segments()));
            assert!(matches!(refused, Err(Error::Overloaded(_))), "{refused:?}");
            assert!(log.writer.lock().outcome(ticket).is_ok());
        })
        .unwrap();
    assert_eq!(reopen(&machine).unwrap(), ["waiting"]);
}

#[test]
fn a_write_that_fails_behind_the_first_ends_the_log() {
    let machine = Machine::new(10);
    let disk = machine.disk().clone();
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            let mut long = separate(&three_segments());
            let _ = log.append(&mut long);
            env.sleep(Duration::from_secs(1)).await;
            // The first run, the end mark, and then the second run, which fails.
            disk.error_in(3);
            let failed = log.append(&mut separate(&three_segments()));
            assert!(failed.is_err(), "{failed:?}");
            let refused = log.append(frames(&["later"]).finish());
            assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        })
        .unwrap();
    let found = reopen(&machine).unwrap();
    assert!(
        !found.is_empty() && found.iter().all(|text| three_segments().contains(text)),
        "{found:?}: the first run, nothing behind it"
    );
}

/// A log of these frames, synced, and then idle for a second.
fn idle(seed: u64, mode: SyncMode, texts: &[&str]) -> Machine {
    let machine = Machine::new(seed);
    let texts: Vec<_> = texts.iter().map(|text| text.to_string()).collect();
    let options = Options {
        sync: mode,
        ..options()
    };
    machine
        .run(|env| async move {
            let (log, _) = open_with(&env, &options).await.unwrap();
            for text in &texts {
                let position = append(&env, &log, &[text]).await.unwrap();
                log.synced(position).await.unwrap();
            }
            env.sleep(Duration::from_secs(1)).await;
        })
        .unwrap();
    machine
}

const FIRST_SEGMENT: &str = "/log/segment-0000000001.log";

/// Flips each bit of these bytes of the first segment in turn, and expects each to be refused at `offset`.
fn refuses_each_bit(machine: &Machine, bytes: std::ops::Range<usize>, offset: usize) {
    let flip = |bit: usize| {
        let flip = |file: &mut Vec<u8>| file[bit / 8] ^= 1 << (bit % 8);
        machine.disk().damage(FIRST_SEGMENT, flip);
    };
    for bit in bytes.start * 8..bytes.end * 8 {
        flip(bit);
        match reopen(machine) {
            Err(Error::Corrupt {
                file, offset: at, ..
            }) => {
                assert_eq!((&*file, at), (FIRST_SEGMENT, offset as u64), "bit {bit}");
            }
            other => panic!("bit {bit}: {other:?}"),
        }
        flip(bit);
    }
}

/// Offset and end of the last frame with records in the first segment.
fn last_frame(machine: &Machine) -> std::ops::Range<usize> {
    let bytes = machine.disk().read(FIRST_SEGMENT).expect("it is there");
    let (mut last, mut offset) = (0..0, format::SEGMENT_HEADER_BYTES);
    while let format::Found::Frame(frame) = format::decode_frame(1, &bytes, offset) {
        if !frame.body.is_empty() {
            last = offset..frame.next;
        }
        offset = frame.next;
    }
    last
}

#[test]
fn damage_in_the_last_frame_is_damage_once_the_log_was_idle() {
    for (seed, mode) in [
        (12, SyncMode::Group),
        (13, SyncMode::Periodic(Duration::from_millis(100))),
    ] {
        let machine = idle(seed, mode, &["one", "two", "three"]);
        let last = last_frame(&machine);
        refuses_each_bit(&machine, last.clone(), last.start);
        // Without the witness it is a torn tail, which is what the witness is for.
        machine.disk().damage(FIRST_SEGMENT, |bytes| {
            bytes[last.end] ^= 1;
            bytes[last.end - 1] ^= 1;
        });
        assert_eq!(reopen(&machine).unwrap(), ["one", "two"]);
    }
}

#[test]
fn damage_in_what_a_start_replayed_is_damage_although_nothing_followed() {
    let machine = Machine::new(14);
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            let position = append(&env, &log, &["killed"]).await.unwrap();
            log.synced(position).await.unwrap();
        })
        .unwrap();
    assert_eq!(reopen(&machine).unwrap(), ["killed"]);
    let last = last_frame(&machine);
    refuses_each_bit(&machine, last.clone(), last.start);
    assert_eq!(reopen(&machine).unwrap(), ["killed"]);
}

#[test]
fn an_idle_log_gets_one_witness() {
    let machine = Machine::new(15);
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            env.sleep(Duration::from_secs(3600)).await;
            assert_eq!(log.status().writes, 0, "there is nothing to witness");
            for round in 1..4 {
                let position = append(&env, &log, &["one"]).await.unwrap();
                log.synced(position).await.unwrap();
                assert_eq!(
                    (log.status().writes, log.status().syncs),
                    (2 * round - 1, 2 * round - 1)
                );
                env.sleep(Duration::from_secs(3600)).await;
                let status = log.status();
                assert_eq!((status.writes, status.syncs), (2 * round, 2 * round));
                assert_eq!(status.written, status.synced);
            }
        })
        .unwrap();
}

#[test]
fn frames_that_follow_each_other_need_no_witness() {
    let machine = Machine::new(16);
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            for _ in 0..20 {
                let position = append(&env, &log, &["one"]).await.unwrap();
                log.synced(position).await.unwrap();
                env.sleep(Duration::from_millis(400)).await;
            }
            assert_eq!(log.status().writes, 20);
        })
        .unwrap();
}

#[test]
fn a_witness_that_has_no_room_in_its_segment_is_in_the_next() {
    let machine = Machine::new(17);
    let used = format::SEGMENT_HEADER_BYTES
        + format::FRAME_HEADER_BYTES
        + format::RECORD_HEADER_BYTES
        + format::FRAME_TRAILER_BYTES;
    // Room for the end mark, and a byte.
    let text = "w".repeat(4096 - used - format::FRAME_HEADER_BYTES - 1);
    let (first, last) = text.split_at(2000);
    let last = &last[..last.len() - (used - format::SEGMENT_HEADER_BYTES)];
    let texts = [first.to_owned(), last.to_owned()];
    let own = texts.clone();
    machine
        .run(|env| async move {
            let (log, _) = open(&env).await.unwrap();
            env.sleep(Duration::from_secs(1)).await;
            for text in &own {
                let position = log
                    .append(&mut separate(std::slice::from_ref(text)))
                    .unwrap();
                assert_eq!(position.segment(), 1);
                log.synced(position).await.unwrap();
            }
            env.sleep(Duration::from_secs(1)).await;
            let status = log.status();
            assert_eq!(
                (status.written.segment(), status.written),
                (2, status.synced)
            );
        })
        .unwrap();
    let last = last_frame(&machine);
    refuses_each_bit(&machine, last.start..last.start + 40, last.start);
    assert_eq!(reopen(&machine).unwrap(), texts);
}
