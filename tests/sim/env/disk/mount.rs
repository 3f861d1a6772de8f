//! A disk as one environment sees it: every call is announced, charged, and refused once the mount is over.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::env::{Dir, File};

use super::Disk;
use super::dir::SimDir;
use super::file::SimFile;
use super::tree::{DirNode, FileNode, Node};
use super::volume::Volume;

/// Who hears of every call: the node that mounted the disk.
pub(crate) trait Watch: Send + Sync {
    /// A call is about to be made. `waits` says that it may wait for the disk.
    fn call(&self, what: &'static str, detail: [u64; 2], waits: bool);
    /// The call took this long.
    fn cost(&self, cost: Duration);
}

/// A disk as one environment sees it.
#[derive(Clone)]
pub(crate) struct Mount {
    pub(super) disk: Disk,
    pub(super) number: u64,
    pub(super) watch: Arc<dyn Watch>,
}

/// A call on the disk's names or a read that finds its block.
pub(super) const CALL: Duration = Duration::from_micros(2);
/// Finding a block on a solid-state disk.
pub(super) const SEEK: Duration = Duration::from_micros(80);
/// A sync of few bytes.
pub(super) const SYNC: Duration = Duration::from_micros(120);
/// Bytes moved in a microsecond: a gigabyte a second.
const BYTES_PER_MICRO: u64 = 1_000;

pub(super) fn transfer(bytes: usize) -> Duration {
    Duration::from_micros(bytes as u64 / BYTES_PER_MICRO)
}

impl Mount {
    /// Mounts `disk`, ending the mount before.
    pub(crate) fn new(disk: &Disk, watch: Arc<dyn Watch>) -> Mount {
        Mount {
            disk: disk.clone(),
            number: disk.mount(),
            watch,
        }
    }

    /// Whether this mount is still the living one.
    pub(crate) fn is_alive(&self) -> bool {
        self.disk.is_mounted(self.number)
    }

    pub(crate) fn dir(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        self.read("dir", [0, 0], CALL, |volume| {
            let node = walk(volume, path)?;
            Ok(self.dir_handle(path.to_owned(), node))
        })
    }

    pub(crate) fn make_dirs(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        let mut parent = self.dir(Path::new("/"))?;
        for name in names(path)? {
            let child = if parent.exists(name)? {
                parent.dir(name)?
            } else {
                parent.make_dir(name)?
            };
            // Also one that was found: a process that was killed may have made it without.
            parent.sync_dir()?;
            parent = child;
        }
        Ok(parent)
    }

    pub(super) fn dir_handle(&self, path: PathBuf, node: Arc<DirNode>) -> Arc<dyn Dir> {
        Arc::new(SimDir {
            mount: self.clone(),
            path,
            node,
        })
    }

    pub(super) fn file_handle(&self, path: PathBuf, node: Arc<FileNode>) -> Arc<dyn File> {
        Arc::new(SimFile {
            mount: self.clone(),
            path,
            node,
        })
    }

    pub(super) fn read<T>(
        &self,
        what: &'static str,
        detail: [u64; 2],
        cost: Duration,
        call: impl FnOnce(&mut Volume) -> io::Result<T>,
    ) -> io::Result<T> {
        self.watch.call(what, detail, true);
        self.watch.cost(cost);
        self.disk.0.lock().read(self.number, call)
    }

    pub(super) fn sync_time(&self) -> Duration {
        self.disk.0.lock().sync_time
    }

    pub(super) fn change<T>(
        &self,
        what: &'static str,
        detail: [u64; 2],
        cost: Duration,
        call: impl FnOnce(&mut Volume) -> io::Result<T>,
    ) -> io::Result<T> {
        // The commit log's writes are made by the turn itself.
        let waits = !matches!(what, "append" | "write_at");
        self.watch.call(what, detail, waits);
        self.watch.cost(cost);
        self.disk.0.lock().change(self.number, call)
    }
}

/// The directory at `path`, which may be absolute or not: there is one root.
pub(super) fn walk(volume: &Volume, path: &Path) -> io::Result<Arc<DirNode>> {
    let mut dir = volume.root.clone();
    for name in names(path)? {
        let next = dir.names.lock().get(name).cloned();
        dir = as_dir(next)?;
    }
    Ok(dir)
}

fn names(path: &Path) -> io::Result<Vec<&str>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => {
                names.push(name.to_str().ok_or(io::ErrorKind::InvalidInput)?)
            }
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::ErrorKind::InvalidInput.into());
            }
        }
    }
    Ok(names)
}

pub(super) fn as_dir(node: Option<Node>) -> io::Result<Arc<DirNode>> {
    match node {
        Some(Node::Dir(dir)) => Ok(dir),
        Some(Node::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

pub(super) fn as_file(node: Option<&Node>) -> io::Result<Arc<FileNode>> {
    match node {
        Some(Node::File(file)) => Ok(file.clone()),
        Some(Node::Dir(_)) => Err(io::ErrorKind::IsADirectory.into()),
        None => Err(io::ErrorKind::NotFound.into()),
    }
}
