//! The file that keeps the order: entries and snapshots, each synced before anyone is told of it.
//!
//! [`format`](mod@format) is the file's specification. This module reads it at start, appends to it, and when it has grown to a
//! multiple of a snapshot writes a new file that begins with one and takes the old one's place, so that reading it
//! stays short.
//!
//! What always holds:
//! - [`Log::append`] has answered: the entry survives a power failure at any later moment.
//! - `append` has failed with [`AppendError::NotWritten`]: the entry will never be read back.
//! - After a sync has failed nothing more is written: nobody knows what the disk holds.
//!
//! - `open`: reading it at a start
//! - `rewrite`: making it, and making it short again
//!
//! All calls wait for the disk: they are made inside `Env::blocking`.

pub mod format;
mod open;
mod rewrite;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use base::env::{Dir, File};
use uuid::Uuid;

pub use self::open::{Error, Opened, replay};
use crate::{Epoch, Transformation};
use format::{Header, Mark, Record};

/// The file's name in the metadata directory.
pub const FILE_NAME: &str = "metadata.log";
/// The most a log may grow to, since it is read as a whole: nothing is written that would make it larger.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The longest entry: a table of ten thousand columns takes less, and the log holds a thousand of this length.
pub const ENTRY_BYTES_MAX: usize = 1 << 20;

/// A log open for appending.
pub struct Log {
    dir: Arc<dyn Dir>,
    file: Arc<dyn File>,
    header: Header,
    /// Where the next record goes.
    end: u64,
    /// Where the first record after the snapshot goes: what the file began with.
    base: u64,
    epoch: Epoch,
    /// The mark to write next.
    mark_index: usize,
    /// [`FILE_BYTES_MAX`], or less in a test.
    file_bytes_max: u64,
    failed: Option<String>,
}

/// Why an entry was not appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// It is longer than [`ENTRY_BYTES_MAX`], and not in the log: who asked for it asks for less.
    #[error(
        "The change takes {bytes} bytes in the metadata log; it must not be more than {ENTRY_BYTES_MAX} bytes long"
    )]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It is not in the log and never will be.
    #[error("{0}")]
    NotWritten(String),
    /// It may be in the log; the log takes no more.
    #[error("{0}")]
    Unknown(String),
}

impl Log {
    /// Appends the entry that makes the next epoch, and syncs it.
    pub fn append(
        &mut self,
        transformation: &Transformation,
        request: Uuid,
    ) -> Result<Epoch, AppendError> {
        if let Some(reason) = &self.failed {
            return Err(AppendError::Unknown(reason.clone()));
        }
        let epoch = self.epoch.next();
        let mut body = Vec::new();
        transformation.encode(&mut body);
        if body.len() > ENTRY_BYTES_MAX {
            return Err(AppendError::TooLong { bytes: body.len() });
        }
        if self.end.saturating_add(record_bytes(body.len())) > self.file_bytes_max {
            return Err(AppendError::NotWritten(format!(
                "{} is full: it must not be larger than {} bytes; drop tables or types that are no longer used",
                path(&self.dir, FILE_NAME),
                self.file_bytes_max
            )));
        }
        let record = Record {
            offset: self.end,
            kind: format::ENTRY,
            epoch,
            request,
            body: &body,
        };
        let mut bytes = Vec::new();
        format::put_record(&mut bytes, self.header.salt, &record)
            .map_err(|damage| AppendError::NotWritten(damage.what.to_owned()))?;
        if let Err(error) = self.file.write_at(&bytes, self.end) {
            return Err(self.undo(&error));
        }
        if let Err(error) = self.file.sync_data() {
            return Err(self.fail(&error));
        }
        self.end += bytes.len() as u64;
        self.epoch = epoch;
        Ok(epoch)
    }

    /// Takes back what a failed write may have left.
    fn undo(&mut self, error: &io::Error) -> AppendError {
        let undone = self
            .file
            .truncate(self.end)
            .and_then(|()| self.file.sync_data());
        match undone {
            Ok(()) => AppendError::NotWritten(error.to_string()),
            Err(second) => self.fail(&second),
        }
    }

    fn fail(&mut self, error: &io::Error) -> AppendError {
        let reason = format!("{}: {error}", path(&self.dir, FILE_NAME));
        self.failed = Some(reason.clone());
        AppendError::Unknown(reason)
    }

    /// Notes in the file how far it is synced, so that damage below can be told from a torn write. Nobody waits for
    /// it: until then the last entry is safe from a power failure, but not from a flipped bit.
    pub fn mark(&mut self) -> io::Result<()> {
        if self.failed.is_some() {
            return Ok(());
        }
        let mark = Mark {
            synced_bytes: self.end,
            epoch: self.epoch,
        };
        let offset = format::MARK_OFFSETS[self.mark_index];
        // One that was not written is written again in the same place: the other mark stays good.
        self.file.write_at(&mark.encode(self.header.salt), offset)?;
        self.mark_index = 1 - self.mark_index;
        let synced = self.file.sync_data();
        if let Err(error) = &synced {
            self.fail(error);
        }
        synced
    }

    /// Why it takes no more, if it has failed for good.
    pub fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// How many bytes of entries follow the snapshot that the file began with.
    pub fn grown_bytes(&self) -> u64 {
        self.end.saturating_sub(self.base)
    }

    /// How many bytes the file began with.
    pub fn base_bytes(&self) -> u64 {
        self.base
    }
}

fn record_bytes(body: usize) -> u64 {
    (format::RECORD_HEAD_BYTES + body + format::RECORD_TAIL_BYTES) as u64
}

fn path(dir: &Arc<dyn Dir>, name: &str) -> String {
    dir.path().join(name).display().to_string()
}
