//! Directories and files, as the database needs them: few calls, each with a stated durability.
//!
//! What survives a power failure:
//! - bytes of a file, once [`File::sync_data`] returned after they were written;
//! - a name (created, renamed, linked or removed), once [`Dir::sync_dir`] returned after the change. A synced file
//!   whose name was not synced may be gone.
//!
//! Anything else may be there, be gone, or be there in part. A failed sync is final: what it should have made durable
//! may be lost although a later sync succeeds.
//!
//! Names are single components ([`check_name`]); paths exist only in [`Env::dir`](super::Env::dir) and
//! [`Env::make_dirs`](super::Env::make_dirs).

use std::io;
use std::path::Path;
use std::sync::Arc;

/// What [`Dir::list`] says about one name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name within its directory.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// The file's length in bytes; zero for a directory.
    pub len: u64,
}

/// The room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What this process may still take.
    pub available: u64,
}

/// A lock that is held until dropped, or until the process or node dies.
pub trait Lock: Send + Sync {}

/// An open directory. All names are relative to it, without separators.
pub trait Dir: Send + Sync {
    /// The path it was opened by, for messages.
    fn path(&self) -> &Path;
    /// Opens an existing directory below this one.
    fn dir(&self, name: &str) -> io::Result<Arc<dyn Dir>>;
    /// Creates a directory, which must not exist, and opens it.
    fn make_dir(&self, name: &str) -> io::Result<Arc<dyn Dir>>;
    /// Creates a file, which must not exist, and opens it for reading and writing.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;
    /// Whether a file or directory of this name exists.
    fn exists(&self, name: &str) -> io::Result<bool>;
    /// Removes a file; whoever has it open keeps reading it.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, name: &str) -> io::Result<()>;
    /// Renames a file or directory within this directory, replacing a file that has the name already.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Gives the file `from` the further name `to` in `target`, which must not exist there.
    fn link(&self, from: &str, target: &dyn Dir, to: &str) -> io::Result<()>;
    /// What is here, sorted by name.
    fn list(&self) -> io::Result<Vec<Entry>>;
    /// Makes the names in this directory durable.
    fn sync_dir(&self) -> io::Result<()>;
    /// The room on its file system.
    fn space(&self) -> io::Result<Space>;
    /// Takes the exclusive lock of the directory itself, whatever files are in it; [`io::ErrorKind::WouldBlock`] if it
    /// is held. It counts among the processes of one machine.
    fn lock(&self) -> io::Result<Box<dyn Lock>>;
}

/// An open file. Positions are bytes from its start; nothing keeps a cursor, so reads may run side by side.
pub trait File: Send + Sync {
    /// Reads up to `buffer.len()` bytes at `offset` and says how many; fewer only at the file's end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// As [`File::read_at`], but answers [`io::ErrorKind::WouldBlock`] instead of waiting for the disk.
    /// The failed call may have started the read.
    fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at the file's end. At most one caller appends to a file at a time; after an error the
    /// file may end in a part of `bytes`.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`, growing the file if needed; after an error any part may be written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Reserves disk blocks for this range; a file shorter than its end grows to it, with zeros.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Sets the length: cuts the file, or fills it with zeros.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Makes all bytes written before, and the length, durable.
    fn sync_data(&self) -> io::Result<()>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` from `offset`; [`io::ErrorKind::UnexpectedEof`] if the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let count = self.read_at(buffer, offset)?;
        if count == buffer.len() {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!(
                "file ends at {}, wanted {} bytes at {offset}",
                offset + count as u64,
                buffer.len()
            ),
        ))
    }

    /// All bytes of the file, refused if there are more than `limit`.
    fn read_all(&self, limit: u64) -> io::Result<Vec<u8>> {
        let len = self.len()?;
        if len > limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("file of {len} bytes, at most {limit}"),
            ));
        }
        let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let mut bytes = vec![0; len];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}

/// Refuses what is not a single path component.
pub fn check_name(name: &str) -> io::Result<()> {
    let plain =
        !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0']);
    if plain {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("not a file name: {name:?}"),
    ))
}
