//! One client connection: a task that works in turns.
//!
//! Before STARTUP, messages are taken one by one (`opening`, `handshake`). Then the task repeats:
//! 1. take what it waited for: answers of long requests, syncs, blocks that were read, events, timers (`waiting`, `signals`);
//! 2. send all finished answers with one system call (`output`);
//! 3. if requests were read or reads wait for their turn, and back-pressure allows (`pressure`): run a turn (`turn`), having
//!    yielded to the runtime since the turn before;
//! 4. else read what the socket has (`input`), or wait.
//!
//! It ends in steps: *open*; *finishing*, when the listener drains or the client broke the protocol, until what waits is
//! answered; *lingering*, after the end was announced, until the client has closed its side. A client that closes first ends
//! everything it has here at once. Deadlines bound each step (`deadlines`).
//!
//! What always holds: everything of a connection is in this one value, so dropping it drops all of its requests.

mod deadlines;
mod events;
mod handshake;
mod input;
mod opening;
mod output;
mod pressure;
mod signals;
mod slots;
mod turn;
mod waiting;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base::env::{Env, Stream, give_way};
use protocol::Error;
use protocol::frame::Failure;
use protocol::response::{self, Head};
use protocol::version::Version;
use query::{Service, Session};
use tokio::io::AsyncWrite;
use tokio::sync::broadcast::Receiver;

use self::deadlines::Deadlines;
use self::events::Kinds;
use self::input::Input;
use self::output::Output;
use self::pressure::{Admission, Load};
use self::waiting::Waiting;
use crate::budget::Share;
use crate::clients::Registration;
use crate::metrics::Metrics;
use crate::options::{FINISH_TIME_MAX, LINGER_TIME_MAX};

/// What all connections of a listener use.
pub(crate) struct Shared {
    pub(crate) env: Env,
    pub(crate) service: Service,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) frame_bytes_max: usize,
}

/// A connection and everything it holds.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    /// The cell of the counters that this connection adds to.
    stripe: usize,
    client: Registration,
    share: Share,
    stream: Stream,
    input: Input,
    output: Output,
    waiting: Waiting,
    deadlines: Deadlines,
    /// The earliest timer that is set.
    timer: Option<Duration>,
    phase: Phase,
    open: Option<Box<Open>>,
    kinds: Kinds,
    requests: u64,
    turns: u64,
    /// The last turn had no time left for the reads that wait for their turn.
    is_starved: bool,
}

/// What there is after STARTUP.
struct Open {
    version: Version,
    session: Session,
    turn: coordinator::Turn,
    throws_on_overload: bool,
    /// The keyspace that the list of clients shows.
    shown_keyspace: Option<String>,
}

/// How far a connection is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Requests are read.
    Open,
    /// No more is read; what was read is answered.
    Finishing,
    /// All is answered; what still comes is thrown away until the client closes.
    Lingering {
        /// The client was told.
        is_shut: bool,
    },
    /// It is over.
    Closed,
}

/// What the task does next.
enum Next {
    Turn,
    End,
}

impl Connection {
    /// A connection that was accepted.
    pub(crate) fn new(
        shared: Arc<Shared>,
        stripe: usize,
        client: Registration,
        share: Share,
        stream: Stream,
        drain: Receiver<()>,
    ) -> Connection {
        let mut waiting = Waiting::default();
        waiting.drain(drain);
        Connection {
            deadlines: Deadlines::new(shared.env.mono()),
            input: Input::new(shared.frame_bytes_max),
            shared,
            stripe,
            client,
            share,
            stream,
            output: Output::new(),
            waiting,
            timer: None,
            phase: Phase::Open,
            open: None,
            kinds: Kinds::default(),
            requests: 0,
            turns: 0,
            is_starved: false,
        }
    }

    /// Serves the client to the end.
    pub(crate) async fn run(mut self) {
        loop {
            let mut has_waited = false;
            let next = poll_fn(|context| {
                let next = self.poll(context);
                has_waited |= next.is_pending();
                next
            });
            if matches!(next.await, Next::End) {
                return;
            }
            if !has_waited {
                give_way().await;
            }
            self.turn();
        }
    }

