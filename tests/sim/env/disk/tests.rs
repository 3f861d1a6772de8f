//! The simulated disk: synced bytes survive, others may not, and calls answer as the operating system's.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use base::env::{Dir, Env};
use proptest::prelude::*;

use super::{Disk, Faults};
use crate::local::Machine;

fn machine(seed: u64) -> (Machine, Env) {
    let machine = Machine::new(seed);
    let env = machine.env();
    env.make_dirs(Path::new("/data")).unwrap();
    (machine, env)
}

fn data(env: &Env) -> std::sync::Arc<dyn Dir> {
    env.dir(Path::new("/data")).unwrap()
}

fn kind<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn files_and_directories_behave_like_files_and_directories() {
    let (_machine, env) = machine(1);
    let dir = data(&env);
    let file = dir.create("b").unwrap();
    assert_eq!(kind(dir.create("b")), Some(io::ErrorKind::AlreadyExists));
    assert_eq!(kind(dir.open("x")), Some(io::ErrorKind::NotFound));
    assert_eq!(kind(dir.create("a/b")), Some(io::ErrorKind::InvalidInput));
    assert_eq!(
        kind(env.dir(Path::new("/data/b"))),
        Some(io::ErrorKind::NotADirectory)
    );

    file.append(b"hello").unwrap();
    file.write_at(b"!", 7).unwrap();
    assert_eq!(file.read_all(100).unwrap(), b"hello\0\0!");
    let mut buffer = [0; 4];
    assert_eq!(file.read_at(&mut buffer, 6).unwrap(), 2);
    assert_eq!(
        kind(file.read_exact_at(&mut buffer, 6)),
        Some(io::ErrorKind::UnexpectedEof)
    );
    assert_eq!(file.read_at(&mut buffer, 1 << 40).unwrap(), 0);
    file.truncate(5).unwrap();
    file.allocate(0, 10).unwrap();
    assert_eq!(file.read_all(100).unwrap(), b"hello\0\0\0\0\0");

    let sub = dir.make_dir("sub").unwrap();
    dir.link("b", &*sub, "link").unwrap();
    dir.rename("b", "a").unwrap();
    dir.remove("a").unwrap();
    assert_eq!(sub.open("link").unwrap().len().unwrap(), 10);
    assert_eq!(
        kind(dir.remove_dir("sub")),
        Some(io::ErrorKind::DirectoryNotEmpty)
    );
    let names: Vec<_> = dir
        .list()
        .unwrap()
        .into_iter()
        .map(|entry| (entry.name, entry.is_dir))
        .collect();
    assert_eq!(names, [("sub".to_owned(), true)]);
    sub.remove("link").unwrap();
    file.append(b"unlinked files live on").unwrap();
    dir.remove_dir("sub").unwrap();
    assert!(dir.list().unwrap().is_empty());
}

#[test]
fn names_need_their_own_sync() {
    let lost = |sync: bool| {
        (0..40u64).filter(move |seed| {
            let (machine, env) = machine(*seed);
            let file = data(&env).create("file").unwrap();
            file.append(b"bytes").unwrap();
            file.sync_data().unwrap();
            if sync {
                data(&env).sync_dir().unwrap();
            }
            machine.disk().power_failure();
            match machine.disk().read("/data/file") {
                Some(bytes) => assert_eq!(bytes, b"bytes"),
                None => return true,
            }
            false
        })
    };
    assert_eq!(lost(true).count(), 0);
    assert!((5..35).contains(&lost(false).count()));
}

#[test]
fn a_rename_without_sync_leaves_one_or_the_other() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..60 {
        let (machine, env) = machine(seed);
        let dir = data(&env);
        for name in ["new", "old"] {
            let file = dir.create(name).unwrap();
            file.append(name.as_bytes()).unwrap();
            file.sync_data().unwrap();
        }
        dir.sync_dir().unwrap();
        dir.rename("new", "old").unwrap();
        machine.disk().power_failure();
        let read = |name| machine.disk().read(format!("/data/{name}"));
        outcomes.insert((read("new"), read("old")));
    }
    let before = (Some(b"new".to_vec()), Some(b"old".to_vec()));
    let after = (None, Some(b"new".to_vec()));
    assert_eq!(outcomes, BTreeSet::from([before, after]));
}

