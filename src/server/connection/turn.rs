//! A turn: run what is here, commit it once, leave the rest for the next.
//!
//! 1. Each request that was read is started, until the meter is exhausted: reads go as far as they can without waiting,
//!    writes are encoded into the turn's frame.
//! 2. Reads that wait for their turn go on, oldest first, with what is left of the meter. If nothing was left, the oldest
//!    goes first in the next turn: so a page of 5,000 rows delays a point read by one turn, and is not delayed for ever.
//! 3. The frame is handed to the log and applied. Its acknowledgements become answers, or join what waits for a sync; other
//!    requests go on meanwhile.
//!
//! What always holds: nothing is acknowledged that the log does not have; a failed commit answers each of its writes.
//! A turn with pipelined requests allocates nothing per request here: bodies are windows onto the input, answers are written
//! into the output.

use std::future::Future;
use std::time::Duration;

use base::env::BoxFuture;
use base::limits::TURN_REQUESTS;
use coordinator::Error as Failed;
use protocol::Error;
use protocol::frame::{Envelope, Opcode, flags};
use protocol::request::{self, Request};
use protocol::response::{self, Head, Response};
use protocol::version::Version;
use query::{Acknowledgement, Progress, Service};
use storage::Position;

use super::handshake::Stage;
use super::output::Acknowledgements;
use super::pressure::{self, Admission};
use super::{Connection, Open};

/// One turn of so many is measured by the thread's clock.
const TURNS_PER_SAMPLE: u64 = 64;

impl Connection {
    /// Runs one turn.
    pub(super) fn turn(&mut self) {
        let before = self.requests;
        match self.open.take() {
            None => self.shake_hands(),
            Some(mut open) => {
                self.run_measured(&mut open);
                self.count(&mut open, self.requests - before);
                self.open = Some(open);
            }
        }
        let requests = self.requests - before;
        self.shared.metrics.requests.add(self.stripe, requests);
        self.client.set_requests(self.requests);
    }

    /// Reading the thread's time costs as much as a request, so few turns are measured; not the first, which is cold.
    fn run_measured(&mut self, open: &mut Open) {
        self.turns = self.turns.wrapping_add(1);
        if !self.turns.is_multiple_of(TURNS_PER_SAMPLE) {
            return self.run_turn(open);
        }
        let begun = self.shared.env.thread_cpu();
        self.run_turn(open);
        let used = self.shared.env.thread_cpu().saturating_sub(begun);
        self.shared.metrics.turn_cpu_nanos.record(nanos(used), 1);
    }

    fn run_turn(&mut self, open: &mut Open) {
        open.turn.begin();
        self.output.begin();
        let waited = self.waiting.runnable();
        let mut resumed = 0;
        if std::mem::take(&mut self.is_starved) {
            resumed += self.resume_reads(open, 1);
        }
        self.start_requests(open);
        resumed += self.resume_reads(open, self.waiting.runnable());
        self.is_starved = resumed == 0 && waited > 0;
        self.output.end();
        let started = open.turn.meter().work().requests;
        self.shared.env.always(
            "server: a turn starts at most its number of requests",
            started <= TURN_REQUESTS,
        );
        self.commit(open);
    }

    /// The turn's figures, and the deadlines that it moves.
    fn count(&mut self, open: &mut Open, requests: u64) {
        let begun = open.turn.mono();
        let metrics = &self.shared.metrics;
        metrics.turns.add(self.stripe, 1);
        let duration = self.shared.env.mono().saturating_sub(begun);
        metrics.turn_nanos.record(nanos(duration), requests);
        let is_partial = self.input.is_hungry() && self.input.held_bytes() > 0;
        self.deadlines.frame(begun, requests > 0, is_partial);
        self.deadlines.active(begun);
        if open.session.keyspace() != open.shown_keyspace.as_deref()
            && let Some(keyspace) = open.session.keyspace()
        {
            self.client.uses_keyspace(keyspace);
            open.shown_keyspace = Some(keyspace.to_owned());
        }
    }

    fn start_requests(&mut self, open: &mut Open) {
        let node_is_full = self.share.is_exceeded();
        while !open.turn.meter().exhausted() {
            let admission = self.load().admit(open.throws_on_overload, node_is_full);
            if admission == Admission::Hold || self.shared.env.buggify("server: a short turn", 0.05)
            {
                return;
            }
            let Some(next) = self.input.next().transpose() else {
                return self.refuse_half_sent();
            };
            self.requests += 1;
            match next {
                Err(failure) => {
                    open.turn.meter().request();
                    self.fail_frame(failure);
                }
                Ok(envelope) if admission == Admission::Refuse && is_work(envelope.opcode) => {
                    open.turn.meter().request();
                    self.answer_error(envelope.stream, &pressure::overloaded(node_is_full));
                }
                Ok(envelope) => self.start(open, &envelope),
            }
        }
    }

    /// Answers a large request of which only a part has come, if the node has no room for such parts; the rest is skipped.
    pub(super) fn refuse_half_sent(&mut self) {
        if self.input.held_bytes() < pressure::HALF_SENT_BYTES_MIN
            || self.share.eighths() < pressure::SCARCE_EIGHTHS
        {
            return;
        }
        if let Some(stream) = self.input.refuse() {
            self.requests += 1;
            self.answer_error(stream, &pressure::overloaded(true));
        }
    }

