//! What a data block holds, in order.

use base::bytes;
use model::key::RangeTombstoneRef;
use model::{Deletion, PartitionKeyRef};

use crate::data::{Block, Rows, Run};

/// An entry of a data block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A partition, or what lies of it in this block.
    Partition {
        /// Its key.
        key: PartitionKeyRef<'a>,
        /// Its deletion.
        deletion: Option<Deletion>,
        /// Its static row, if the partition begins here.
        static_row: Option<&'a [u8]>,
        /// Whether it began in an earlier block.
        continued: bool,
    },
    /// A range tombstone.
    RangeTombstone {
        /// What it deletes.
        tombstone: RangeTombstoneRef<'a>,
        /// Whether it was an entry of the block before already.
        continued: bool,
    },
    /// A row.
    Row {
        /// Its clustering key.
        clustering: &'a [u8],
        /// Its image.
        image: &'a [u8],
    },
    /// The end of a partition, or of what lies of it in this block.
    PartitionEnd {
        /// Whether it goes on in the next block.
        more: bool,
    },
}

/// Gives each entry of a block to `visit`.
pub fn visit(block: &Block, mut visit: impl FnMut(Entry<'_>)) -> Result<(), bytes::Error> {
    let mut next = Some(block.first()?);
    while let Some(run) = next {
        visit_run(block, &run, &mut visit)?;
        next = block.next(&run)?;
    }
    Ok(())
}

fn visit_run(
    block: &Block,
    run: &Run,
    visit: &mut impl FnMut(Entry<'_>),
) -> Result<(), bytes::Error> {
    visit(Entry::Partition {
        key: PartitionKeyRef {
            token: run.token(),
            bytes: block.bytes(run.key()),
        },
        deletion: run.deletion(),
        static_row: run.static_row().map(|image| block.bytes(image)),
        continued: run.is_continued(),
    });
    let mut rows = Rows::default();
    rows.rewind(run);
    let mut row = rows.advance(block, run)?;
    let mut tombstone = run.first_tombstone(block)?;
    let mut continued = run.is_open_at_start();
    loop {
        if let Some(found) = tombstone
            && (!row || block.bytes(found.start) <= rows.key())
        {
            let tombstone_ref = RangeTombstoneRef {
                start: block.bytes(found.start),
                end: block.bytes(found.end),
                deletion: found.deletion,
            };
            visit(Entry::RangeTombstone {
                tombstone: tombstone_ref,
                continued: std::mem::replace(&mut continued, false),
            });
            tombstone = run.next_tombstone(block, &found)?;
        } else if row {
            visit(Entry::Row {
                clustering: rows.key(),
                image: block.bytes(rows.image()),
            });
            row = rows.advance(block, run)?;
        } else {
            break;
        }
    }
    visit(Entry::PartitionEnd {
        more: run.has_more(),
    });
    Ok(())
}
