//! Going from data block to data block of a file.
//!
//! A [`Walk`] is at one data block, which it holds, and knows where that is in the index. Each way to go may have to
//! wait for a block: then it answers [`Stop::Wait`] and has not moved, and the same call, made again after the wait,
//! goes on where it stopped.

use std::sync::Arc;

use base::bytes;
use model::stream::{self, Wait};

use crate::blocks::{Fetched, Load};
use crate::cache::Block;
use crate::format::{Handle, Kind};
use crate::index::Index;
use crate::reader::{Answer, Reader};
use crate::{Error, data};
use types::token::Token;

/// Why something is not done yet, or never will be.
pub(crate) enum Stop {
    /// Await this, then do it again.
    Wait(Wait),
    /// The file is damaged, or cannot be read.
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Error(error)
    }
}

impl Stop {
    /// As a stream says it.
    pub(crate) fn into_step(self) -> Result<stream::Step, stream::Error> {
        match self {
            Stop::Wait(wait) => Ok(stream::Step::Wait(wait)),
            Stop::Error(error) => Err(error.into()),
        }
    }
}

/// A place in the index: of an entry of a leaf, itself an entry of the root. With depth 1 the root is the only leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    leaf: usize,
    entry: usize,
    /// Whether it is the leaf's last entry.
    last: bool,
}

/// A place among the data blocks of a file.
pub(crate) struct Walk {
    reader: Arc<Reader>,
    fill_cache: bool,
    /// The leaf looked at last, and its place in the root.
    leaf: Option<(usize, Arc<Index>)>,
    place: Option<Place>,
    handle: Handle,
    block: Option<Arc<data::Block>>,
    /// The block waited for.
    load: Option<Arc<Load>>,
    /// The block read ahead.
    ahead: Option<Arc<Load>>,
    /// Whether the block before had to be waited for, in a walk that reads ahead.
    read_ahead: bool,
    waited: bool,
}

impl Walk {
    /// At no block. `read_ahead`: while blocks have to be waited for, the next one is read too.
    pub(crate) fn new(reader: Arc<Reader>, fill_cache: bool, read_ahead: bool) -> Walk {
        Walk {
            reader,
            fill_cache,
            leaf: None,
            place: None,
            handle: Handle::default(),
            block: None,
            load: None,
            ahead: None,
            read_ahead,
            waited: false,
        }
    }

    /// The block it is at, if it was not let go.
    pub(crate) fn block(&self) -> Option<&Arc<data::Block>> {
        self.block.as_ref()
    }

    /// The offset of the block it is at.
    pub(crate) fn offset(&self) -> u64 {
        self.handle.offset
    }

    /// Lets go of the block; [`Walk::hold`] takes it again.
    pub(crate) fn release(&mut self) {
        self.block = None;
    }

    /// Makes sure that the block it is at is held.
    pub(crate) fn hold(&mut self) -> Result<(), Stop> {
        if self.block.is_none() && self.place.is_some() {
            self.block = Some(self.data(self.handle)?);
        }
        Ok(())
    }

    /// Damage in the block it is at.
    pub(crate) fn damage(&self, damage: bytes::Error) -> Stop {
        Stop::Error(self.reader.blocks.damage(self.handle.offset, damage))
    }

    /// Damage that shows at the block it is at.
    pub(crate) fn corrupt(&self, what: &str) -> Stop {
        Stop::Error(self.reader.blocks.corrupt(self.handle.offset, what))
    }

    /// Whether the file may have a partition of this token.
    pub(crate) fn may_contain(&mut self, token: Token) -> Result<bool, Stop> {
        // The filter that was waited for, which the cache may have let go already.
        if let Some(load) = &self.load
            && let Some(block) = load.block()
            && self.reader.filter_handle(token) == Some(load.handle())
        {
            self.load = None;
            return match block? {
                Block::Filter(filter) => Ok(filter.may_contain(token)),
                _ => Err(self.corrupt("block of another type")),
            };
        }
        match self.reader.may_contain(token)? {
            Answer::No => Ok(false),
            Answer::Maybe => Ok(true),
            Answer::Loading(load) => {
                let wait = load.wait();
                self.load = Some(load);
                Err(Stop::Wait(wait))
            }
        }
    }

    /// Goes to the block that may hold `target`.
    pub(crate) fn seek(&mut self, target: &[u8]) -> Result<(), Stop> {
        let leaf_at = match self.reader.depth() {
            1 => 0,
            _ => self.reader.root.find(target),
        };
        let leaf = self.leaf(leaf_at)?;
        self.go(leaf_at, &leaf, leaf.find(target))
    }