    fn start(&mut self, open: &mut Open, envelope: &Envelope) {
        let request = match Self::request_of(Stage::Ready, envelope) {
            Ok(request) => request,
            Err(error) => {
                open.turn.meter().request();
                return self.answer_error(envelope.stream, &error);
            }
        };
        match &request {
            Request::Options => {
                open.turn.meter().request();
                self.answer(envelope, &response::supported());
            }
            Request::Register(kinds) => {
                open.turn.meter().request();
                if self.kinds.add(kinds) {
                    self.waiting.event(self.shared.service.events());
                }
                self.answer(envelope, &Response::Ready);
            }
            statement => {
                let is_traced = envelope.flags & flags::TRACING != 0;
                let out = self.output.answers();
                let start = out.answers.len();
                let (turn, session) = (&mut open.turn, &mut open.session);
                let service = &self.shared.service;
                let progress =
                    service.start(turn, session, statement, envelope.stream, is_traced, out);
                self.settle(progress, start, envelope.body.len());
            }
        }
    }

    /// The request in an envelope, if it may come now.
    pub(super) fn request_of(stage: Stage, envelope: &Envelope) -> Result<Request<'_>, Error> {
        stage.admit(envelope.opcode)?;
        let Envelope {
            version,
            flags,
            opcode,
            body,
            ..
        } = envelope;
        request::decode(*version, *flags, *opcode, body)
    }

    pub(super) fn answer(&mut self, envelope: &Envelope, answer: &Response<'_>) {
        let out = &mut self.output.answers().answers;
        response::encode(answer, &Head::new(envelope.version, envelope.stream), out);
    }

    /// Keeps what is left of a request; its answer, if it is there, begins at `start`.
    fn settle(&mut self, progress: Progress, start: usize, request_bytes: usize) {
        match progress {
            Progress::Answered => {
                let answers = &self.output.answers().answers;
                self.shared.metrics.answer(&answers[start..]);
            }
            Progress::Acknowledged => {}
            Progress::Parked(parked) => {
                let deadline = self.waiting.park(parked);
                self.deadlines.wait_for_request(deadline);
            }
            Progress::Later(answer) => self.waiting.later(answer, request_bytes),
        }
    }

    /// Lets at most `count` reads go on; how many did.
    fn resume_reads(&mut self, open: &mut Open, count: usize) -> usize {
        let mut resumed = 0;
        while resumed < count && self.load().may_resume() && !open.turn.meter().exhausted() {
            let Some(parked) = self.waiting.next_runnable() else {
                break;
            };
            resumed += 1;
            let out = self.output.answers();
            let start = out.answers.len();
            if parked.deadline() <= open.turn.mono() {
                parked.time_out(out);
                self.shared.metrics.answer(&out.answers[start..]);
                continue;
            }
            let is_paged = parked.is_paged();
            let bytes_max = self.load().read_bytes_max(self.share.eighths(), is_paged);
            if parked.held_bytes() > bytes_max {
                let out = self.output.answers();
                parked.refuse(&pressure::too_much_in_memory(), out);
                self.shared.metrics.answer(&out.answers[start..]);
                self.report();
                continue;
            }
            let out = self.output.answers();
            let progress = parked.resume(&mut open.turn, out);
            let before = self.waiting.runnable();
            self.settle(progress, start, 0);
            if self.waiting.runnable() > before && self.load().holds_much() {
                self.waiting.first_again();
            }
        }
        resumed
    }

    /// Hands the turn's frame to the log.
    fn commit(&mut self, open: &mut Open) {
        if !self.output.has_acknowledgements() && !open.turn.has_writes() {
            return;
        }
        match open.turn.commit() {
            Ok(_) if !self.output.has_acknowledgements() => {}
            Ok(position) => self.acknowledge(position),
            Err(error) => {
                let acknowledgements = self.output.take_acknowledgements();
                self.fail_writes(acknowledgements, &error);
            }
        }
    }

    /// Acknowledges the turn's writes, which are in the log up to this position: at once, or after a sync, and after a pause
    /// when memtables or log run short of room.
    fn acknowledge(&mut self, position: Option<Position>) {
        let coordinator = self.shared.service.coordinator();
        let unsynced = position.filter(|position| coordinator.needs_sync(*position));
        let pause = coordinator.engine().delay();
        if unsynced.is_none() && pause.is_none() {
            return self.output.acknowledge();
        }
        let synced = unsynced.map(|position| coordinator.synced(position));
        let pause = pause.map(|duration| self.shared.env.sleep(duration));
        let acknowledgements = self.output.take_acknowledgements();
        let deadline = acknowledgements.deadline();
        self.waiting
            .sync(settled(pause, synced), acknowledgements, deadline);
        self.deadlines.wait_for_request(deadline);
    }

    /// Answers writes that are not in the log.
    pub(super) fn fail_writes(&mut self, acknowledgements: Acknowledgements, error: &Failed) {
        self.answer_writes(acknowledgements, |service, write| {
            service.commit_failed(error, write)
        });
    }

    /// Answers writes with an error each, in place of their acknowledgements.
    pub(super) fn answer_writes(
        &mut self,
        acknowledgements: Acknowledgements,
        error_of: impl Fn(&Service, &Acknowledgement) -> Error,
    ) {
        let version = self.input.version().unwrap_or(Version::NEWEST);
        for write in &acknowledgements.writes {
            let error = error_of(&self.shared.service, write);
            self.shared.metrics.error(error.code());
            let head = Head::new(version, write.stream);
            response::encode_error(&error, &head, self.output.buffer());
        }
        self.output.keep(acknowledgements);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Waits for a pause and a sync, where there are any.
async fn settled(
    pause: Option<BoxFuture<'static, ()>>,
    synced: Option<impl Future<Output = Result<(), Failed>>>,
) -> Result<(), Failed> {
    if let Some(pause) = pause {
        pause.await;
    }
    match synced {
        Some(synced) => synced.await,
        None => Ok(()),
    }
}

/// Whether a request makes the node do anything.
fn is_work(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::Query | Opcode::Prepare | Opcode::Execute | Opcode::Batch
    )
}
