//! A disk in memory that forgets what it was not told to keep.
//!
//! A [`Disk`] belongs to the harness and survives its nodes. An environment *mounts* it; mounting again, or a power
//! failure, ends the mount before, whose open files then answer every call with an error that
//! [`is_power_failure`] knows.
//!
//! What always holds:
//! - Bytes that were synced are there after a power failure, unless they were written again; so are names whose
//!   directory was synced.
//! - What was not synced is kept, dropped or torn by 512-byte sectors, out of order, as the seed decides; in one
//!   failure of four nothing of it is kept, in one of eight all.
//! - A process that just ends, without a power failure, loses nothing.
//!
//! Faults are set on the disk while it is in use: [`Disk::power_failure_at`], [`Disk::kill_at`], [`Disk::fail_syncs`],
//! [`Disk::error_in`], [`Disk::set_capacity_bytes`], [`Disk::rot`], and probabilities in [`Faults`].

mod content;
mod dir;
mod file;
mod mount;
mod tree;
mod volume;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

pub(crate) use mount::{Mount, Watch};
use tree::{FileNode, Node};
use volume::{Death, Volume};

/// How likely a call fails by itself; all zero by default, except [`Faults::would_block`].
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    /// `read_now` answers "would block".
    pub would_block: f64,
    /// A read fails.
    pub read_error: f64,
    /// A write fails, perhaps with a part of it done.
    pub write_error: f64,
    /// A sync of a file or directory fails, and what it should have made durable may be lost for good.
    pub sync_error: f64,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults {
            would_block: 0.1,
            read_error: 0.0,
            write_error: 0.0,
            sync_error: 0.0,
        }
    }
}

/// A simulated disk. Clones are the same disk; [`Disk::copy`] is another.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<Volume>>);

impl Disk {
    /// An empty disk whose failures follow `seed`.
    pub fn new(seed: u64) -> Disk {
        Disk(Arc::new(Mutex::new(Volume::new(crate::seed::rng(
            seed, "disk", 0,
        )))))
    }

    /// A disk of the same content whose failures follow `seed`: to try several futures of one past.
    pub fn copy(&self, seed: u64) -> Disk {
        let volume = self.0.lock().copy(crate::seed::rng(seed, "disk", 0));
        Disk(Arc::new(Mutex::new(volume)))
    }

    /// The power fails now: what was not synced may be lost, and the environment that used the disk is dead.
    pub fn power_failure(&self) {
        self.0.lock().power_failure();
    }

    /// Lets the power fail at the `step`th change from now (the first is 1): just before it or just after.
    ///
    /// Changes are create, make_dir, remove, remove_dir, rename, link, lock, append, write_at, allocate, truncate,
    /// sync_data and sync_dir. Reads are not: a failure at a read leaves what one at the next change leaves.
    pub fn power_failure_at(&self, step: u64) {
        self.0.lock().dies_at(step, Death::PowerFailure);
    }

    /// Lets the environment end as a killed process does, at the `step`th change from now: nothing is lost, but what was
    /// not synced may still be lost by a later power failure.
    pub fn kill_at(&self, step: u64) {
        self.0.lock().dies_at(step, Death::Kill);
    }

    /// Lets the power fail right behind the `count`th write from now to a file whose path has this part: before anybody
    /// can sync it, and with what was not synced kept, dropped or torn.
    pub fn power_failure_behind_write(&self, part: &str, count: u64) {
        self.0.lock().dies_behind_write = Some((part.to_owned(), count));
    }

    /// Whether an end set with [`Disk::power_failure_at`], [`Disk::power_failure_behind_write`] or [`Disk::kill_at`] is
    /// still to come; it is then called off.
    pub fn cancel_power_failure(&self) -> bool {
        let mut volume = self.0.lock();
        let behind_write = volume.dies_behind_write.take().is_some();
        volume.death.take().is_some() || behind_write
    }

    /// Changes asked for so far.
    pub fn steps(&self) -> u64 {
        self.0.lock().steps
    }

    /// Power failures so far.
    pub fn power_failures(&self) -> u64 {
        self.0.lock().power_failures
    }

    /// Lets the `call`th call from now (reads count too; the first is 1) fail with an error, once.
    pub fn error_in(&self, call: u64) {
        self.0.lock().error_in = Some(call.max(1));
    }

    /// Whether a failure set with [`Disk::error_in`] is still to come; it is then called off.
    pub fn cancel_error(&self) -> bool {
        self.0.lock().error_in.take().is_some()
    }

