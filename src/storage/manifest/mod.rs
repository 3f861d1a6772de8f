//! The manifest: which files make up each table, and from where the log is replayed.
//!
//! It is a log of edits ([`format`](mod@format)) folded into a [`State`]. An edit is synced before anything that it makes
//! superfluous, a segment or an input file, is freed; so whatever instant the machine dies at, each row is in the
//! log, or in a live file, or both. When the edits outweigh the state, the file is written anew beside the old one and
//! renamed over it.
//!
//! All calls wait for the disk: they are made inside `Env::blocking`.

pub mod format;
mod state;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, Guard};
use base::bytes::Reader;
use base::env::{Dir, File};

pub use self::format::Edit;
pub use self::state::{State, Table};
use crate::Error;

/// The file's name.
pub const NAME: &str = "manifest";
/// The name of one being written.
const NEW_NAME: &str = "manifest.new";
/// The longest one that is read: a million files take 50 MiB, and it is written anew at four times that.
const BYTES_MAX: u64 = 1 << 30;
/// A manifest is not written anew below this length.
const REWRITE_BYTES_MIN: u64 = 1 << 20;
/// It is when it is so many times as long as what it would be.
const REWRITE_FACTOR: u64 = 4;

/// An open manifest.
pub(crate) struct Manifest {
    dir: Arc<dyn Dir>,
    file: Arc<dyn File>,
    generation: u64,
    len: u64,
    /// The slot that is written next.
    slot: usize,
    /// Length after the last rewrite.
    fresh_len: u64,
    known: Arc<Known>,
}

/// What others ask of a manifest while it is being written: nobody waits for the disk here.
pub(crate) struct Known {
    /// What is durable.
    state: ArcSwap<State>,
    next_file: AtomicU64,
    failed: OnceLock<String>,
}

impl Known {
    fn new(state: State) -> Arc<Known> {
        Arc::new(Known {
            next_file: AtomicU64::new(state.next_file.max(1)),
            state: ArcSwap::from_pointee(state),
            failed: OnceLock::new(),
        })
    }

    /// What the manifest says, durably.
    pub fn state(&self) -> Guard<Arc<State>> {
        self.state.load()
    }

    /// An id for a new file. It is taken even if the file never becomes live.
    pub fn next_file(&self) -> u64 {
        self.next_file.fetch_add(1, Relaxed)
    }

    /// Refuses once the manifest has failed for good.
    pub fn check_usable(&self) -> Result<(), Error> {
        match self.failed.get() {
            None => Ok(()),
            Some(message) => Err(Error::Unavailable(message.clone())),
        }
    }
}

impl Manifest {
    /// Opens the manifest in `dir`, or makes an empty one. `epoch` is where the metadata log ends: one that ends below
    /// the manifest's is refused before anything is changed.
    pub fn open(dir: Arc<dyn Dir>, epoch: u64) -> Result<Manifest, Error> {
        let path = path_in(&*dir);
        let failed = |error| Error::io(format_args!("cannot open {path}"), &error);
        let is_there = dir.exists(NAME).map_err(failed)?;
        let found = if is_there {
            let file = dir.open(NAME).map_err(failed)?;
            let loaded = load(&path, &read(&*file).map_err(failed)?)?;
            refuse_older(&path, &loaded.state, epoch)?;
            Some((file, loaded))
        } else {
            None
        };
        if dir.exists(NEW_NAME).map_err(failed)? {
            dir.remove(NEW_NAME).map_err(failed)?;
        }
        let Some((file, loaded)) = found else {
            let known = Known::new(State::default());
            let (file, len) = write_new(&*dir, 1, &State::default()).map_err(failed)?;
            take_place(&*dir).map_err(failed)?;
            return Ok(Manifest {
                dir,
                file,
                generation: 1,
                len,
                slot: 1,
                fresh_len: len,
                known,
            });
        };
        let mut manifest = Manifest {
            dir,
            file,
            generation: loaded.header.generation,
            len: loaded.len,
            slot: loaded.next_slot,
            fresh_len: loaded.len,
            known: Known::new(loaded.state),
        };
        if loaded.header.version < format::VERSION {
            manifest.write_anew().map_err(failed)?;
            return Ok(manifest);
        }
        // What was found valid, and the file's name, become durable before they are acted on: the process that made them
        // may have been killed before. A torn tail is overwritten by the next record.
        manifest.dir.sync_dir().map_err(failed)?;
        manifest.file.truncate(manifest.len).map_err(failed)?;
        manifest.file.sync_data().map_err(failed)?;
        manifest.note_synced().map_err(failed)?;
        Ok(manifest)
    }

