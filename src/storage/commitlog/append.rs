//! Appending: one writer at a time, who writes for everyone that waits behind it.
//!
//! 1. A turn seals its frames' bodies for the segment it expects, outside any lock.
//! 2. If nobody is writing, it takes the writer's lock, seals the headers and writes, together with what others left
//!    in the queue meanwhile.
//! 3. Otherwise it leaves a copy in the queue with a ticket, waits for the lock, and usually finds its ticket done.
//!
//! What always holds:
//! - Position and content of the log agree: `offset` moves only after a successful write.
//! - A frame lies in one segment, and each segment but the last ends in an end mark.
//! - What is written in one go is in the log as a whole, or not at all, or the log takes no more: a go is refused
//!   before its first byte unless the segments that it needs are ready, and a write that fails behind the first is final.
//! - After a first write that failed nothing more goes into that segment but an end mark at the offset reached before, so
//!   that no part of a refused frame can ever follow a good one.
//! - No file is created here.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::Log;
use super::format::{self, FRAME_HEADER_BYTES, Position};
use super::segment::Segment;
use crate::Error;

/// What the writer's lock protects.
pub(super) struct Writer {
    pub active: Arc<Segment>,
    pub offset: u32,
    /// Segments written since the last sync began, besides the active one.
    pub unsynced: Vec<Arc<Segment>>,
    /// A write failed: this segment only takes its end mark.
    broken: bool,
    /// Records were written behind the last witness: no frame behind them says that they were synced.
    lacks_witness: bool,
    /// The last ticket that was written.
    done: u64,
    failures: Vec<Failure>,
    /// The queue's former buffer, kept for its memory.
    spare: Vec<u8>,
}

/// Frames that wait for the writer, one behind the other.
#[derive(Default)]
pub(super) struct Queue {
    bytes: Vec<u8>,
    tickets: u64,
}

/// Tickets that were written together, and failed.
struct Failure {
    first: u64,
    last: u64,
    unasked: u64,
    error: Error,
}

impl Queue {
    /// Leaves a copy of frames; the ticket to ask for them by.
    pub fn put(&mut self, frames: &[u8]) -> u64 {
        self.bytes.extend_from_slice(frames);
        self.tickets += 1;
        self.tickets
    }
}

impl Writer {
    pub fn new(active: Arc<Segment>) -> Writer {
        Writer {
            active,
            offset: format::SEGMENT_HEADER_BYTES as u32,
            unsynced: Vec::new(),
            broken: false,
            lacks_witness: false,
            done: 0,
            failures: Vec::new(),
            spare: Vec::new(),
        }
    }

    pub fn position(&self) -> Position {
        Position::new(self.active.id, self.offset)
    }

    /// What became of a ticket that is done. Each ticket asks once.
    pub(super) fn outcome(&mut self, ticket: u64) -> Result<Position, Error> {
        let covers = |failure: &Failure| (failure.first..=failure.last).contains(&ticket);
        let Some(index) = self.failures.iter().position(covers) else {
            return Ok(self.position());
        };
        self.failures[index].unasked -= 1;
        if self.failures[index].unasked == 0 {
            return Err(self.failures.swap_remove(index).error);
        }
        Err(self.failures[index].error.clone())
    }
}

impl Log {
    /// Appends frames made by [`super::Frames`] and says where the log ends behind them. After an error none of them
    /// counts as written; what became of them on disk shows only if the process dies before the next append, or if the
    /// log takes no more.
    pub(crate) fn append(&self, frames: &mut [u8]) -> Result<Position, Error> {
        if frames.is_empty() {
            return Ok(self.written());
        }
        seal_bodies(self.written().segment(), frames);
        if let Some(mut writer) = self.writer.try_lock() {
            return self.write_with_queue(&mut writer, frames);
        }
        let ticket = self.queue.lock().put(frames);
        let mut writer = self.writer.lock();
        if writer.done < ticket {
            // The outcome is read below, by this ticket as by all others.
            let _ = self.write_with_queue(&mut writer, &mut []);
        }
        writer.outcome(ticket)
    }

    /// Writes what is queued and then `frames`, in one go; the queue alone if both together are too long for the
    /// segments that are ready.
    fn write_with_queue(&self, writer: &mut Writer, frames: &mut [u8]) -> Result<Position, Error> {
        let (mut queued, last) = {
            let mut queue = self.queue.lock();
            let spare = std::mem::take(&mut writer.spare);
            (std::mem::replace(&mut queue.bytes, spare), queue.tickets)
        };
        if queued.is_empty() {
            writer.spare = queued;
            return self.write(writer, frames);
        }
        let queued_bytes = queued.len();
        queued.extend_from_slice(frames);
        let own = self.check_room(writer, &queued);
        if own.is_err() {
            queued.truncate(queued_bytes);
        }
        let result = self.write(writer, &mut queued);
        if let Err(error) = &result {
            let first = writer.done + 1;
            let unasked = last - writer.done;
            writer.failures.push(Failure {
                first,
                last,
                unasked,
                error: error.clone(),
            });
        }
        writer.done = last;
        queued.clear();
        writer.spare = queued;
        own.and(result)
    }

