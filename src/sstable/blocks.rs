//! Getting blocks of one file: from the cache, else by a read that does not wait, else from the read pool.
//!
//! 1. The cache has it: done.
//! 2. Somebody is reading it in the pool: wait for the same [`Load`].
//! 3. [`File::read_now`], unless the file's blocks mostly were not in memory lately. "Would block" and short reads are
//!    misses; a failed call has already started the read.
//! 4. A [`Load`] in the read pool, which others may join: a block is read once, whoever wants it.
//!
//! A block is checked and decoded by whoever read it, so everybody else gets it ready to use.
//!
//! What always holds: the lock over running loads is held for a look-up or a change of a small map, never while anything
//! is read; there are at most as many loads as cursors and one block read ahead for each.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use base::bytes;
use base::env::{BoxFuture, Class, Env, File};
use futures_util::FutureExt;
use futures_util::future::Shared;
use model::stream::Wait;
use parking_lot::Mutex;

use crate::cache::{Block, Cache};
use crate::data;
use crate::filter::Filter;
use crate::format::{self, Handle, Kind};
use crate::index::Index;
use crate::{Error, FileId};

/// The blocks of one file.
pub(crate) struct Blocks {
    env: Env,
    file: Arc<dyn File>,
    /// For messages.
    path: String,
    id: FileId,
    file_len: u64,
    cache: Cache,
    loads: Mutex<BTreeMap<u64, Arc<Load>>>,
    pace: Pace,
}

/// A block on its way from the read pool.
pub struct Load {
    handle: Handle,
    block: OnceLock<Result<Block, Error>>,
    done: OnceLock<Shared<BoxFuture<'static, ()>>>,
}

/// A block, or the promise of one.
pub(crate) enum Fetched {
    /// Here it is.
    Ready(Block),
    /// It is being read.
    Loading(Arc<Load>),
}

impl Load {
    /// The block's place.
    pub(crate) fn handle(&self) -> Handle {
        self.handle
    }

    /// The block, once it is there.
    pub(crate) fn block(&self) -> Option<Result<Block, Error>> {
        self.block.get().cloned()
    }

    /// Ends when the block is there.
    pub(crate) fn wait(&self) -> Wait {
        match self.done.get() {
            Some(done) => Wait::new(done.clone()),
            None => Wait::new(std::future::ready(())),
        }
    }
}