    /// What others ask of it.
    pub fn known(&self) -> Arc<Known> {
        self.known.clone()
    }

    /// What it says.
    pub fn state(&self) -> Guard<Arc<State>> {
        self.known.state()
    }

    /// Makes edits durable, all or none.
    ///
    /// After a failed write nothing has changed and the edits may be tried again. A failed sync is final: whether they
    /// hold shows at the next start.
    pub fn commit(&mut self, edits: &[Edit]) -> Result<(), Error> {
        self.known.check_usable()?;
        if edits.is_empty() {
            return Ok(());
        }
        let mut state = State::clone(&self.state());
        for edit in edits {
            // Our own edits fit our own state; if not, writing them would spoil the manifest.
            state
                .apply(edit)
                .map_err(|what| Error::Invalid(format!("{edit:?}: {what}")))?;
        }
        let mut record = Vec::new();
        format::encode_record(self.generation, edits, &mut record);
        if let Err(error) = self.file.write_at(&record, self.len) {
            return Err(self.take_back(&error));
        }
        if let Err(error) = self.file.sync_data() {
            return Err(self.fail(&error));
        }
        self.len += record.len() as u64;
        self.known.state.store(Arc::new(state));
        if let Err(error) = self.note_synced() {
            // The record is durable and counts without its slot.
            tracing::warn!("cannot write a slot of {}: {error}", self.path());
        }
        self.rewrite_if_long()
    }

    /// Removes what there is of a record that could not be written: all of it may be there, and would count at the next
    /// start, when its edits were given up or made otherwise.
    fn take_back(&mut self, error: &std::io::Error) -> Error {
        let cut = self.file.truncate(self.len);
        match cut.and_then(|()| self.file.sync_data()) {
            Ok(()) => Error::io(format_args!("cannot write {}", self.path()), error),
            Err(_) => self.fail(error),
        }
    }

    /// Notes in a slot that everything so far is synced. The slot itself rides along with the next sync.
    fn note_synced(&mut self) -> std::io::Result<()> {
        let slot = format::slot(self.generation, self.len);
        self.file.write_at(&slot, format::SLOTS[self.slot])?;
        self.slot = 1 - self.slot;
        Ok(())
    }

    fn rewrite_if_long(&mut self) -> Result<(), Error> {
        if self.len < REWRITE_BYTES_MIN.max(REWRITE_FACTOR * self.fresh_len) {
            return Ok(());
        }
        self.rewrite()
    }

    /// Writes the file anew, with the state as one record. If it cannot be written, as on a full disk, the present file
    /// goes on, and the next attempt is made when it is twice as long.
    fn rewrite(&mut self) -> Result<(), Error> {
        match self.write_anew() {
            Err(error) if self.known.failed.get().is_none() => {
                tracing::warn!("{} goes on as it is: {error}", self.path());
                self.fresh_len = 2 * self.len / REWRITE_FACTOR;
                Ok(())
            }
            _ => self.known.check_usable(),
        }
    }

    fn write_anew(&mut self) -> std::io::Result<()> {
        let generation = self.generation + 1;
        let (file, len) = match write_new(&*self.dir, generation, &self.state()) {
            Ok(written) => written,
            Err(error) => {
                // What there is of it is removed by the next attempt, or the next start, if not now.
                let _ = self.dir.remove(NEW_NAME);
                return Err(error);
            }
        };
        if let Err(error) = take_place(&*self.dir) {
            // Which of the two files has the name is unknown now, and they are about to differ.
            self.fail(&error);
            return Err(error);
        }
        (self.file, self.generation, self.len) = (file, generation, len);
        (self.slot, self.fresh_len) = (1, len);
        Ok(())
    }

    fn fail(&mut self, error: &std::io::Error) -> Error {
        let message = format!("{} failed and takes no more changes: {error}", self.path());
        tracing::error!("{message}");
        Error::Unavailable(self.known.failed.get_or_init(|| message).clone())
    }

