//! Where answers go, and what a request has come to.

use std::time::Duration;

use base::limits::KIB;
use bytes::BytesMut;
use coordinator::{Promise, Turn};
use futures_util::future::BoxFuture;
use model::stream::Wait;
use protocol::error::Error;

use crate::answer::Address;
use crate::select::{self, Execution};
use crate::trace::Trace;

/// A smaller answer is copied into the buffer that is there.
const MOVED_BYTES_MIN: usize = 64 * KIB;

/// The answers of a turn, as complete envelopes.
#[derive(Debug, Default)]
pub struct Output {
    /// Ready to be sent.
    pub answers: BytesMut,
    /// To be sent once the turn's writes are committed, and synced where the log's mode says so.
    pub acknowledgements: BytesMut,
    /// The writes of the acknowledgements: each is answered with an error instead if it is not as safe as promised.
    pub written: Vec<Acknowledgement>,
}

/// A write that is in the turn's frame: what an error in place of its acknowledgement has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The request's stream.
    pub stream: i16,
    /// What it was promised.
    pub promise: Promise,
}

/// What a request has come to.
pub enum Progress {
    /// Its answer, or an error, is in [`Output::answers`].
    Answered,
    /// It wrote: its answer is in [`Output::acknowledgements`].
    Acknowledged,
    /// It reads on in another turn.
    Parked(Parked),
    /// It does something that takes its own time: the future gives its answer, or the read that makes it.
    Later(BoxFuture<'static, Apart>),
}

/// What a request has come to that was not carried out within turns.
pub enum Apart {
    /// Its answer, a complete envelope.
    Answer(BytesMut),
    /// A read, which goes on in turns as any other does: what it holds is counted, and may be refused.
    Read(Parked),
}

/// A read that goes on in another turn, with what it has written so far.
pub struct Parked {
    pub(crate) execution: Box<Execution>,
    pub(crate) buffer: BytesMut,
    pub(crate) wait: Option<Wait>,
    pub(crate) promise: Promise,
    pub(crate) address: Address,
    pub(crate) trace: Option<Box<Trace>>,
}

impl Parked {
    /// The request's stream.
    pub fn stream(&self) -> i16 {
        self.address.stream
    }

    /// When it is too late, on the environment's monotonic clock.
    pub fn deadline(&self) -> Duration {
        self.promise.deadline
    }

    /// Bytes that it holds: the memory of its answer so far, and of the rows that it works on.
    pub fn held_bytes(&self) -> usize {
        self.buffer.capacity() + self.execution.held_bytes()
    }

    /// What to await before going on; nothing if it only gave way to others.
    pub fn take_wait(&mut self) -> Option<Wait> {
        self.wait.take()
    }

    /// Goes on.
    pub fn resume(mut self, turn: &mut Turn, out: &mut Output) -> Progress {
        let trace = self.trace.take();
        let progress = self.go_on(turn, out);
        match trace {
            Some(trace) => trace.follow(progress, turn),
            None => progress,
        }
    }

    fn go_on(mut self, turn: &mut Turn, out: &mut Output) -> Progress {
        match self.execution.step(turn.meter(), &mut self.buffer) {
            Ok(select::Progress::Done) => {
                put_whole(self.buffer, &mut out.answers);
                Progress::Answered
            }
            Ok(select::Progress::Yield) => Progress::Parked(self),
            Ok(select::Progress::Wait(wait)) => {
                self.wait = Some(wait);
                Progress::Parked(self)
            }
            Err(error) => {
                self.address
                    .failure(&error, &self.promise, &mut out.answers);
                Progress::Answered
            }
        }
    }

    /// Gives up: the client is told that time ran out.
    pub fn time_out(self, out: &mut Output) {
        let late = self.promise.late();
        self.address
            .failure(&late.into(), &self.promise, &mut out.answers);
    }

    /// Gives up for this reason; what it holds is gone.
    pub fn refuse(self, error: &Error, out: &mut Output) {
        self.address.error(error, &mut out.answers);
    }

    /// Whether the answer is one page, so that it cannot get much larger than that.
    pub fn is_paged(&self) -> bool {
        self.execution.is_paged()
    }
}

/// Appends an answer; a large one is moved if it is the first, so that it is never there twice.
fn put_whole(answer: BytesMut, answers: &mut BytesMut) {
    if answers.is_empty() && answer.len() >= MOVED_BYTES_MIN {
        *answers = answer;
    } else {
        answers.extend_from_slice(&answer);
    }
}
