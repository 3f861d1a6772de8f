//! The simulated disk against the operating system: the same calls give the same results.

use std::io;
use std::path::Path;
use std::sync::Arc;

use base::env::{Dir, Entry, Env};
use proptest::prelude::*;
use sim::local::Machine;

/// One call, on names of a small set in one of two directories.
#[derive(Clone, Debug)]
enum Call {
    Create(Place),
    Append(Place, Vec<u8>),
    WriteAt(Place, Vec<u8>, u16),
    Truncate(Place, u16),
    Allocate(Place, u16, u16),
    Read(Place, u16, u16),
    Remove(Place),
    Rename(Place, u8),
    Link(Place, Place),
    MakeDir(Place),
    RemoveDir(Place),
    Exists(Place),
    Sync(Place),
    List(bool),
}

/// A directory (the root or the one below it) and a name in it.
type Place = (bool, u8);

fn call() -> impl Strategy<Value = Call> {
    let place = || (any::<bool>(), 0u8..3);
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        3 => place().prop_map(Call::Create),
        3 => (place(), bytes()).prop_map(|(place, bytes)| Call::Append(place, bytes)),
        2 => (place(), bytes(), 0u16..100).prop_map(|(place, bytes, at)| Call::WriteAt(place, bytes, at)),
        1 => (place(), 0u16..100).prop_map(|(place, len)| Call::Truncate(place, len)),
        1 => (place(), 0u16..100, 1u16..100).prop_map(|(place, at, len)| Call::Allocate(place, at, len)),
        3 => (place(), 0u16..120, 0u16..100).prop_map(|(place, at, len)| Call::Read(place, at, len)),
        2 => place().prop_map(Call::Remove),
        2 => (place(), 0u8..3).prop_map(|(place, to)| Call::Rename(place, to)),
        1 => (place(), place()).prop_map(|(place, to)| Call::Link(place, to)),
        1 => place().prop_map(Call::MakeDir),
        1 => place().prop_map(Call::RemoveDir),
        1 => place().prop_map(Call::Exists),
        1 => place().prop_map(Call::Sync),
        1 => any::<bool>().prop_map(Call::List),
    ]
}

/// What a call gave, for comparison.
#[derive(Debug, PartialEq)]
enum Answer {
    Done,
    Bytes(Vec<u8>),
    Found(bool),
    Entries(Vec<Entry>),
    Error(io::ErrorKind),
    /// Refused for a reason that each system words in its own way.
    Refused,
}

struct Tree {
    dirs: [Arc<dyn Dir>; 2],
}

impl Tree {
    fn new(env: &Env, path: &Path) -> Tree {
        let root = env.make_dirs(path).unwrap();
        let below = root.make_dir("below").unwrap();
        Tree {
            dirs: [root, below],
        }
    }

    fn apply(&self, call: &Call) -> Answer {
        match self.run(call) {
            Ok(answer) => answer,
            // Directories in a file's place differ in detail between systems.
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists => {
                    Answer::Error(error.kind())
                }
                _ => Answer::Refused,
            },
        }
    }

    fn run(&self, call: &Call) -> io::Result<Answer> {
        let dir = |place: &Place| &self.dirs[usize::from(place.0)];
        let name = |number: u8| format!("n{number}");
        let file = |place: &Place| dir(place).open(&name(place.1));
        match call {
            Call::Create(place) => drop(dir(place).create(&name(place.1))?),
            Call::Append(place, bytes) => file(place)?.append(bytes)?,
            Call::WriteAt(place, bytes, at) => file(place)?.write_at(bytes, (*at).into())?,
            Call::Truncate(place, len) => file(place)?.truncate((*len).into())?,
            Call::Allocate(place, at, len) => file(place)?.allocate((*at).into(), (*len).into())?,
            Call::Read(place, at, len) => {
                let mut bytes = vec![0; (*len).into()];
                let count = file(place)?.read_at(&mut bytes, (*at).into())?;
                bytes.truncate(count);
                return Ok(Answer::Bytes(bytes));
            }
            Call::Remove(place) => dir(place).remove(&name(place.1))?,
            Call::Rename(place, to) => dir(place).rename(&name(place.1), &name(*to))?,
            Call::Link(place, to) => dir(place).link(&name(place.1), &**dir(to), &name(to.1))?,
            Call::MakeDir(place) => drop(dir(place).make_dir(&name(place.1))?),
            Call::RemoveDir(place) => dir(place).remove_dir(&name(place.1))?,
            Call::Exists(place) => return Ok(Answer::Found(dir(place).exists(&name(place.1))?)),
            Call::Sync(place) => {
                file(place)?.sync_data()?;
                dir(place).sync_dir()?;
            }
            Call::List(below) => {
                return Ok(Answer::Entries(self.dirs[usize::from(*below)].list()?));
            }
        }
        Ok(Answer::Done)
    }
}

/// Removes everything below a directory, which the test made.
fn clear(dir: &dyn Dir) {
    for entry in dir.list().unwrap() {
        if entry.is_dir {
            clear(&*dir.dir(&entry.name).unwrap());
            dir.remove_dir(&entry.name).unwrap();
        } else {
            dir.remove(&entry.name).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_disks_answer_alike(calls in proptest::collection::vec(call(), 1..60)) {
        let real = Env::real();
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sim-conformance");
        clear(&*real.make_dirs(&path).unwrap());
        let real = Tree::new(&real, &path);
        let machine = Machine::new(1);
        let simulated = Tree::new(&machine.env(), Path::new("/data"));
        for (index, call) in calls.iter().enumerate() {
            prop_assert_eq!(simulated.apply(call), real.apply(call), "call {}: {:?}", index, call);
        }
        clear(&*real.dirs[0]);
    }
}
