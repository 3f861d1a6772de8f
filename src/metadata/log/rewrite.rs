//! Files that take the log's place: a new node's first, and a snapshot's.
//!
//! Both are written beside the log, synced, and renamed over it; so there is always one whole log.

use std::io;
use std::sync::Arc;

use base::env::Dir;
use uuid::Uuid;

use super::format::{self, Header, Mark, Record};
use super::{Error, FILE_BYTES_MAX, FILE_NAME, Log, path, record_bytes};
use crate::{Epoch, State, Transformation};

/// The name of a file that is to take the log's place.
const NEW_FILE_NAME: &str = "metadata.log.new";

impl Log {
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
pub(super) fn remove_new(dir: &Arc<dyn Dir>) -> io::Result<()> {
    match dir.exists(NEW_FILE_NAME)? {
        true => dir.remove(NEW_FILE_NAME),
        false => Ok(()),
    }
}