    /// Writes frames in one go.
    fn write(&self, writer: &mut Writer, frames: &mut [u8]) -> Result<Position, Error> {
        self.check_usable()?;
        self.check_room(writer, frames)?;
        if writer.broken {
            self.switch(writer)?;
        }
        let start = writer.position();
        self.write_runs(writer, frames).inspect_err(|error| {
            if writer.position() != start {
                // A part of the go is in the log for good: nobody can say that it failed, nor that it did not.
                self.fail(error);
            }
        })?;
        writer.lacks_witness |= !frames.is_empty();
        Ok(writer.position())
    }

    /// Whether everything is synced, and no frame says so of the last records.
    pub(super) fn wants_witness(&self) -> bool {
        self.lacks_witness(&self.writer.lock())
    }

    fn lacks_witness(&self, writer: &Writer) -> bool {
        // A drain writes everything to files, and the manifest says so.
        let is_synced = || writer.position() == self.synced_position() && !self.supply.is_stopped();
        writer.lacks_witness && is_synced()
    }

    /// Writes a frame without records, if one is wanted, for the synced position that it names. Once for the records
    /// before it: if it cannot be written, nothing is lost that was there before.
    pub(super) fn write_witness(&self) -> Result<bool, Error> {
        let mut writer = self.writer.lock();
        if !self.lacks_witness(&writer) {
            return Ok(false);
        }
        let mut witness = format::empty_frame(writer.active.id);
        let written = self.write(&mut writer, &mut witness);
        writer.lacks_witness = false;
        written.map(|_| true)
    }

    /// Seals and writes frames, a run for each segment.
    fn write_runs(&self, writer: &mut Writer, frames: &mut [u8]) -> Result<(), Error> {
        let synced = self.synced_position();
        let (mut start, mut end) = (0, 0);
        while end < frames.len() {
            let (sealed_for, len) = format::sealed_for(&frames[end..]);
            if !self.takes(writer.offset, end - start + len) {
                self.write_run(writer, &frames[start..end])?;
                self.switch(writer)?;
                start = end;
            }
            let id = writer.active.id;
            let frame = &mut frames[end..end + len];
            if sealed_for != id {
                format::seal_body(id, frame);
            }
            format::seal_header(id, synced, &mut frame[..FRAME_HEADER_BYTES]);
            end += len;
        }
        self.write_run(writer, &frames[start..end])
    }

    /// Whether a segment that is written up to `offset` has room for so many bytes of frames, and its end mark.
    fn takes(&self, offset: u32, bytes: usize) -> bool {
        offset as usize + bytes + FRAME_HEADER_BYTES <= self.segment_bytes as usize
    }

    /// Refuses frames that need more segments than are ready. They are made for the next attempt.
    fn check_room(&self, writer: &Writer, frames: &[u8]) -> Result<(), Error> {
        let empty = format::SEGMENT_HEADER_BYTES as u32;
        let (mut segments, mut offset) = match writer.broken {
            true => (1, empty),
            false => (0, writer.offset),
        };
        let mut end = 0;
        while end < frames.len() {
            let (_, len) = format::sealed_for(&frames[end..]);
            if !self.takes(offset, len) {
                (segments, offset) = (segments + 1, empty);
            }
            offset += len as u32;
            end += len;
        }
        if segments == 0 || self.supply.has_ready(segments) {
            return Ok(());
        }
        self.switched.notify_one();
        Err(self.full())
    }

    /// Writes frames that fit into the active segment.
    fn write_run(&self, writer: &mut Writer, run: &[u8]) -> Result<(), Error> {
        if run.is_empty() {
            return Ok(());
        }
        if let Err(error) = writer.active.file.write_at(run, u64::from(writer.offset)) {
            writer.broken = true;
            let path = writer.active.path(&*self.dir);
            return Err(Error::io(format_args!("cannot write {path}"), &error));
        }
        writer.offset += run.len() as u32;
        self.written.store(writer.position().0, Release);
        self.counters.writes.fetch_add(1, Relaxed);
        self.counters.bytes.fetch_add(run.len() as u64, Relaxed);
        Ok(())
    }

    /// Ends the active segment and goes on in the next one.
    fn switch(&self, writer: &mut Writer) -> Result<(), Error> {
        let mark = format::end_mark(writer.active.id, self.synced_position());
        if let Err(error) = writer.active.file.write_at(&mark, u64::from(writer.offset)) {
            writer.broken = true;
            let path = writer.active.path(&*self.dir);
            return Err(Error::io(format_args!("cannot write {path}"), &error));
        }
        let next = self.supply.take_next(writer.active.id);
        let next = next.ok_or_else(|| self.full())?;
        let former = std::mem::replace(&mut writer.active, next);
        writer.unsynced.push(former);
        writer.offset = format::SEGMENT_HEADER_BYTES as u32;
        writer.broken = false;
        self.switched.notify_one();
        self.written.store(writer.position().0, Release);
        Ok(())
    }

    fn full(&self) -> Error {
        self.env.sometimes("commit log: it has no room", true);
        Error::Overloaded(self.supply.shortage())
    }

    /// Where the log ends.
    pub(crate) fn written(&self) -> Position {
        Position(self.written.load(Acquire))
    }
}

fn seal_bodies(segment: u64, frames: &mut [u8]) {
    let mut start = 0;
    while start < frames.len() {
        let (_, len) = format::sealed_for(&frames[start..]);
        format::seal_body(segment, &mut frames[start..start + len]);
        start += len;
    }
}