#[test]
fn locks_end_with_their_owner() {
    let (machine, env) = machine(1);
    let lock = data(&env).lock().unwrap();
    assert_eq!(kind(data(&env).lock()), Some(io::ErrorKind::WouldBlock));
    drop(lock);
    let lock = data(&env).lock().unwrap();
    let next = machine.env();
    let _held = data(&next).lock().expect("the next life finds it free");
    drop(lock);
    assert_eq!(
        kind(data(&next).lock()),
        Some(io::ErrorKind::WouldBlock),
        "a late drop frees nothing"
    );
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let (machine, env) = machine(1);
    machine.disk().set_capacity_bytes(10_000);
    let dir = data(&env);
    let file = dir.create("big").unwrap();
    file.append(&[1; 9_000]).unwrap();
    assert_eq!(dir.space().unwrap().available, 1_000);
    let other = dir.create("other").unwrap();
    assert_eq!(
        kind(other.append(&[2; 2_000])),
        Some(io::ErrorKind::StorageFull)
    );
    assert_eq!(other.len().unwrap(), 512, "what fits by sectors is there");
    assert_eq!(
        kind(other.allocate(0, 5_000)),
        Some(io::ErrorKind::StorageFull)
    );
    dir.remove("big").unwrap();
    other.append(&[2; 2_000]).unwrap();
    assert_eq!(machine.disk().used_bytes(), 2_512);
    machine.disk().power_failure();
    let lens: u64 = machine.disk().files().iter().map(|(_, len)| len).sum();
    assert_eq!(machine.disk().used_bytes(), lens);
}

#[test]
fn syncs_fail_on_request_and_by_chance() {
    let (machine, env) = machine(1);
    let file = data(&env).create("file").unwrap();
    machine.disk().fail_syncs(1);
    file.append(b"x").unwrap();
    file.sync_data().unwrap_err();
    file.sync_data().unwrap();
    machine.disk().set_faults(Faults {
        sync_error: 1.0,
        ..Faults::default()
    });
    file.sync_data().unwrap_err();
    data(&env).sync_dir().unwrap_err();
}

#[test]
fn one_call_fails_at_the_chosen_moment() {
    let (machine, env) = machine(1);
    let file = data(&env).create("file").unwrap();
    machine.disk().error_in(3);
    file.append(b"1").unwrap();
    file.read_all(10).unwrap_err(); // len is the second call, the read the third
    file.append(b"2").unwrap();
    assert_eq!(file.read_all(10).unwrap(), b"12");
}

