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
//! All calls wait for the disk: they are made inside `Env::blocking`.

pub mod format;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use base::bytes::Reader;
use base::env::{Dir, File};
use uuid::Uuid;

use crate::{Epoch, State, Transformation};
use format::{Header, Mark, Record};

/// The file's name in the metadata directory.
pub const FILE_NAME: &str = "metadata.log";
/// The name of a file that is to take its place.
const NEW_FILE_NAME: &str = "metadata.log.new";

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

/// What was found in a directory.
pub struct Opened {
    /// The log.
    pub log: Log,
    /// The state after its last entry.
    pub state: State,
    /// The node that the log belongs to.
    pub host_id: Uuid,
    /// How many bytes of a write that nobody was told of were cut.
    pub cut_bytes: u64,
}

/// Why a log cannot be opened or made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk or the permissions: the person fixes the machine.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds what nobody wrote: restore it, or the node.
    #[error(
        "{path} is damaged at byte {offset}: {what}. Restore the file from a copy, or replace the node"
    )]
    Damaged {
        /// The file.
        path: String,
        /// Where.
        offset: u64,
        /// What was found.
        what: String,
    },
    /// The file is not the newest: restore that.
    #[error(
        "{path} ends at epoch {epoch}, but this node's tables are from epoch {epoch_min}: \
         the file is an older copy, or has lost its end. Restore its newest copy, or start on an empty directory"
    )]
    Older {
        /// The file.
        path: String,
        /// Where it ends; 0 if it is not there.
        epoch: Epoch,
        /// What others depend on.
        epoch_min: Epoch,
    },
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
    /// Opens the log of a directory; none if there is none. One that ends below `epoch_min` is refused as it is.
    pub fn open(dir: &Arc<dyn Dir>, epoch_min: Epoch) -> Result<Option<Opened>, Error> {
        let path = path(dir, FILE_NAME);
        let io = |source| Error::Io {
            path: path.clone(),
            source,
        };
        let older = |epoch| Error::Older {
            path: path.clone(),
            epoch,
            epoch_min,
        };
        if !dir.exists(FILE_NAME).map_err(io)? {
            if epoch_min > Epoch(0) {
                return Err(older(Epoch(0)));
            }
            remove_new(dir).map_err(io)?;
            return Ok(None);
        }
        let file = dir.open(FILE_NAME).map_err(io)?;
        let bytes = file.read_all(FILE_BYTES_MAX).map_err(io)?;
        let damaged = |offset, what: String| Error::Damaged {
            path: path.clone(),
            offset,
            what,
        };
        let contents = format::read(&bytes)
            .map_err(|damage| damaged(damage.offset, damage.what.to_owned()))?;
        let state = replay(&contents.records).map_err(|(offset, what)| damaged(offset, what))?;
        if state.epoch < epoch_min {
            return Err(older(state.epoch));
        }
        remove_new(dir).map_err(io)?;
        // The process that gave the file its name may have been killed before that was durable.
        dir.sync_dir().map_err(io)?;
        if contents.tail_bytes > 0 {
            file.truncate(contents.end).map_err(io)?;
            file.sync_data().map_err(io)?;
        }
        let first = contents
            .records
            .first()
            .filter(|record| record.kind == format::SNAPSHOT);
        let first_bytes = first.map_or(0, |record| record_bytes(record.body.len()));
        let mut log = Log {
            dir: dir.clone(),
            file,
            header: contents.header,
            end: contents.end,
            base: format::RECORDS_OFFSET + first_bytes,
            epoch: state.epoch,
            mark_index: 1 - contents.mark_index,
            file_bytes_max: FILE_BYTES_MAX,
            failed: None,
        };
        if contents.mark.synced_bytes < contents.end {
            // The last record may have been read from memory that never reached the disk.
            log.file.sync_data().map_err(io)?;
            log.mark().map_err(io)?;
        }
        let host_id = contents.header.host_id;
        Ok(Some(Opened {
            log,
            state,
            host_id,
            cut_bytes: contents.tail_bytes,
        }))
    }

    /// Makes the log of a new node with its first entries, all or nothing.
    pub fn create(
        dir: &Arc<dyn Dir>,
        header: Header,
        entries: &[(Transformation, Uuid)],
    ) -> Result<Log, Error> {
        let mut records = Vec::new();
        let mut body = Vec::new();
        let mut epoch = Epoch(0);
        for (transformation, request) in entries {
            body.clear();
            transformation.encode(&mut body);
            epoch = epoch.next();
            let offset = format::RECORDS_OFFSET + records.len() as u64;
            let record = Record {
                offset,
                kind: format::ENTRY,
                epoch,
                request: *request,
                body: &body,
            };
            let put = format::put_record(&mut records, header.salt, &record);
            put.expect("the first entries are far below the limit of a record");
        }
        let made = Log::write_new(dir, header, epoch, records, 0)
            .and_then(|log| take_place(dir).map(|()| log));
        made.map_err(|source| Error::Io {
            path: path(dir, FILE_NAME),
            source,
        })
    }

    /// Writes a log beside the present one, and syncs it.
    fn write_new(
        dir: &Arc<dyn Dir>,
        header: Header,
        epoch: Epoch,
        records: Vec<u8>,
        base_bytes: u64,
    ) -> io::Result<Log> {
        remove_new(dir)?;
        let end = format::RECORDS_OFFSET + records.len() as u64;
        let mut bytes = header.encode(Mark {
            synced_bytes: end,
            epoch,
        });
        bytes.extend_from_slice(&records);
        let file = dir.create(NEW_FILE_NAME)?;
        file.append(&bytes)?;
        file.sync_data()?;
        Ok(Log {
            dir: dir.clone(),
            file,
            header,
            end,
            base: format::RECORDS_OFFSET + base_bytes,
            epoch,
            mark_index: 0,
            file_bytes_max: FILE_BYTES_MAX,
            failed: None,
        })
    }

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

    /// Starts a new file with a snapshot of `state`, which has to be the newest. A snapshot too large to be read again
    /// is not written; the present file goes on, and the next snapshot is due when it has grown as much again.
    pub fn compact(&mut self, state: &State, salt: u64) -> io::Result<()> {
        if self.failed.is_some() || state.epoch != self.epoch {
            return Ok(());
        }
        let mut body = Vec::new();
        state.encode(&mut body);
        let header = Header {
            salt,
            ..self.header
        };
        let record = Record {
            offset: format::RECORDS_OFFSET,
            kind: format::SNAPSHOT,
            epoch: state.epoch,
            request: Uuid::nil(),
            body: &body,
        };
        let snapshot_bytes = format::RECORDS_OFFSET.saturating_add(record_bytes(body.len()));
        let mut records = Vec::new();
        if snapshot_bytes > self.file_bytes_max
            || format::put_record(&mut records, salt, &record).is_err()
        {
            tracing::error!(
                bytes = snapshot_bytes,
                limit_bytes = self.file_bytes_max,
                "metadata log: a snapshot of the schema is too large to write; drop tables or types that are no longer used"
            );
            self.base = self.end;
            return Ok(());
        }
        let base_bytes = record_bytes(body.len());
        let log = match Log::write_new(&self.dir, header, state.epoch, records, base_bytes) {
            Ok(log) => log,
            Err(error) => {
                // The present file goes on until it has grown as much again.
                self.base = self.end;
                let _ = remove_new(&self.dir);
                return Err(error);
            }
        };
        if let Err(error) = take_place(&self.dir) {
            // Whether the new file has taken the old one's place is unknown.
            self.fail(&error);
            return Err(error);
        }
        let file_bytes_max = self.file_bytes_max;
        *self = Log {
            file_bytes_max,
            ..log
        };
        Ok(())
    }
}