    fn path(&self) -> String {
        path_in(&*self.dir)
    }
}

/// Writes a manifest beside the present one, and syncs it; with its length.
fn write_new(
    dir: &dyn Dir,
    generation: u64,
    state: &State,
) -> std::io::Result<(Arc<dyn File>, u64)> {
    let mut bytes = format::header(generation).to_vec();
    bytes.resize(format::RECORDS_AT as usize, 0);
    format::encode_record(generation, &state.snapshot(), &mut bytes);
    let len = bytes.len() as u64;
    let slot_at = format::SLOTS[0] as usize;
    bytes[slot_at..slot_at + format::SLOT_BYTES].copy_from_slice(&format::slot(generation, len));
    if dir.exists(NEW_NAME)? {
        dir.remove(NEW_NAME)?;
    }
    let file = dir.create(NEW_NAME)?;
    file.append(&bytes)?;
    file.sync_data()?;
    Ok((file, len))
}

/// Gives it the present one's name.
fn take_place(dir: &dyn Dir) -> std::io::Result<()> {
    dir.rename(NEW_NAME, NAME)?;
    dir.sync_dir()
}

fn path_in(dir: &dyn Dir) -> String {
    dir.path().join(NAME).display().to_string()
}

/// By an older schema, tables that were made since would count as dropped, and their files would be removed.
fn refuse_older(path: &str, state: &State, epoch: u64) -> Result<(), Error> {
    if epoch >= state.epoch {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "{path} belongs to epoch {} of the metadata log, which ends at epoch {epoch}: it is an older copy, or has lost its \
         end; restore its newest copy",
        state.epoch
    )))
}

/// The epoch of the metadata log that the manifest in `dir` belongs to, if there is one. Changes nothing.
pub(crate) fn epoch(dir: &dyn Dir) -> Result<Option<u64>, Error> {
    let path = path_in(dir);
    let failed = |error| Error::io(format_args!("cannot read {path}"), &error);
    if !dir.exists(NAME).map_err(failed)? {
        return Ok(None);
    }
    let bytes = dir.open(NAME).and_then(|file| read(&*file));
    Ok(Some(load(&path, &bytes.map_err(failed)?)?.state.epoch))
}

fn read(file: &dyn File) -> std::io::Result<Vec<u8>> {
    file.read_all(BYTES_MAX)
}

/// What the bytes of a manifest say. Also for tools that look at one.
pub fn decode(path: &str, bytes: &[u8]) -> Result<State, Error> {
    load(path, bytes).map(|loaded| loaded.state)
}

struct Loaded {
    header: format::Header,
    /// Where the last valid record ends.
    len: u64,
    next_slot: usize,
    state: State,
}

fn load(path: &str, bytes: &[u8]) -> Result<Loaded, Error> {
    let header = format::decode_header(bytes).map_err(|what| Error::corrupt(path, 0, what))?;
    let generation = header.generation;
    let slots = [0, 1].map(|slot| format::decode_slot(generation, bytes, slot));
    let Some(synced) = slots.into_iter().flatten().max() else {
        return Err(Error::corrupt(path, format::SLOTS[0], "no valid slot"));
    };
    let next_slot = if slots[0] < slots[1] { 0 } else { 1 };
    let mut state = State::default();
    let records = bytes.get(format::RECORDS_AT as usize..).unwrap_or_default();
    let mut reader = Reader::at(records, format::RECORDS_AT);
    loop {
        let at = reader.position();
        if reader.is_empty() {
            if at < synced {
                return Err(Error::corrupt(
                    path,
                    at,
                    "the file ends below its synced length",
                ));
            }
            break;
        }
        let record = format::decode_record(generation, &mut reader);
        match record {
            Ok(edits) => {
                for edit in &edits {
                    state
                        .apply(edit)
                        .map_err(|what| Error::corrupt(path, at, what))?;
                }
            }
            Err(error) if at < synced => {
                return Err(Error::corrupt(path, error.offset, error.what));
            }
            Err(_) => {
                return Ok(Loaded {
                    header,
                    len: at,
                    next_slot,
                    state,
                });
            }
        }
    }
    Ok(Loaded {
        header,
        len: reader.position(),
        next_slot,
        state,
    })
}
