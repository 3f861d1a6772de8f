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
    let log = Log::start(env, &dir, &options(), replayed, Arc::new(Notify::new())).await?;
    env.spawn("relay", log.clone().relay()).detach();
    env.spawn("supply", log.clone().keep_supplied()).detach();
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