    /// Goes to the next block; false at the last one.
    pub(crate) fn next(&mut self) -> Result<bool, Stop> {
        let Some((leaf_at, entry)) = self.next_place() else {
            return Ok(false);
        };
        let leaf = self.leaf(leaf_at)?;
        self.go(leaf_at, &leaf, entry)?;
        Ok(true)
    }

    fn next_place(&self) -> Option<(usize, usize)> {
        let place = self.place?;
        if !place.last {
            return Some((place.leaf, place.entry + 1));
        }
        let leaf_at = place.leaf + 1;
        (self.reader.depth() > 1 && leaf_at < self.reader.root.len()).then_some((leaf_at, 0))
    }

    /// Goes to the block before; false at the first one.
    pub(crate) fn previous(&mut self) -> Result<bool, Stop> {
        let Some(place) = self.place else {
            return Ok(false);
        };
        let leaf_at = match place.entry {
            0 if place.leaf == 0 => return Ok(false),
            0 => place.leaf - 1,
            _ => place.leaf,
        };
        let leaf = self.leaf(leaf_at)?;
        let entry = place.entry.checked_sub(1).unwrap_or(leaf.len() - 1);
        self.go(leaf_at, &leaf, entry)?;
        Ok(true)
    }

    fn go(&mut self, leaf_at: usize, leaf: &Arc<Index>, entry: usize) -> Result<(), Stop> {
        let place = Place {
            leaf: leaf_at,
            entry,
            last: entry + 1 == leaf.len(),
        };
        let Some(handle) = leaf.handle(entry) else {
            return Err(self.corrupt("index entry out of range"));
        };
        if self.block.is_none() || handle != self.handle {
            self.block = Some(self.data(handle)?);
            self.handle = handle;
        }
        self.place = Some(place);
        self.start_ahead(leaf);
        Ok(())
    }

    /// While blocks have to be waited for, reads the next one of the same leaf.
    fn start_ahead(&mut self, leaf: &Index) {
        if !self.read_ahead || !std::mem::take(&mut self.waited) {
            return;
        }
        let next = self.place.and_then(|place| leaf.handle(place.entry + 1));
        self.ahead = next.and_then(|handle| {
            self.reader
                .blocks
                .ahead(handle, Kind::Data, self.fill_cache)
        });
    }

    fn leaf(&mut self, at: usize) -> Result<Arc<Index>, Stop> {
        if self.reader.depth() == 1 {
            return Ok(self.reader.root.clone());
        }
        if let Some((held, leaf)) = &self.leaf
            && *held == at
        {
            return Ok(leaf.clone());
        }
        let Some(handle) = self.reader.root.handle(at) else {
            return Err(self.corrupt("index entry out of range"));
        };
        match self.fetch(handle, Kind::Index)? {
            Block::Index(leaf) => {
                self.leaf = Some((at, leaf.clone()));
                Ok(leaf)
            }
            _ => Err(self.wrong_kind(handle)),
        }
    }

    /// The data block at a handle, whatever the place.
    pub(crate) fn data(&mut self, handle: Handle) -> Result<Arc<data::Block>, Stop> {
        match self.fetch(handle, Kind::Data)? {
            Block::Data(block) => Ok(block),
            _ => Err(self.wrong_kind(handle)),
        }
    }

    fn wrong_kind(&self, handle: Handle) -> Stop {
        Stop::Error(
            self.reader
                .blocks
                .corrupt(handle.offset, "block of another type"),
        )
    }

    fn fetch(&mut self, handle: Handle, kind: Kind) -> Result<Block, Stop> {
        let wanted = |load: &mut Arc<Load>| load.handle() == handle;
        let load = self.load.take_if(wanted);
        if let Some(load) = load.or_else(|| self.ahead.take_if(wanted)) {
            return self.take(load);
        }
        match self.reader.blocks.fetch(handle, kind, self.fill_cache)? {
            Fetched::Ready(block) => Ok(block),
            Fetched::Loading(load) => self.take(load),
        }
    }

    /// The block of a load, or the wait for it.
    fn take(&mut self, load: Arc<Load>) -> Result<Block, Stop> {
        self.waited = true;
        match load.block() {
            Some(block) => Ok(block?),
            None => {
                let wait = load.wait();
                self.load = Some(load);
                Err(Stop::Wait(wait))
            }
        }
    }
}
