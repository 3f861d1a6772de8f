//! The node's directories: found ours or empty, marked, and locked against a second process.
//!
//! A directory of ours has the file [`MARK`] with an identity made at the first start. Directories that lie elsewhere
//! (`data_file_directories`, `commitlog_directory`) have the same mark, so that another one in their place, an
//! unmounted disk perhaps, is noticed instead of taken for an empty one.
//!
//! 1. Look, without changing anything: a directory that has other files and no mark of ours is refused.
//! 2. Make what is missing, and take the locks.
//! 3. Mark: the root under a preliminary name, then the others, then the root for good. So a root with its mark has
//!    marked all others once, and a start that was cut short before is recognised and goes on.
//! 4. Look for the metadata log. It is made before any other file but these marks, so where it is missing and another
//!    file is there, it was lost, and going on would make a new cluster beside the old one's data: refused.
//!
//! A lock is on the directory itself, not on a file in it that somebody could remove. It ends with the process, however
//! that ends.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::env::{Class, Dir, Env, Lock};

use super::error::Error;
use super::mark::{self, MARK, NEW_MARK};
use crate::config::Settings;

/// What is in each data directory of a node that has run.
const OWN: [&str; 2] = ["metadata", coordinator::clock::format::FILE_NAME];
/// Names that a directory may have and still count as empty.
const NOTHING: [&str; 2] = [NEW_MARK, "lost+found"];

/// The directories of a running node.
pub struct Directories {
    /// Holds the mark and the clock's reservation.
    pub root: Arc<dyn Dir>,
    /// Holds the metadata log.
    pub metadata: Arc<dyn Dir>,
    _locks: Vec<Box<dyn Lock>>,
}

/// Opens the directories of these settings; nothing of somebody else's is touched.
pub async fn open(env: &Env, settings: &Settings) -> Result<Directories, Error> {
    let (own, settings) = (env.clone(), settings.clone());
    env.blocking(Class::General, move || open_waiting(&own, &settings))
        .await
}

fn open_waiting(env: &Env, settings: &Settings) -> Result<Directories, Error> {
    let root_path = settings.data_dir.as_path();
    let mut others: Vec<&Path> = vec![&settings.data_file_directory, &settings.commitlog_directory];
    others.retain(|path| !path.starts_with(root_path));
    others.dedup();

    let found = look(env, root_path)?;
    for path in &others {
        check(path, root_path, &found, &look(env, path)?)?;
    }
    let root = make(env, root_path)?;
    let mut locks = vec![lock(&root)?];
    let mut other_dirs = Vec::new();
    for path in others {
        let dir = make(env, path)?;
        locks.push(lock(&dir)?);
        other_dirs.push(dir);
    }
    if !matches!(found, Found::Marked(_)) {
        mark_all(env, &root, &other_dirs, found)?;
    }
    let metadata_path = settings.metadata_directory();
    let all_dirs: Vec<_> = std::iter::once(&root).chain(&other_dirs).collect();
    check_metadata(env, &metadata_path, &all_dirs)?;
    let metadata = make(env, &metadata_path)?;
    Ok(Directories {
        root,
        metadata,
        _locks: locks,
    })
}

/// What a directory is to us.
enum Found {
    /// It is missing, or has nothing in it.
    Nothing,
    /// A first start was cut short in it.
    Begun(String),
    /// It is ours, with this identity.
    Marked(String),
}

/// Looks at a directory without changing it.
fn look(env: &Env, path: &Path) -> Result<Found, Error> {
    let failed = |error| Error::directory(path, error);
    let dir = match env.dir(path) {
        Ok(dir) => dir,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(failed(error)),
    };
    if dir.exists(MARK).map_err(failed)? {
        let identity = mark::read(&dir, MARK).map_err(failed)?;
        return identity
            .map(Found::Marked)
            .ok_or_else(|| mark::unusable(path, "the file is damaged, or of a newer version"));
    }
    let entries = dir.list().map_err(failed)?;
    if OWN
        .iter()
        .all(|own| entries.iter().any(|entry| entry.name == *own))
    {
        return Err(mark::unusable(
            path,
            "the file is missing, though the directory is a node's",
        ));
    }
    let is_foreign = |name: &str| !NOTHING.contains(&name);
    if let Some(entry) = entries.iter().find(|entry| is_foreign(&entry.name)) {
        return Err(Error::Foreign {
            path: path.into(),
            example: entry.name.clone(),
        });
    }
    if entries.iter().any(|entry| entry.name == NEW_MARK)
        && let Some(identity) = mark::read(&dir, NEW_MARK).map_err(failed)?
    {
        return Ok(Found::Begun(identity));
    }
    Ok(Found::Nothing)
}

/// A directory apart must have the root's mark, once the root has its own.
fn check(path: &Path, root_path: &Path, root: &Found, other: &Found) -> Result<(), Error> {
    let root_name = root_path.display();
    let what = match (root, other) {
        (Found::Marked(root) | Found::Begun(root), Found::Marked(other)) if root == other => {
            return Ok(());
        }
        (_, Found::Marked(_)) => format!(
            "it belongs to other data than {root_name}; say the directories that belong together"
        ),
        (Found::Marked(_), _) => format!(
            "it is empty, though {root_name} was used with it; mount or restore it, or say the right directory"
        ),
        _ => return Ok(()),
    };
    Err(Error::Mismatch {
        path: path.into(),
        what,
    })
}

