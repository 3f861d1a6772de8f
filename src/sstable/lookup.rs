//! Finding one row, the shortest way: filter, index, block, row; no stream, no slices.
//!
//! What a row needs from a file besides its image is what may cover it: the deletion of its partition and of the range it lies
//! in.

use std::sync::Arc;

use base::bytes;
use model::stream::{self, Wait};
use model::{Deletion, PartitionKeyRef};
use smallvec::SmallVec;
use types::token::Token;

use crate::data::{Rows, Run};
use crate::position::{self, Position};
use crate::reader::Reader;
use crate::walk::{Stop, Walk};

/// What a look-up found.
#[derive(Debug)]
pub enum Found {
    /// The file has nothing of the partition.
    Absent,
    /// The file has the partition: the accessors say what of it.
    Present,
    /// Await this, then step again.
    Wait(Wait),
}

/// A look-up of one row in one file.
pub struct Lookup {
    walk: Walk,
    token: Token,
    key: SmallVec<[u8; 64]>,
    clustering: SmallVec<[u8; 64]>,
    filtered: bool,
    target: Position,
    rows: Rows,
    has_row: bool,
    partition_deletion: Option<Deletion>,
    range_deletion: Option<Deletion>,
}

impl Lookup {
    pub(crate) fn new(reader: Arc<Reader>, key: PartitionKeyRef<'_>, clustering: &[u8]) -> Lookup {
        Lookup {
            walk: Walk::new(reader, true, false),
            token: key.token,
            key: SmallVec::from_slice(key.bytes),
            clustering: SmallVec::from_slice(clustering),
            filtered: false,
            target: Position::new(),
            rows: Rows::default(),
            has_row: false,
            partition_deletion: None,
            range_deletion: None,
        }
    }

    /// Looks, as far as it goes without waiting.
    pub fn step(&mut self) -> Result<Found, stream::Error> {
        match self.look() {
            Ok(true) => Ok(Found::Present),
            Ok(false) => Ok(Found::Absent),
            Err(Stop::Wait(wait)) => Ok(Found::Wait(wait)),
            Err(Stop::Error(error)) => Err(error.into()),
        }
    }

    fn look(&mut self) -> Result<bool, Stop> {
        if !self.filtered && !self.walk.may_contain(self.token)? {
            return Ok(false);
        }
        self.filtered = true;
        position::set(&mut self.target, self.token, &self.key, &self.clustering);
        self.walk.seek(&self.target)?;
        self.find().map_err(|damage| self.walk.damage(damage))
    }

    fn find(&mut self) -> Result<bool, bytes::Error> {
        let Some(block) = self.walk.block() else {
            return Ok(false);
        };
        let Some(run) = block.find(self.token, &self.key)? else {
            return Ok(false);
        };
        self.partition_deletion = run.deletion();
        self.has_row = self.rows.seek(block, &run, &self.clustering)?
            && self.rows.key() == self.clustering.as_slice();
        self.range_deletion = self.covering(&run)?;
        Ok(true)
    }

    fn covering(&self, run: &Run) -> Result<Option<Deletion>, bytes::Error> {
        let Some(block) = self.walk.block() else {
            return Ok(None);
        };
        let clustering = self.clustering.as_slice();
        let mut next = run.first_tombstone(block)?;
        while let Some(tombstone) = next {
            if clustering < block.bytes(tombstone.start) {
                break;
            }
            if clustering < block.bytes(tombstone.end) {
                return Ok(Some(tombstone.deletion));
            }
            next = run.next_tombstone(block, &tombstone)?;
        }
        Ok(None)
    }

    /// The partition's deletion.
    pub fn partition_deletion(&self) -> Option<Deletion> {
        self.partition_deletion
    }

    /// The deletion of the range that the row lies in, whether the file has the row or not.
    pub fn range_deletion(&self) -> Option<Deletion> {
        self.range_deletion
    }

    /// The row's image, as stored: what the deletions cover is still in it.
    pub fn image(&self) -> Option<&[u8]> {
        let block = self.walk.block().filter(|_| self.has_row)?;
        Some(block.bytes(self.rows.image()))
    }
}
