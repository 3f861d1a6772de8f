//! A stream of what a scan asks for, from one file.
//!
//! A cursor goes through these states; a wait or an exhausted meter leaves it in the state it was in.
//!
//! | State | Does | Then |
//! |---|---|---|
//! | `Pick` | takes the next key of the list, asks the filter | `Find` |
//! | `Find` | goes to the block where the first slice of the key begins | `Open`, or `Pick` if the key is not there |
//! | `Start` | goes to the first partition of the range | `Open` |
//! | `Next` | goes to the partition after this one | `Open`, or `End` beyond the range |
//! | `Open` | fetches the static row, if it lies in an earlier block; says *Partition* | `Slice` |
//! | `Slice` | goes to where the next slice begins; after the last says *PartitionEnd* | `Entries`, or `Pick` or `Next` |
//! | `Entries` | says rows and range tombstones, block after block ([`forward`], [`reversed`]) | `Slice` |
//!
//! Whoever takes the entries charges them to the meter; the cursor charges only what nobody sees.
//!
//! It holds the file and at most one block, which it can let go of ([`Cursor::release`]); no lock. Where it is, is given by
//! its last key, so another cursor can go on from there ([`Scan::resume`]).

mod forward;
mod partitions;
mod reversed;
mod scan;

use std::sync::Arc;

use base::meter::Meter;
use model::stream::{self, Partition, RangeTombstoneRef, Row, Step, Stream};
use model::{Deletion, PartitionKeyRef, Timestamp};
use smallvec::SmallVec;
use types::token::Token;

use self::forward::Forward;
use self::reversed::Reversed;
pub use self::scan::Scan;
use crate::data::{Block, Run, Tombstone};
use crate::position::{self, Position};
use crate::reader::Reader;
use crate::walk::{Stop, Walk};
use model::key::Slice;
use model::read::Keys;

/// A stream of what a scan asks for.
pub struct Cursor {
    scan: Arc<Scan>,
    walk: Walk,
    state: State,
    /// The next key of the list.
    next_key: usize,
    /// Where to go: a buffer that stays.
    target: Position,
    partition: Current,
    /// The slices of the partition at which the scan goes on, if this is it.
    resumed: Option<Vec<Slice>>,
    /// How many slices of the partition are done.
    slices_done: usize,
    forward: Forward,
    reversed: Reversed,
    given: Given,
    shown: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pick,
    Find,
    Start,
    Next,
    Open,
    Slice,
    Entries,
    End,
}

/// The current partition, and its run in the current block.
#[derive(Default)]
struct Current {
    key: SmallVec<[u8; 64]>,
    deletion: Option<Deletion>,
    static_row: Option<Vec<u8>>,
    run: Option<Run>,
}

/// The start of the range tombstone given last, so that one that reaches over blocks or slices is given once.
#[derive(Default)]
struct Given {
    start: SmallVec<[u8; 64]>,
    any: bool,
}

impl Given {
    fn note(&mut self, start: &[u8]) {
        self.any = true;
        self.start.clear();
        self.start.extend_from_slice(start);
    }

    /// Whether it was given, going forward.
    fn is_past(&self, start: &[u8]) -> bool {
        self.any && start <= self.start.as_slice()
    }

    /// Whether it was given, going in reverse.
    fn is_past_reversed(&self, start: &[u8]) -> bool {
        self.any && start >= self.start.as_slice()
    }
}

/// What was said last.
#[derive(Clone, Copy)]
enum Shown {
    Nothing,
    Row,
    Tombstone(Tombstone),
}

/// A row or range tombstone that comes next, or neither in this slice.
enum Entry {
    Row,
    Tombstone(Tombstone),
    Done,
}