    /// Lets the next `count` syncs of files or directories fail.
    pub fn fail_syncs(&self, count: u64) {
        self.0.lock().syncs_to_fail = count;
    }

    /// Syncs of files whose path has this part succeed from now on and do nothing, as if the code had left them out.
    pub fn ignore_syncs_of_files(&self, part: &str) {
        self.0.lock().unsynced_files.push(part.to_owned());
    }

    /// The same for the names in directories whose own name begins so.
    pub fn ignore_syncs_of_names(&self, start: &str) {
        self.0.lock().unsynced_dirs.push(start.to_owned());
    }

    /// Sets how long a sync takes: a disk that is slow, or hangs.
    pub fn set_sync_time(&self, sync_time: Duration) {
        self.0.lock().sync_time = sync_time;
    }

    /// Sets how likely calls fail by themselves.
    pub fn set_faults(&self, faults: Faults) {
        self.0.lock().faults = faults;
    }

    /// Sets the disk's size; 1 TiB at first. Beyond it, writes answer [`io::ErrorKind::StorageFull`].
    pub fn set_capacity_bytes(&self, capacity_bytes: u64) {
        self.0.lock().capacity_bytes = capacity_bytes;
    }

    /// Bytes of all files that have a name.
    pub fn used_bytes(&self) -> u64 {
        self.0.lock().used_bytes
    }

    /// All files: absolute path and length, sorted by path.
    pub fn files(&self) -> Vec<(String, u64)> {
        let mut files = Vec::new();
        let root = self.0.lock().root.clone();
        root.visit_files("", &mut |path, file| {
            files.push((path, file.state.lock().content.len() as u64))
        });
        files.sort();
        files
    }

    /// A file's visible bytes, if it exists.
    pub fn read(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let file = self.file(path.as_ref()).ok()?;
        let bytes = file.state.lock().content.visible().to_vec();
        Some(bytes)
    }

    /// Changes a file's bytes on disk behind everybody's back. Panics if there is no such file.
    pub fn damage(&self, path: impl AsRef<Path>, edit: impl Fn(&mut Vec<u8>)) {
        let path = path.as_ref();
        let file = self
            .file(path)
            .unwrap_or_else(|error| panic!("no file {} to damage: {error}", path.display()));
        let mut volume = self.0.lock();
        let mut state = file.state.lock();
        let old_len = state.content.len() as u64;
        state.content.damage(edit);
        volume.used_bytes = volume.used_bytes.saturating_sub(old_len) + state.content.len() as u64;
    }

    /// Flips one random bit of one random file whose path contains `part`, and says where; `None` if all are empty.
    pub fn rot(&self, part: &str) -> Option<(String, u64)> {
        let files: Vec<_> = self
            .files()
            .into_iter()
            .filter(|(path, len)| *len > 0 && path.contains(part))
            .collect();
        let (path, offset, bit) = {
            let rng = &mut self.0.lock().rng;
            let (path, len) = files.get(rng.below(files.len() as u64) as usize)?;
            (path.clone(), rng.below(*len), rng.below(8))
        };
        self.damage(&path, |bytes| {
            if let Some(byte) = bytes.get_mut(offset as usize) {
                *byte ^= 1 << bit;
            }
        });
        Some((path, offset))
    }

    /// Takes the disk for a new environment; the one before is dead from now on.
    pub(crate) fn mount(&self) -> u64 {
        self.0.lock().remount()
    }

    /// Whether this mount is the living one.
    pub(crate) fn is_mounted(&self, mount: u64) -> bool {
        self.0.lock().mount == mount
    }

    fn file(&self, path: &Path) -> io::Result<Arc<FileNode>> {
        let volume = self.0.lock();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or(io::ErrorKind::InvalidInput)?;
        let dir = mount::walk(&volume, path.parent().unwrap_or(Path::new("/")))?;
        let names = dir.names.lock();
        match names.get(name) {
            Some(Node::File(file)) => Ok(file.clone()),
            Some(Node::Dir(_)) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// The power of the node is off: nothing it does has any effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerFailure;

impl std::fmt::Display for PowerFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("simulated power failure")
    }
}

impl std::error::Error for PowerFailure {}

/// Whether an error says that the calling environment is dead.
pub fn is_power_failure(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<PowerFailure>())
}

pub(crate) fn power_failure_error() -> io::Error {
    io::Error::other(PowerFailure)
}

#[cfg(test)]
mod tests;