/// Lets the file beside the log take its place.
fn take_place(dir: &Arc<dyn Dir>) -> io::Result<()> {
    dir.rename(NEW_FILE_NAME, FILE_NAME)?;
    dir.sync_dir()
}

/// Removes what never took the log's place: nobody was told of anything in it.
fn remove_new(dir: &Arc<dyn Dir>) -> io::Result<()> {
    match dir.exists(NEW_FILE_NAME)? {
        true => dir.remove(NEW_FILE_NAME),
        false => Ok(()),
    }
}

fn record_bytes(body: usize) -> u64 {
    (format::RECORD_HEAD_BYTES + body + format::RECORD_TAIL_BYTES) as u64
}

fn path(dir: &Arc<dyn Dir>, name: &str) -> String {
    dir.path().join(name).display().to_string()
}

/// The state after these records, or where and why they make none.
pub fn replay(records: &[Record<'_>]) -> Result<State, (u64, String)> {
    let mut state = State::empty();
    for record in records {
        let body = record.offset + format::RECORD_HEAD_BYTES as u64;
        let mut reader = Reader::at(record.body, body);
        if record.kind == format::SNAPSHOT {
            state =
                State::decode(&mut reader).map_err(|error| (record.offset, error.to_string()))?;
        } else {
            let transformation = Transformation::decode(&mut reader)
                .map_err(|error| (record.offset, error.to_string()))?;
            let applied = state.apply(&transformation);
            (state, _) = applied
                .map_err(|refused| (record.offset, format!("an entry is refused: {refused}")))?;
        }
        reader
            .expect_end()
            .map_err(|damage| (damage.offset, damage.what.to_owned()))?;
        if state.epoch != record.epoch {
            return Err((
                record.offset,
                format!("epoch {} where {} was expected", record.epoch, state.epoch),
            ));
        }
    }
    if records.is_empty() {
        return Err((format::RECORDS_OFFSET, "the log has no records".to_owned()));
    }
    Ok(state)
}
