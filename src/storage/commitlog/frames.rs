//! A turn's frames: the buffer in which mutations are encoded, once, for log and memtable alike.
//!
//! Records are added one at a time. A frame that has grown beyond its target is closed before the next record, so a
//! long turn makes several frames; records between [`Frames::begin_batch`] and [`Frames::end_batch`] share one.

use std::ops::Range;

use model::mutation::format::{NO_TABLE, TABLE};

use super::format::{FRAME_HEADER_BYTES, FRAME_TRAILER_BYTES, RECORD_HEADER_BYTES};
use crate::Error;

/// Buffers that grew beyond this are given back after the turn.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// The frames of one turn.
#[derive(Debug)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    /// Start of the frame that takes the next record.
    open: Option<usize>,
    /// Start of the record being encoded.
    record: Option<usize>,
    /// Start of the first record of the batch being encoded.
    batch: Option<usize>,
    /// What a mutation or BATCH may take.
    bytes_max: usize,
}

impl Frames {
    /// No frames yet; a mutation or BATCH may take `bytes_max`.
    pub fn new(bytes_max: usize) -> Frames {
        Frames {
            bytes: Vec::new(),
            open: None,
            record: None,
            batch: None,
            bytes_max,
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES_MAX);
        (self.open, self.record, self.batch) = (None, None, None);
    }

    /// Begins a record: its mutation is to be appended to the buffer returned.
    pub fn begin_record(&mut self) -> &mut Vec<u8> {
        debug_assert!(self.record.is_none(), "the former record is open");
        if self.batch.is_none()
            && let Some(start) = self.open
            && self.bytes.len() - start >= self.bytes_max / 4
        {
            self.close_frame();
        }
        self.open_frame();
        self.record = Some(self.bytes.len());
        self.bytes.extend_from_slice(&[0; RECORD_HEADER_BYTES]);
        &mut self.bytes
    }

    /// Ends the record and says where its mutation lies.
    pub fn end_record(&mut self) -> Result<Range<usize>, Error> {
        let Some(start) = self.record.take() else {
            return Ok(0..0);
        };
        let mutation = start + RECORD_HEADER_BYTES..self.bytes.len();
        if mutation.len() > self.bytes_max {
            let bytes = mutation.len();
            self.bytes.truncate(start);
            return Err(self.too_large("mutation", bytes));
        }
        self.bytes[start..mutation.start].copy_from_slice(&(mutation.len() as u32).to_le_bytes());
        Ok(mutation)
    }

    /// Takes back the record that was begun, if one was.
    pub fn abandon_record(&mut self) {
        if let Some(start) = self.record.take() {
            self.bytes.truncate(start);
        }
    }

    /// From here on records share one frame.
    pub fn begin_batch(&mut self) {
        self.close_frame();
        self.open_frame();
        self.batch = Some(self.bytes.len());
    }

    /// Ends the batch. One that is too large is taken back as a whole.
    pub fn end_batch(&mut self) -> Result<(), Error> {
        let Some(start) = self.batch.take() else {
            return Ok(());
        };
        let bytes = self.bytes.len() - start;
        if bytes > self.bytes_max {
            self.bytes.truncate(start);
            return Err(self.too_large("batch", bytes));
        }
        Ok(())
    }

    /// Takes back the batch that was begun.
    pub fn abandon_batch(&mut self) {
        self.abandon_record();
        if let Some(start) = self.batch.take() {
            self.bytes.truncate(start);
        }
    }

    /// All frames, complete but for what the log fills in.
    pub fn finish(&mut self) -> &mut [u8] {
        self.close_frame();
        &mut self.bytes
    }

    /// The bytes of a record, by what [`Frames::end_record`] said.
    pub fn record(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// Makes a record count for nothing: its table was dropped since it was encoded.
    pub fn void(&mut self, range: Range<usize>) {
        if let Some(table) = self.bytes[range].get_mut(TABLE) {
            table.copy_from_slice(&NO_TABLE);
        }
    }

    fn open_frame(&mut self) {
        if self.open.is_none() {
            self.open = Some(self.bytes.len());
            self.bytes.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        }
    }

    fn close_frame(&mut self) {
        let Some(start) = self.open.take() else {
            return;
        };
        let body = self.bytes.len() - start - FRAME_HEADER_BYTES;
        if body == 0 {
            self.bytes.truncate(start);
            return;
        }
        self.bytes.extend_from_slice(&[0; FRAME_TRAILER_BYTES]);
        super::format::seal_length(&mut self.bytes[start..], body as u32);
    }

    fn too_large(&self, what: &str, bytes: usize) -> Error {
        Error::Invalid(format!(
            "a {what} of {bytes} bytes is too large for the commit log, which takes at most {}",
            self.bytes_max
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::{self, Found, Position};
    use super::*;

    fn add(frames: &mut Frames, mutation: &[u8]) -> Result<Range<usize>, Error> {
        frames.begin_record().extend_from_slice(mutation);
        frames.end_record()
    }

    /// How many records each frame has.
    fn shape(frames: &mut Frames) -> Vec<usize> {
        let bytes = frames.finish();
        let (mut offset, mut counts) = (0, Vec::new());
        while offset < bytes.len() {
            let (_, len) = format::sealed_for(&bytes[offset..]);
            format::seal_body(1, &mut bytes[offset..offset + len]);
            format::seal_header(1, Position::START, &mut bytes[offset..]);
            let Found::Frame(frame) = format::decode_frame(1, bytes, offset) else {
                panic!("no frame at {offset}")
            };
            counts.push(frame.records().map(Result::unwrap).count());
            offset = frame.next;
        }
        counts
    }

    #[test]
    fn a_long_turn_makes_several_frames() {
        let mut frames = Frames::new(400);
        for _ in 0..5 {
            let range = add(&mut frames, &[1; 60]).unwrap();
            assert_eq!(frames.record(range), [1; 60]);
        }
        assert_eq!(shape(&mut frames), [2, 2, 1]);
    }

    #[test]
    fn a_batch_stays_together_or_goes() {
        let mut frames = Frames::new(400);
        add(&mut frames, b"alone").unwrap();
        frames.begin_batch();
        for _ in 0..4 {
            add(&mut frames, &[2; 90]).unwrap();
        }
        frames.end_batch().unwrap();
        frames.begin_batch();
        for _ in 0..5 {
            add(&mut frames, &[3; 90]).unwrap();
        }
        let error = frames.end_batch().unwrap_err().to_string();
        assert!(error.contains("batch of 470 bytes is too large"), "{error}");
        assert_eq!(shape(&mut frames), [1, 4]);
    }

    #[test]
    fn what_is_taken_back_leaves_nothing() {
        let mut frames = Frames::new(400);
        frames.begin_record().extend_from_slice(b"half");
        frames.abandon_record();
        assert!(add(&mut frames, &[0; 401]).is_err());
        assert_eq!(shape(&mut frames), [0usize; 0]);
    }
}