impl Cursor {
    pub(crate) fn new(reader: Arc<Reader>, scan: Arc<Scan>) -> Cursor {
        let ranged = matches!(scan.keys, Keys::Range(_));
        Cursor {
            walk: Walk::new(reader, scan.fill_cache, ranged),
            state: if ranged { State::Start } else { State::Pick },
            next_key: scan.first_key(),
            scan,
            target: Position::new(),
            partition: Current::default(),
            resumed: None,
            slices_done: 0,
            forward: Forward::default(),
            reversed: Reversed::default(),
            given: Given::default(),
            shown: Shown::Nothing,
        }
    }

    /// Lets go of the block, so that a cursor that is put aside holds no memory worth mentioning. What the accessors
    /// return is gone; the next step takes the block again.
    pub fn release(&mut self) {
        self.walk.release();
        self.shown = Shown::Nothing;
    }

    fn advance(&mut self, meter: &mut Meter) -> Result<Step, Stop> {
        self.walk.hold()?;
        loop {
            match self.state {
                State::Pick => self.pick(meter)?,
                State::Find => self.find()?,
                State::Start => self.start()?,
                State::Next => self.next_partition()?,
                State::Open => {
                    self.open()?;
                    return Ok(Step::Partition);
                }
                State::Slice => {
                    if self.begin_slice()? {
                        continue;
                    }
                    self.leave();
                    return Ok(Step::PartitionEnd);
                }
                State::Entries => {
                    if let Some(step) = self.entry()? {
                        return Ok(step);
                    }
                    self.slices_done += 1;
                    self.state = State::Slice;
                }
                State::End => return Ok(Step::End),
            }
            if meter.exhausted() {
                return Ok(Step::Yield);
            }
        }
    }

    /// Goes to where the next slice begins; false after the last.
    fn begin_slice(&mut self) -> Result<bool, Stop> {
        let scan = self.scan.clone();
        let slices = self.resumed.as_deref().unwrap_or(&scan.slices);
        let Some(slice) = nth_slice(slices, self.slices_done, scan.reversed) else {
            return Ok(false);
        };
        let run = current_run(&self.partition, &self.walk)?;
        if run.has_more() || run.is_continued() {
            let token = run.token();
            let bound = if scan.reversed {
                &slice.end
            } else {
                &slice.start
            };
            position::set(&mut self.target, token, &self.partition.key, bound);
            self.walk.seek(&self.target)?;
            self.partition.run = Some(self.run_of(token)?);
        }
        let (block, run) = (held(&self.walk)?, current_run(&self.partition, &self.walk)?);
        let begun = if scan.reversed {
            self.reversed.begin(block, run, slice)
        } else {
            self.forward.begin(block, run, slice)
        };
        begun.map_err(|damage| self.walk.damage(damage))?;
        self.state = State::Entries;
        Ok(true)
    }

    /// The current partition's run in the current block.
    fn run_of(&self, token: Token) -> Result<Run, Stop> {
        let found = held(&self.walk)?.find(token, &self.partition.key);
        found
            .map_err(|damage| self.walk.damage(damage))?
            .ok_or_else(|| self.walk.corrupt("partition is not where the index has it"))
    }