    /// Steps 1, 2 and 4 until there is a turn to run.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        loop {
            while let Poll::Ready(signal) = self.waiting.poll(context) {
                self.take(signal);
            }
            self.poll_send(context);
            if self.phase == Phase::Closed {
                return Poll::Ready(Next::End);
            }
            if self.can_run() {
                if self.may_look() && self.poll_read(context).is_ready() {
                    continue;
                }
                self.report();
                return Poll::Ready(Next::Turn);
            }
            if self.poll_receive(context).is_ready() || self.set_timer() {
                continue;
            }
            self.report();
            return Poll::Pending;
        }
    }

    /// Whether a turn would do anything.
    fn can_run(&self) -> bool {
        if !matches!(self.phase, Phase::Open | Phase::Finishing) {
            return false;
        }
        let load = self.load();
        (!self.input.is_hungry() && self.admits(load))
            || (self.waiting.runnable() > 0 && load.may_resume())
    }

    /// Whether to look at the socket before large reads go on: perhaps nobody waits for their answers any more.
    fn may_look(&self) -> bool {
        self.phase == Phase::Open
            && self.input.is_hungry()
            && self.input.held_bytes() == 0
            && self.load().holds_much()
    }

    fn load(&self) -> Load {
        Load {
            unsent_bytes: self.output.unsent_bytes(),
            waiting: self.waiting.requests(),
            held_bytes: self.waiting.bytes(),
        }
    }

    /// Whether the connection takes another request, if only to refuse it.
    fn admits(&self, load: Load) -> bool {
        let throws = self
            .open
            .as_ref()
            .is_some_and(|open| open.throws_on_overload);
        load.admit(throws, false) != Admission::Hold
    }

    /// Tells the node what the connection holds.
    fn report(&mut self) {
        let bytes = self.input.held_bytes() + self.output.unsent_bytes() + self.waiting.bytes();
        self.share.report(bytes, self.waiting.requests());
    }

    fn poll_send(&mut self, context: &mut Context<'_>) {
        let (metrics, stripe, deadlines) = (&self.shared.metrics, self.stripe, &mut self.deadlines);
        let sent = self.output.poll_write(&mut self.stream, context, |count| {
            metrics.sent_bytes.add(stripe, count as u64);
            deadlines.sent();
        });
        match sent {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => self.lost(&error),
            Poll::Pending => self.deadlines.stalled(|| self.shared.env.mono()),
        }
    }

    /// Reads, or takes a step towards the end. Ready if something changed.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.phase {
            Phase::Open if self.input.is_hungry() && self.admits(self.load()) => {
                self.poll_read(context)
            }
            Phase::Finishing if self.has_finished() => {
                self.phase = Phase::Lingering { is_shut: false };
                self.deadlines.close = Some(self.shared.env.mono() + LINGER_TIME_MAX);
                Poll::Ready(())
            }
            Phase::Lingering { is_shut: false } => self.poll_shutdown(context),
            Phase::Lingering { is_shut: true } => {
                self.input.discard();
                self.poll_read(context)
            }
            Phase::Open | Phase::Finishing | Phase::Closed => Poll::Pending,
        }
    }

    fn has_finished(&self) -> bool {
        self.waiting.is_idle() && self.input.is_hungry() && self.output.unsent_bytes() == 0
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.input
            .poll_read(&mut self.stream, context)
            .map(|read| match read {
                Ok(0) => self.phase = Phase::Closed,
                Ok(count) => self
                    .shared
                    .metrics
                    .received_bytes
                    .add(self.stripe, count as u64),
                Err(error) => self.lost(&error),
            })
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.stream)
            .poll_shutdown(context)
            .map(|shut| match shut {
                Ok(()) => self.phase = Phase::Lingering { is_shut: true },
                Err(error) => self.lost(&error),
            })
    }

    fn lost(&mut self, error: &io::Error) {
        tracing::debug!(client = %self.client.address(), %error, "connection lost");
        self.phase = Phase::Closed;
    }

    /// Reads no more, and ends when everything is answered.
    fn finish(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Finishing;
            self.deadlines.close = Some(self.shared.env.mono() + FINISH_TIME_MAX);
            self.deadlines.handshake = None;
        }
    }

    /// Answers bytes that are no request.
    fn fail_frame(&mut self, failure: Failure) {
        match failure {
            Failure::Refused { stream, error } => self.answer_error(stream, &error),
            Failure::UnsupportedVersion { stream, error } => {
                self.shared.metrics.error(error.code());
                let out = &mut self.output.answers().answers;
                response::encode_unsupported_version(&error, stream, out);
                self.break_off(&error);
            }
            Failure::Fatal { stream, error } => {
                self.answer_error(stream, &error);
                self.break_off(&error);
            }
        }
    }

    fn break_off(&mut self, error: &Error) {
        tracing::debug!(client = %self.client.address(), %error, "closing a connection");
        self.input.discard();
        self.finish();
    }

    /// Appends an error to the answers of the turn.
    fn answer_error(&mut self, stream: i16, error: &Error) {
        self.shared.metrics.error(error.code());
        let version = self.input.version().unwrap_or(Version::NEWEST);
        let out = &mut self.output.answers().answers;
        response::encode_error(error, &Head::new(version, stream), out);
    }
}
