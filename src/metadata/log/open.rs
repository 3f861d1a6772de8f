//! Reading the log at a start: what is valid counts, a torn tail is cut, damage is refused.

use std::io;
use std::sync::Arc;

use base::bytes::Reader;
use base::env::Dir;
use uuid::Uuid;

use super::format::{self, Record};
use super::rewrite::remove_new;
use super::{FILE_BYTES_MAX, FILE_NAME, Log, path, record_bytes};
use crate::{Epoch, State, Transformation};

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