#[test]
fn reads_that_do_not_wait_are_sometimes_refused() {
    let (machine, env) = machine(1);
    let file = data(&env).create("file").unwrap();
    file.append(b"abc").unwrap();
    let blocked = (0..1000).filter(|_| {
        let mut buffer = [0; 3];
        match file.read_now(&mut buffer, 0) {
            Ok(count) => {
                assert_eq!((count, &buffer), (3, b"abc"));
                false
            }
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    });
    assert!((50..150).contains(&blocked.count()));
    machine.disk().set_faults(Faults {
        would_block: 1.0,
        ..Faults::default()
    });
    assert_eq!(
        kind(file.read_now(&mut [0; 3], 0)),
        Some(io::ErrorKind::WouldBlock)
    );
}

#[test]
fn rot_flips_one_bit_for_good() {
    let (machine, env) = machine(1);
    let file = data(&env).create("table-1").unwrap();
    file.append(&[0; 100]).unwrap();
    file.sync_data().unwrap();
    data(&env).sync_dir().unwrap();
    assert_eq!(machine.disk().rot("nothing"), None);
    let (path, offset) = machine.disk().rot("table").unwrap();
    assert_eq!(path, "/data/table-1");
    machine.disk().power_failure();
    let bytes = machine.disk().read(path).unwrap();
    assert_eq!(bytes.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
    assert_eq!(bytes[offset as usize].count_ones(), 1);
}

#[test]
fn a_copy_has_a_future_of_its_own() {
    let (machine, env) = machine(1);
    let file = data(&env).create("file").unwrap();
    file.append(b"shared").unwrap();
    let copy = Machine::with_disk(2, machine.disk().copy(2));
    let other = copy.env();
    data(&other)
        .open("file")
        .unwrap()
        .append(b" and more")
        .unwrap();
    assert_eq!(machine.disk().read("/data/file").unwrap(), b"shared");
    assert_eq!(copy.disk().read("/data/file").unwrap(), b"shared and more");
    file.append(b"!").unwrap();
}

/// Random work on a few names, against a model that says what must survive and what may.
#[derive(Clone, Debug)]
enum Step {
    Append(u8, u8),
    Replace(u8),
    Remove(u8),
    SyncFile(u8),
    SyncDir,
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0u8..3;
    prop_oneof![
        3 => (name(), any::<u8>()).prop_map(|(name, byte)| Step::Append(name, byte)),
        1 => name().prop_map(Step::Replace),
        1 => name().prop_map(Step::Remove),
        2 => name().prop_map(Step::SyncFile),
        1 => Just(Step::SyncDir),
    ]
}

/// A file in the model: all bytes appended, and how many of them were synced.
#[derive(Clone, Default)]
struct Model {
    bytes: Vec<u8>,
    synced: usize,
}

fn apply(
    dir: &dyn Dir,
    files: &mut BTreeMap<u8, usize>,
    models: &mut Vec<Model>,
    step: &Step,
) -> bool {
    let name = |number: u8| format!("f{number}");
    match *step {
        Step::Append(number, byte) => {
            let index = *files.entry(number).or_insert_with(|| {
                dir.create(&name(number)).unwrap();
                models.push(Model::default());
                models.len() - 1
            });
            let bytes = [byte; 700];
            dir.open(&name(number)).unwrap().append(&bytes).unwrap();
            models[index].bytes.extend_from_slice(&bytes);
        }
        Step::Replace(number) => {
            if let Some(index) = files.remove(&number) {
                let to = (number + 1) % 3;
                dir.rename(&name(number), &name(to)).unwrap();
                files.insert(to, index);
            }
        }
        Step::Remove(number) => {
            if files.remove(&number).is_some() {
                dir.remove(&name(number)).unwrap();
            }
        }
        Step::SyncFile(number) => {
            if let Some(index) = files.get(&number) {
                dir.open(&name(number)).unwrap().sync_data().unwrap();
                models[*index].synced = models[*index].bytes.len();
            }
        }
        Step::SyncDir => {
            dir.sync_dir().unwrap();
            return true;
        }
    }
    false
}

proptest! {
    #[test]
    fn synced_names_and_bytes_survive(steps in proptest::collection::vec(step(), 1..40), seed in any::<u64>()) {
        let (machine, env) = machine(seed);
        let dir = data(&env);
        let (mut files, mut models) = (BTreeMap::new(), Vec::new());
        // Names as of the last sync of the directory that no later step touched.
        let mut durable: BTreeMap<u8, usize> = BTreeMap::new();
        for step in &steps {
            match apply(&*dir, &mut files, &mut models, step) {
                true => durable = files.clone(),
                false => match *step {
                    Step::Replace(number) => {
                        durable.remove(&number);
                        durable.remove(&((number + 1) % 3));
                    }
                    Step::Remove(number) | Step::Append(number, _) if files.get(&number) != durable.get(&number) => {
                        durable.remove(&number);
                    }
                    _ => {}
                },
            }
        }
        machine.disk().power_failure();
        let env = machine.env();
        for (number, index) in durable {
            let model = &models[index];
            let found = data(&env).open(&format!("f{number}")).unwrap().read_all(1 << 20).unwrap();
            prop_assert!(found.len() >= model.synced);
            prop_assert!(found.len() <= model.bytes.len());
            prop_assert_eq!(&found[..model.synced], &model.bytes[..model.synced]);
        }
        // The next failure has nothing more to lose.
        let before: Vec<_> = machine.disk().files();
        machine.disk().power_failure();
        prop_assert_eq!(machine.disk().files(), before);
    }
}

#[test]
fn an_empty_disk_is_empty() {
    let disk = Disk::new(1);
    assert_eq!(
        (disk.files(), disk.used_bytes(), disk.steps()),
        (Vec::new(), 0, 0)
    );
    assert_eq!(disk.read("/data/file"), None);
}
