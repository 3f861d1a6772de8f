//! A mounted disk's directories and files, as `base::env` wants them.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::checksum::crc32;
use base::env::{Dir, Entry, File, Lock, Space, check_name};

use super::Disk;
use super::content::{Content, SECTOR_BYTES};
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
    disk: Disk,
    number: u64,
    watch: Arc<dyn Watch>,
}

/// A call on the disk's names or a read that finds its block.
const CALL: Duration = Duration::from_micros(2);
/// Finding a block on a solid-state disk.
const SEEK: Duration = Duration::from_micros(80);
/// A sync of few bytes.
const SYNC: Duration = Duration::from_micros(120);
/// Bytes moved in a microsecond: a gigabyte a second.
const BYTES_PER_MICRO: u64 = 1_000;

fn transfer(bytes: usize) -> Duration {
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

    pub(crate) fn dir(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        self.read("dir", [0, 0], CALL, |volume| {
            let node = walk(volume, path)?;
            Ok(self.dir_handle(path.to_owned(), node))
        })
    }

    pub(crate) fn make_dirs(&self, path: &Path) -> io::Result<Arc<dyn Dir>> {
        let mut parent = self.dir(Path::new("/"))?;
        for name in names(path)? {
            parent = if parent.exists(name)? {
                parent.dir(name)?
            } else {
                let child = parent.make_dir(name)?;
                parent.sync_dir()?;
                child
            };
        }
        Ok(parent)
    }

    fn dir_handle(&self, path: PathBuf, node: Arc<DirNode>) -> Arc<dyn Dir> {
        Arc::new(SimDir {
            mount: self.clone(),
            path,
            node,
        })
    }

    fn file_handle(&self, node: Arc<FileNode>) -> Arc<dyn File> {
        Arc::new(SimFile {
            mount: self.clone(),
            node,
        })
    }

    fn read<T>(
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

    fn change<T>(
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

fn as_dir(node: Option<Node>) -> io::Result<Arc<DirNode>> {
    match node {
        Some(Node::Dir(dir)) => Ok(dir),
        Some(Node::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

fn as_file(node: Option<&Node>) -> io::Result<Arc<FileNode>> {
    match node {
        Some(Node::File(file)) => Ok(file.clone()),
        Some(Node::Dir(_)) => Err(io::ErrorKind::IsADirectory.into()),
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

fn refuse_existing(dir: &DirNode, name: &str) -> io::Result<()> {
    match dir.names.lock().get(name) {
        Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
        None => Ok(()),
    }
}

/// Adds an empty file, with its one link.
fn add_file(volume: &mut Volume, dir: &DirNode, name: &str) -> Arc<FileNode> {
    let file = FileNode::new(volume.id(), Content::default());
    file.state.lock().links = 1;
    dir.names.lock().put(name, Node::File(file.clone()));
    file
}

/// Whether a sync fails, by request or by chance.
fn sync_fails(volume: &mut Volume) -> bool {
    if volume.syncs_to_fail > 0 {
        volume.syncs_to_fail -= 1;
        return true;
    }
    volume.rng.chance(volume.faults.sync_error)
}

fn sync_error() -> io::Error {
    io::Error::other("simulated sync error")
}

struct SimDir {
    mount: Mount,
    path: PathBuf,
    node: Arc<DirNode>,
}

impl SimDir {
    fn read<T>(
        &self,
        what: &'static str,
        name: &str,
        call: impl FnOnce(&mut Volume) -> io::Result<T>,
    ) -> io::Result<T> {
        self.mount.read(
            what,
            [self.node.id, crc32(name.as_bytes()).into()],
            CALL,
            call,
        )
    }

    fn change<T>(
        &self,
        what: &'static str,
        name: &str,
        call: impl FnOnce(&mut Volume) -> io::Result<T>,
    ) -> io::Result<T> {
        self.mount.change(
            what,
            [self.node.id, crc32(name.as_bytes()).into()],
            CALL,
            call,
        )
    }
}

impl Dir for SimDir {
    fn path(&self) -> &Path {
        &self.path
    }

    fn dir(&self, name: &str) -> io::Result<Arc<dyn Dir>> {
        check_name(name)?;
        self.read("dir", name, |_| {
            let node = as_dir(self.node.names.lock().get(name).cloned())?;
            Ok(self.mount.dir_handle(self.path.join(name), node))
        })
    }

    fn make_dir(&self, name: &str) -> io::Result<Arc<dyn Dir>> {
        check_name(name)?;
        self.change("make_dir", name, |volume| {
            refuse_existing(&self.node, name)?;
            let node = DirNode::new(volume.id());
            self.node.names.lock().put(name, Node::Dir(node.clone()));
            Ok(self.mount.dir_handle(self.path.join(name), node))
        })
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        check_name(name)?;
        self.change("create", name, |volume| {
            refuse_existing(&self.node, name)?;
            Ok(self.mount.file_handle(add_file(volume, &self.node, name)))
        })
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        check_name(name)?;
        self.read("open", name, |_| {
            Ok(self
                .mount
                .file_handle(as_file(self.node.names.lock().get(name))?))
        })
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        check_name(name)?;
        self.read("exists", name, |_| {
            Ok(self.node.names.lock().get(name).is_some())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        self.change("remove", name, |volume| {
            let file = as_file(self.node.names.lock().get(name))?;
            volume.unlink(&file);
            self.node.names.lock().remove(name);
            Ok(())
        })
    }

    fn remove_dir(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        self.change("remove_dir", name, |_| {
            let dir = as_dir(self.node.names.lock().get(name).cloned())?;
            if !dir.names.lock().visible().is_empty() {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            self.node.names.lock().remove(name);
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        self.change("rename", to, |volume| {
            let mut names = self.node.names.lock();
            let node = names.get(from).cloned().ok_or(io::ErrorKind::NotFound)?;
            match names.get(to) {
                Some(old) if old.id() == node.id() => return Ok(()),
                Some(Node::Dir(_)) => return Err(io::ErrorKind::IsADirectory.into()),
                Some(Node::File(old)) => volume.unlink(old),
                None => {}
            }
            names.rename(from, to, node);
            Ok(())
        })
    }

    fn link(&self, from: &str, target: &dyn Dir, to: &str) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        self.change("link", to, |volume| {
            let file = as_file(self.node.names.lock().get(from))?;
            let target = walk(volume, target.path())?;
            refuse_existing(&target, to)?;
            file.state.lock().links += 1;
            target.names.lock().put(to, Node::File(file));
            Ok(())
        })
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        self.read("list", "", |_| {
            let names = self.node.names.lock();
            let entries = names.visible().iter().map(|(name, node)| match node {
                Node::Dir(_) => Entry {
                    name: name.clone(),
                    is_dir: true,
                    len: 0,
                },
                Node::File(file) => Entry {
                    name: name.clone(),
                    is_dir: false,
                    len: file.state.lock().content.len() as u64,
                },
            });
            Ok(entries.collect())
        })
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.mount
            .change("sync_dir", [self.node.id, 0], SYNC, |volume| {
                if sync_fails(volume) {
                    return Err(sync_error());
                }
                self.node.names.lock().sync();
                Ok(())
            })
    }

    fn space(&self) -> io::Result<Space> {
        self.read("space", "", |volume| {
            let available = volume.capacity_bytes.saturating_sub(volume.used_bytes);
            Ok(Space {
                total: volume.capacity_bytes,
                available,
            })
        })
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn Lock>> {
        check_name(name)?;
        self.change("lock", name, |volume| {
            let missing = self.node.names.lock().get(name).is_none();
            if missing {
                add_file(volume, &self.node, name);
            }
            let key = (self.node.id, name.to_owned());
            if !volume.locks.insert(key.clone()) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(Box::new(SimLock {
                mount: self.mount.clone(),
                key,
            }) as Box<dyn Lock>)
        })
    }
}

struct SimLock {
    mount: Mount,
    key: (u64, String),
}

impl Lock for SimLock {}

impl Drop for SimLock {
    /// Only the lock's own mount releases it: a dead node's locks are gone already.
    fn drop(&mut self) {
        let mut volume = self.mount.disk.0.lock();
        if volume.mount == self.mount.number {
            volume.locks.remove(&self.key);
        }
    }
}

struct SimFile {
    mount: Mount,
    node: Arc<FileNode>,
}

impl SimFile {
    fn change<T>(
        &self,
        what: &'static str,
        figure: u64,
        cost: Duration,
        call: impl FnOnce(&mut Volume) -> io::Result<T>,
    ) -> io::Result<T> {
        self.mount.change(what, [self.node.id, figure], cost, call)
    }

    /// Writes all of `bytes`, or a part and an error.
    fn write(&self, volume: &mut Volume, offset: Option<u64>, bytes: &[u8]) -> io::Result<()> {
        if volume.rng.chance(volume.faults.write_error) {
            let part = volume.rng.below(bytes.len() as u64 + 1) as usize;
            self.write_part(volume, offset, &bytes[..part])?;
            return Err(io::Error::other("simulated write error"));
        }
        match self.write_part(volume, offset, bytes) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                // What fits is written, by whole sectors.
                let free = volume.capacity_bytes.saturating_sub(volume.used_bytes);
                let part = bytes.len().min(free as usize) / SECTOR_BYTES * SECTOR_BYTES;
                self.write_part(volume, offset, &bytes[..part])?;
                Err(error)
            }
            result => result,
        }
    }

    fn write_part(&self, volume: &mut Volume, offset: Option<u64>, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.node.state.lock();
        let old_len = state.content.len();
        let offset = offset.map_or(old_len, |offset| offset as usize);
        let end = offset
            .checked_add(bytes.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        if state.links > 0 {
            volume.resize(old_len as u64, old_len.max(end) as u64)?;
        }
        state.content.write(offset, bytes);
        Ok(())
    }

    fn set_len(&self, volume: &mut Volume, len: u64) -> io::Result<()> {
        let mut state = self.node.state.lock();
        if state.links > 0 {
            volume.resize(state.content.len() as u64, len)?;
        }
        state.content.resize(len as usize);
        Ok(())
    }

    fn read_into(&self, buffer: &mut [u8], offset: u64) -> usize {
        let state = self.node.state.lock();
        let bytes = state.content.visible();
        let start = bytes
            .len()
            .min(usize::try_from(offset).unwrap_or(usize::MAX));
        let count = buffer.len().min(bytes.len() - start);
        buffer[..count].copy_from_slice(&bytes[start..start + count]);
        count
    }
}

impl File for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let cost = SEEK + transfer(buffer.len());
        self.mount
            .read("read_at", [self.node.id, offset], cost, |_| {
                Ok(self.read_into(buffer, offset))
            })
    }

    fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.mount
            .watch
            .call("read_now", [self.node.id, offset], false);
        self.mount.disk.0.lock().read(self.mount.number, |volume| {
            if volume.rng.chance(volume.faults.would_block) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(self.read_into(buffer, offset))
        })
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let cost = CALL + transfer(bytes.len());
        self.change("append", crc32(bytes).into(), cost, |volume| {
            self.write(volume, None, bytes)
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let cost = CALL + transfer(bytes.len());
        let figure = offset << 32 ^ u64::from(crc32(bytes));
        self.change("write_at", figure, cost, |volume| {
            self.write(volume, Some(offset), bytes)
        })
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.change("allocate", offset, CALL, |volume| {
            let end = offset.checked_add(len).ok_or(io::ErrorKind::FileTooLarge)?;
            let old_len = self.node.state.lock().content.len() as u64;
            if end > old_len {
                self.set_len(volume, end)
            } else {
                Ok(())
            }
        })
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.change("truncate", len, CALL, |volume| self.set_len(volume, len))
    }

    fn len(&self) -> io::Result<u64> {
        self.mount.watch.call("len", [self.node.id, 0], false);
        self.mount.disk.0.lock().read(self.mount.number, |_| {
            Ok(self.node.state.lock().content.len() as u64)
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change("sync_data", 0, SYNC, |volume| {
            let mut state = self.node.state.lock();
            if sync_fails(volume) {
                state.content.fail_sync(&mut volume.rng);
                return Err(sync_error());
            }
            state.content.sync();
            Ok(())
        })
    }
}

impl Mount {
    /// Whether this mount is still the living one.
    pub(crate) fn is_alive(&self) -> bool {
        self.disk.is_mounted(self.number)
    }
}