/// Marks the directories of a first start, or of one that was cut short.
fn mark_all(
    env: &Env,
    root: &Arc<dyn Dir>,
    others: &[Arc<dyn Dir>],
    found: Found,
) -> Result<(), Error> {
    let identity = match found {
        Found::Begun(identity) | Found::Marked(identity) => identity,
        Found::Nothing => mark::new_identity(env),
    };
    mark::write(root, &identity).map_err(|error| Error::directory(root.path(), error))?;
    for dir in others {
        let marked = dir.exists(MARK).and_then(|marked| match marked {
            true => Ok(()),
            false => mark::write(dir, &identity).and_then(|()| mark::publish(dir)),
        });
        marked.map_err(|error| Error::directory(dir.path(), error))?;
    }
    mark::publish(root).map_err(|error| Error::directory(root.path(), error))
}

/// Refuses to go on without the metadata log in directories that were used with one.
fn check_metadata(env: &Env, metadata_path: &Path, dirs: &[&Arc<dyn Dir>]) -> Result<(), Error> {
    let found = match env.dir(metadata_path) {
        Ok(dir) => dir.exists(metadata::log::FILE_NAME),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    if found.map_err(|error| Error::directory(metadata_path, error))? {
        return Ok(());
    }
    for dir in dirs {
        let used =
            first_file(dir, metadata_path).map_err(|error| Error::directory(dir.path(), error))?;
        if let Some(file) = used {
            return Err(Error::Mismatch {
                path: metadata_path.join(metadata::log::FILE_NAME),
                what: format!(
                    "the file is missing, though {} is there; restore it from a backup, or start on an empty directory",
                    file.display()
                ),
            });
        }
    }
    Ok(())
}

/// A file that is neither of this module's nor below `except`; none in directories of a first start that was cut
/// short.
fn first_file(dir: &Arc<dyn Dir>, except: &Path) -> io::Result<Option<PathBuf>> {
    for entry in dir.list()? {
        let path = dir.path().join(&entry.name);
        if entry.name == MARK || NOTHING.contains(&entry.name.as_str()) || path == except {
            continue;
        }
        if !entry.is_dir {
            return Ok(Some(path));
        }
        if let Some(file) = first_file(&dir.dir(&entry.name)?, except)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn make(env: &Env, path: &Path) -> Result<Arc<dyn Dir>, Error> {
    env.make_dirs(path)
        .map_err(|error| Error::directory(path, error))
}

fn lock(dir: &Arc<dyn Dir>) -> Result<Box<dyn Lock>, Error> {
    dir.lock().map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => Error::InUse(dir.path().into()),
        _ => Error::directory(dir.path(), error),
    })
}

#[cfg(test)]
mod tests {
    use sim::local::{Machine, crash_sweep};

    use super::super::mark::MARK_TITLE;
    use super::*;
    use crate::config::{self, Arguments, Sources};

    fn settings(sets: &[&str]) -> Settings {
        let sources = Sources {
            file: None,
            environment: Vec::new(),
            arguments: Arguments {
                data_dir: None,
                set: sets.iter().map(|set| set.to_string()).collect(),
                ..Arguments::default()
            },
            machine: config::Machine {
                memory_bytes: 1 << 30,
                open_files_max: None,
                directory: "/".into(),
            },
        };
        config::load(&sources).unwrap().settings
    }

    fn apart() -> Settings {
        settings(&[
            "data_dir=/root",
            "data_file_directories=/tables",
            "commitlog_directory=/log",
        ])
    }

    async fn try_open(env: &Env, settings: &Settings) -> Result<(), String> {
        open(env, settings)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn directories_are_made_and_found_again() {
        let below = settings(&["data_dir=/a/b"]);
        for settings in [below, apart(), settings(&["data_file_directories=/t"])] {
            let machine = Machine::new(1).strict();
            for _ in 0..3 {
                let settings = settings.clone();
                let start = machine.run(|env| async move { try_open(&env, &settings).await });
                assert_eq!(start.expect("the power stays on"), Ok(()));
            }
        }
    }

    #[test]
    fn a_second_user_is_refused() {
        sim::local::block_on(2, |env| async move {
            let first = open(&env, &apart()).await.unwrap();
            let error = try_open(&env, &apart()).await.unwrap_err();
            assert_eq!(
                error,
                "/root is in use by another helenus process; stop that one, or say another directory with --data-dir"
            );
            drop(first);
            try_open(&env, &apart()).await.unwrap();
        });
    }

    #[test]
    fn foreign_files_are_left_alone() {
        let machine = Machine::new(3);
        let check = |path: &str, settings: Settings| {
            let before = machine.disk().files();
            let error = machine
                .run(|env| async move { try_open(&env, &settings).await.unwrap_err() })
                .unwrap();
            assert_eq!(
                error,
                format!(
                    "{path} holds files of something else, such as 'diary.txt', and was left as it is; say another directory with --data-dir"
                )
            );
            assert_eq!(machine.disk().files(), before);
        };
        for path in ["/root", "/log"] {
            let path = path.to_string();
            machine
                .run(|env| async move {
                    env.make_dirs(Path::new(&path))
                        .unwrap()
                        .create("diary.txt")
                        .unwrap();
                })
                .unwrap();
        }
        check("/root", settings(&["data_dir=/root"]));
        check(
            "/log",
            settings(&["data_dir=/new", "commitlog_directory=/log"]),
        );
    }

    #[test]
    fn directories_that_do_not_belong_together_are_refused() {
        sim::local::block_on(4, |env| async move {
            try_open(&env, &apart()).await.unwrap();
            let other = settings(&["data_dir=/other", "commitlog_directory=/log2"]);
            try_open(&env, &other).await.unwrap();
            let check = async |sets: &[&str], expected: &str| {
                let error = try_open(&env, &settings(sets)).await.unwrap_err();
                assert!(error.starts_with(expected), "{error}");
            };
            check(
                &[
                    "data_dir=/root",
                    "commitlog_directory=/log2",
                    "data_file_directories=/tables",
                ],
                "/log2: it belongs to other data than /root",
            )
            .await;
            check(
                &[
                    "data_dir=/root",
                    "commitlog_directory=/log3",
                    "data_file_directories=/tables",
                ],
                "/log3: it is empty, though /root was used with it",
            )
            .await;
            check(
                &["data_dir=/new", "commitlog_directory=/log"],
                "/log: it belongs to other data than /new",
            )
            .await;
        });
    }

    #[test]
    fn a_lost_metadata_log_is_noticed() {
        let check = |settings: Settings, log: &str, used: &str| {
            sim::local::block_on(6, |env| {
                let (log, used) = (PathBuf::from(log), PathBuf::from(used));
                async move {
                    try_open(&env, &settings).await.unwrap();
                    // A first start that was cut short after the marks.
                    try_open(&env, &settings).await.unwrap();
                    let dir = env.make_dirs(used.parent().unwrap()).unwrap();
                    dir.create(used.file_name().unwrap().to_str().unwrap())
                        .unwrap();
                    let error = try_open(&env, &settings).await.unwrap_err();
                    assert_eq!(
                        error,
                        format!(
                            "{}: the file is missing, though {} is there; restore it from a backup, or start on an empty directory",
                            log.display(),
                            used.display()
                        )
                    );
                    let metadata = env.make_dirs(log.parent().unwrap()).unwrap();
                    metadata.create("metadata.log").unwrap();
                    try_open(&env, &settings).await.unwrap();
                }
            });
        };
        let below = || settings(&["data_dir=/root"]);
        let log = "/root/metadata/metadata.log";
        check(below(), log, "/root/data/ks/t/1.sst");
        check(below(), log, "/root/commitlog/segment-0000000001.log");
        check(apart(), log, "/tables/ks/t/1.sst");
        check(apart(), log, "/log/segment-0000000001.log");
    }

    #[test]
    fn a_mark_that_is_lost_or_damaged_is_named_with_the_fix() {
        sim::local::block_on(7, |env| async move {
            let settings = settings(&["data_dir=/root"]);
            try_open(&env, &settings).await.unwrap();
            let root = env.dir(Path::new("/root")).unwrap();
            root.create(coordinator::clock::format::FILE_NAME).unwrap();
            let fix = "restore it from a backup, or write it anew: the line 'A data directory of Helenus, version 1. Its identity:' and a line of 32 hexadecimal digits, the same in all directories of a node";
            root.open(MARK).unwrap().write_at(b"?", 3).unwrap();
            assert_eq!(
                try_open(&env, &settings).await.unwrap_err(),
                format!("/root/{MARK}: the file is damaged, or of a newer version; {fix}")
            );
            root.remove(MARK).unwrap();
            assert_eq!(
                try_open(&env, &settings).await.unwrap_err(),
                format!(
                    "/root/{MARK}: the file is missing, though the directory is a node's; {fix}"
                )
            );
            let mark = root.create(MARK).unwrap();
            mark.append(format!("{MARK_TITLE}\n{}\n", "0".repeat(32)).as_bytes())
                .unwrap();
            assert_eq!(
                try_open(&env, &settings).await.unwrap_err(),
                "/root/metadata/metadata.log: the file is missing, though /root/clock is there; restore it from a backup, or start on an empty directory",
                "the mark that was written anew counts"
            );
        });
    }

    #[test]
    fn a_first_start_may_be_cut_short_anywhere() {
        let trials = crash_sweep(5, |machine| {
            let start = || {
                machine.run(|env| async move {
                    open(&env, &apart())
                        .await
                        .map(drop)
                        .map_err(|error| error.to_string())
                })
            };
            for _ in 0..2 {
                let outcome = std::iter::repeat_with(&start).find_map(Result::ok);
                assert_eq!(outcome, Some(Ok(())));
            }
        });
        assert!(trials > 10, "{trials}");
    }
}