impl Blocks {
    pub(crate) fn new(
        env: Env,
        file: Arc<dyn File>,
        path: String,
        id: FileId,
        file_len: u64,
        cache: Cache,
    ) -> Blocks {
        Blocks {
            env,
            file,
            path,
            id,
            file_len,
            cache,
            loads: Mutex::new(BTreeMap::new()),
            pace: Pace::default(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Damage in the contents of the block at `offset`.
    pub(crate) fn damage(&self, offset: u64, damage: bytes::Error) -> Error {
        Error::inside(&self.path, offset, damage)
    }

    /// Damage that shows between blocks.
    pub(crate) fn corrupt(&self, offset: u64, what: &str) -> Error {
        Error::corrupt(&self.path, offset, what)
    }

    /// The block at `handle`. `fill` keeps it in the cache.
    pub(crate) fn fetch(
        self: &Arc<Self>,
        handle: Handle,
        kind: Kind,
        fill: bool,
    ) -> Result<Fetched, Error> {
        if let Some(block) = self.cache.get(self.id, handle.offset) {
            return Ok(Fetched::Ready(block));
        }
        let running = self.loads.lock().get(&handle.offset).cloned();
        if let Some(load) = running {
            return Ok(Fetched::Loading(load));
        }
        match self.read_now(handle)? {
            Some(bytes) => self.decode(handle, kind, &bytes, fill).map(Fetched::Ready),
            None => Ok(Fetched::Loading(self.load(handle, kind, fill))),
        }
    }

    /// Starts reading a block that will be wanted soon, unless it is at hand.
    pub(crate) fn ahead(
        self: &Arc<Self>,
        handle: Handle,
        kind: Kind,
        fill: bool,
    ) -> Option<Arc<Load>> {
        let cached = fill && self.cache.get(self.id, handle.offset).is_some();
        (!cached).then(|| self.load(handle, kind, fill))
    }

    /// The bytes of a block, if they are in memory.
    fn read_now(&self, handle: Handle) -> Result<Option<Vec<u8>>, Error> {
        if !self.pace.try_now() {
            return Ok(None);
        }
        let mut bytes = vec![0; handle.len as usize];
        let answer = self.file.read_now(&mut bytes, handle.offset);
        let hit = matches!(answer, Ok(count) if count == bytes.len());
        self.pace.note(hit);
        match answer {
            Ok(_) => Ok(hit.then_some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.env
                    .sometimes("read: it would have to wait for the disk", true);
                Ok(None)
            }
            // The pool will meet the same error, if it is one, and say so.
            Err(_) => Ok(None),
        }
    }

    /// Reads a block in the pool, or joins whoever does.
    fn load(self: &Arc<Self>, handle: Handle, kind: Kind, fill: bool) -> Arc<Load> {
        let mut loads = self.loads.lock();
        if let Some(load) = loads.get(&handle.offset) {
            return load.clone();
        }
        let load = Arc::new(Load {
            handle,
            block: OnceLock::new(),
            done: OnceLock::new(),
        });
        loads.insert(handle.offset, load.clone());
        let (blocks, running) = (self.clone(), load.clone());
        let reading = self.env.blocking(Class::Read, move || {
            let block = blocks.read(handle, kind, fill);
            // First the result, then the end of the load: nobody finds neither.
            let _ = running.block.set(block);
            blocks.loads.lock().remove(&handle.offset);
        });
        let _ = load.done.set(reading.boxed().shared());
        load
    }

    /// Reads a block, waiting for the disk.
    pub(crate) fn read(&self, handle: Handle, kind: Kind, fill: bool) -> Result<Block, Error> {
        let bytes = self.read_bytes(handle)?;
        self.decode(handle, kind, &bytes, fill)
    }

    /// Reads the contents of a block of a kind that is not cached, waiting for the disk.
    pub(crate) fn read_plain(&self, handle: Handle, kind: Kind) -> Result<Vec<u8>, Error> {
        let bytes = self.read_bytes(handle)?;
        self.open(handle, kind, &bytes)
    }

    fn read_bytes(&self, handle: Handle) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; handle.len as usize];
        match self.file.read_exact_at(&mut bytes, handle.offset) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.corrupt(handle.offset, "file ends within a block"))
            }
            Err(error) => Err(Error::io(&self.path, "read", &error)),
        }
    }

    /// The contents of a block from its bytes.
    fn open(&self, handle: Handle, kind: Kind, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let opened = format::open(self.id, handle.offset, bytes)
            .map_err(|damage| self.corrupt(handle.offset, damage.what))?;
        if opened.envelope.kind != kind {
            return Err(self.corrupt(handle.offset, "block of another type"));
        }
        opened
            .plain()
            .map_err(|error| Error::corrupt(&self.path, handle.offset, error))
    }

    fn decode(&self, handle: Handle, kind: Kind, bytes: &[u8], fill: bool) -> Result<Block, Error> {
        let plain = self.open(handle, kind, bytes)?;
        let damage = |damage| self.damage(handle.offset, damage);
        let block = match kind {
            Kind::Data => Block::Data(Arc::new(data::Block::decode(plain).map_err(damage)?)),
            Kind::Index => {
                let index = Index::decode(&plain, self.file_len).map_err(damage)?;
                Block::Index(Arc::new(index))
            }
            Kind::Filter => Block::Filter(Arc::new(Filter::decode(plain).map_err(damage)?)),
            Kind::FilterDirectory | Kind::Statistics => {
                return Err(self.corrupt(handle.offset, "block of another type"));
            }
        };
        if fill {
            self.cache.insert(self.id, handle.offset, block.clone());
        }
        Ok(block)
    }
}

/// Whether reads that do not wait are worth trying: when over half of the last 32 failed, the next 256 blocks go
/// straight to the pool. The counts are relaxed and may lose one; nothing depends on them.
#[derive(Debug, Default)]
struct Pace {
    tried: AtomicU32,
    missed: AtomicU32,
    pause: AtomicU32,
}

impl Pace {
    const WINDOW: u32 = 32;
    const PAUSE: u32 = 256;

    fn try_now(&self) -> bool {
        let pause = self.pause.load(Ordering::Relaxed);
        if pause == 0 {
            return true;
        }
        self.pause.store(pause - 1, Ordering::Relaxed);
        false
    }

    fn note(&self, hit: bool) {
        let missed = self.missed.load(Ordering::Relaxed) + u32::from(!hit);
        let tried = self.tried.load(Ordering::Relaxed) + 1;
        let full = tried >= Pace::WINDOW;
        if full && missed > Pace::WINDOW / 2 {
            self.pause.store(Pace::PAUSE, Ordering::Relaxed);
        }
        self.missed
            .store(if full { 0 } else { missed }, Ordering::Relaxed);
        self.tried
            .store(if full { 0 } else { tried }, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_mostly_not_in_memory_pauses_and_tries_again() {
        let pace = Pace::default();
        for _ in 0..Pace::WINDOW {
            assert!(pace.try_now());
            pace.note(false);
        }
        let paused = (0..1_000).take_while(|_| !pace.try_now()).count();
        assert_eq!(paused as u32, Pace::PAUSE);
        for at in 0..10 * Pace::WINDOW {
            assert!(pace.try_now());
            pace.note(at % 2 == 0);
        }
    }
}
