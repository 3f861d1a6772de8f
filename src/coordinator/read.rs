//! The live rows of one command, from storage or a virtual source.

use base::meter::Meter;
use model::PartitionKeyRef;
use model::read::{Position, RowStep, Rows};
use model::stream::Stream;

use crate::error::Error;

/// A read that goes on step by step. It holds files and memtables alive, but no lock.
pub struct Read {
    rows: Rows<Box<dyn Stream>>,
}

/// One live row, borrowed until the next step.
#[derive(Clone, Copy, Debug)]
pub struct LiveRow<'a> {
    /// The partition key.
    pub key: PartitionKeyRef<'a>,
    /// The clustering key; none for a row that stands for the partition.
    pub clustering: Option<&'a [u8]>,
    /// The row's image.
    pub image: Option<&'a [u8]>,
    /// The image of the partition's static row.
    pub static_image: Option<&'a [u8]>,
}

impl Read {
    pub(crate) fn new(rows: Rows<Box<dyn Stream>>) -> Self {
        Read { rows }
    }

    /// Goes on to the next row.
    pub fn step(&mut self, meter: &mut Meter) -> Result<RowStep, Error> {
        Ok(self.rows.step(meter)?)
    }

    /// The row that the last step came to.
    pub fn row(&self) -> LiveRow<'_> {
        let row = self.rows.row();
        LiveRow {
            key: self.rows.key(),
            clustering: row.map(|row| row.clustering),
            image: row.map(|row| row.image),
            static_image: self.rows.static_image(),
        }
    }

    /// Where the next page goes on.
    pub fn position(&self) -> Position {
        self.rows.position()
    }

    /// Rows, cell groups and tombstones read and not returned so far.
    pub fn dead_rows(&self) -> u64 {
        self.rows.dead_rows()
    }
}
