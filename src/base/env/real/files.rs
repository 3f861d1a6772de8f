//! Files by the operating system.
//!
//! Offsets are explicit (`pread`, `pwrite`), so one descriptor serves all readers. A file remembers its end for
//! `append`: asking the system each time would cost a call per write.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock, statvfs};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::super::{Dir, Entry, File, Lock, Space, check_name};

/// Opens an existing directory.
pub(super) fn dir(path: &Path) -> io::Result<Arc<dyn Dir>> {
    if !fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(Arc::new(RealDir {
        path: path.to_owned(),
    }))
}

/// Creates what is missing from the top down and syncs the parent of each part. Also of those found: a process that was
/// killed may have made them without.
pub(super) fn make_dirs(path: &Path) -> io::Result<Arc<dyn Dir>> {
    let parts = path
        .ancestors()
        .filter(|part| part.file_name().is_some())
        .collect::<Vec<_>>();
    for part in parts.into_iter().rev() {
        match fs::create_dir(part) {
            Ok(()) => sync_path(parent(part))?,
            Err(_) if part.is_dir() => sync_found(parent(part))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            Err(error) => return Err(error),
        }
    }
    dir(path)
}

/// Syncs a directory, unless it is not ours to open, or cannot be synced at all: then no node ever made names in it.
fn sync_found(path: &Path) -> io::Result<()> {
    match sync_path(path) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn sync_path(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

struct RealDir {
    path: PathBuf,
}

impl RealDir {
    fn at(&self, name: &str) -> io::Result<PathBuf> {
        check_name(name)?;
        Ok(self.path.join(name))
    }
}

impl Dir for RealDir {
    fn path(&self) -> &Path {
        &self.path
    }

    fn dir(&self, name: &str) -> io::Result<Arc<dyn Dir>> {
        dir(&self.at(name)?)
    }

    fn make_dir(&self, name: &str) -> io::Result<Arc<dyn Dir>> {
        let path = self.at(name)?;
        fs::create_dir(&path)?;
        dir(&path)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let file = fs::File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.at(name)?)?;
        Ok(Arc::new(RealFile::new(file)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let file = fs::File::options()
            .read(true)
            .write(true)
            .open(self.at(name)?)?;
        Ok(Arc::new(RealFile::new(file)?))
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.at(name)?.try_exists()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.at(name)?)
    }

    fn remove_dir(&self, name: &str) -> io::Result<()> {
        fs::remove_dir(self.at(name)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from)?, self.at(to)?)
    }

    fn link(&self, from: &str, target: &dyn Dir, to: &str) -> io::Result<()> {
        check_name(to)?;
        fs::hard_link(self.at(from)?, target.path().join(to))
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                // Removed while listing: as if it had been removed before.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            let is_dir = metadata.is_dir();
            let len = if is_dir { 0 } else { metadata.len() };
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                is_dir,
                len,
            });
        }
        entries.sort_unstable();
        Ok(entries)
    }

    fn sync_dir(&self) -> io::Result<()> {
        sync_path(&self.path)
    }

    fn space(&self) -> io::Result<Space> {
        let stat = statvfs(&self.path)?;
        Ok(Space {
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            available: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }

    /// A lock file could be removed and made again while it is held; the directory cannot while it has files.
    fn lock(&self) -> io::Result<Box<dyn Lock>> {
        let directory = fs::File::open(&self.path)?;
        flock(&directory, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(RealLock {
            _directory: directory,
        }))
    }
}

/// The kernel releases the lock when the descriptor closes, however the process ends.
struct RealLock {
    _directory: fs::File,
}

impl Lock for RealLock {}

struct RealFile {
    file: fs::File,
    /// Where the next `append` goes; held during the write, so appends never overlap.
    end: Mutex<u64>,
}

impl RealFile {
    fn new(file: fs::File) -> io::Result<RealFile> {
        let end = Mutex::new(file.metadata()?.len());
        Ok(RealFile { file, end })
    }

    fn raise_end(&self, end: u64) {
        let mut current = self.end.lock();
        *current = end.max(*current);
    }
}

impl File for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.file.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// A short read is "would block" unless it ends at the file's end; `EAGAIN` is, and so is a file system that
    /// cannot promise not to wait.
    fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let wanted = buffer.len();
        let read = preadv2(
            &self.file,
            &mut [io::IoSliceMut::new(buffer)],
            offset,
            ReadWriteFlags::NOWAIT,
        );
        match read {
            Ok(count) if count == wanted => Ok(count),
            Ok(count) if offset + count as u64 >= self.len()? => Ok(count),
            Ok(_) | Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::INTR) => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut end = self.end.lock();
        let written = self.file.write_all_at(bytes, *end);
        *end = match written {
            Ok(()) => *end + bytes.len() as u64,
            // A part may be there; the next append goes behind it.
            Err(_) => self.file.metadata().map_or(*end, |metadata| metadata.len()),
        };
        written
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)?;
        self.raise_end(offset + bytes.len() as u64);
        Ok(())
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        fallocate(&self.file, FallocateFlags::empty(), offset, len)?;
        self.raise_end(offset.saturating_add(len));
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut end = self.end.lock();
        self.file.set_len(len)?;
        *end = len;
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