    /// Says the next row or range tombstone of the slice, going from block to block; `None` when there is none.
    fn entry(&mut self) -> Result<Option<Step>, Stop> {
        let scan = self.scan.clone();
        loop {
            let slices = self.resumed.as_deref().unwrap_or(&scan.slices);
            let Some(slice) = nth_slice(slices, self.slices_done, scan.reversed) else {
                return Ok(None);
            };
            let (block, run) = (held(&self.walk)?, current_run(&self.partition, &self.walk)?);
            let entry = if scan.reversed {
                self.reversed.next(block, slice, &self.given)
            } else {
                self.forward.next(block, run, slice, &self.given)
            };
            match entry.map_err(|damage| self.walk.damage(damage))? {
                Entry::Row => {
                    self.shown = Shown::Row;
                    return Ok(Some(Step::Row));
                }
                Entry::Tombstone(tombstone) => {
                    self.given.note(block.bytes(tombstone.start));
                    self.shown = Shown::Tombstone(tombstone);
                    return Ok(Some(Step::RangeTombstone));
                }
                Entry::Done => {
                    if !self.next_block()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Goes on with the partition in the next block, or in reverse in the one before; false if this slice ends here.
    fn next_block(&mut self) -> Result<bool, Stop> {
        let run = current_run(&self.partition, &self.walk)?;
        let token = run.token();
        let (left, on) = if self.scan.reversed {
            (!self.reversed.is_exhausted(), run.is_continued())
        } else {
            (!self.forward.is_exhausted(), run.has_more())
        };
        if left || !on {
            return Ok(false);
        }
        let moved = if self.scan.reversed {
            self.walk.previous()?
        } else {
            self.walk.next()?
        };
        if !moved {
            return Err(self.walk.corrupt("partition goes on beyond the file"));
        }
        let run = self.run_of(token)?;
        let block = held(&self.walk)?;
        let entered = if self.scan.reversed {
            self.reversed.enter(block, &run)
        } else {
            self.forward.enter(block, &run)
        };
        entered.map_err(|damage| self.walk.damage(damage))?;
        self.partition.run = Some(run);
        Ok(true)
    }

    /// After the last entry of a partition.
    fn leave(&mut self) {
        self.shown = Shown::Nothing;
        self.state = match self.scan.keys {
            Keys::List(_) => State::Pick,
            Keys::Range(_) => State::Next,
        };
    }
}

/// The block that the walk is at. It is always held while a step runs.
fn held(walk: &Walk) -> Result<&Arc<Block>, Stop> {
    walk.block().ok_or_else(|| walk.corrupt("no block"))
}

fn current_run<'a>(current: &'a Current, walk: &Walk) -> Result<&'a Run, Stop> {
    current
        .run
        .as_ref()
        .ok_or_else(|| walk.corrupt("no partition"))
}

fn nth_slice(slices: &[Slice], done: usize, reversed: bool) -> Option<&Slice> {
    if reversed {
        slices.get(slices.len().checked_sub(done + 1)?)
    } else {
        slices.get(done)
    }
}

/// Where the first slice begins, in the direction of the scan.
fn first_bound(slices: &[Slice], reversed: bool) -> &[u8] {
    match nth_slice(slices, 0, reversed) {
        None => &[],
        Some(slice) if reversed => &slice.end,
        Some(slice) => &slice.start,
    }
}

impl Stream for Cursor {
    fn step(&mut self, meter: &mut Meter) -> Result<Step, stream::Error> {
        if meter.exhausted() {
            return Ok(Step::Yield);
        }
        self.advance(meter).or_else(Stop::into_step)
    }

    fn partition(&self) -> Partition<'_> {
        let token = self.partition.run.as_ref().map_or(Token::MIN, Run::token);
        Partition {
            key: PartitionKeyRef {
                token,
                bytes: &self.partition.key,
            },
            deletion: self.partition.deletion,
            static_row: self.partition.static_row.as_deref(),
        }
    }

    fn row(&self) -> Row<'_> {
        let empty = Row {
            clustering: &[],
            image: &[],
        };
        let (Shown::Row, Some(block)) = (self.shown, self.walk.block()) else {
            return empty;
        };
        let (clustering, image) = if self.scan.reversed {
            self.reversed.row()
        } else {
            self.forward.row()
        };
        Row {
            clustering,
            image: block.bytes(image),
        }
    }

    fn range_tombstone(&self) -> RangeTombstoneRef<'_> {
        let (Shown::Tombstone(tombstone), Some(block)) = (self.shown, self.walk.block()) else {
            return RangeTombstoneRef {
                start: &[],
                end: &[],
                deletion: Deletion {
                    timestamp: Timestamp::MIN,
                    local_seconds: 0,
                },
            };
        };
        RangeTombstoneRef {
            start: block.bytes(tombstone.start),
            end: block.bytes(tombstone.end),
            deletion: tombstone.deletion,
        }
    }

    fn skip_partition(&mut self) {
        if matches!(self.state, State::Slice | State::Entries) {
            self.leave();
        }
    }
}
