//! What a connection does with that which it waited for: answers, syncs, events, timers.

use std::time::Duration;

use protocol::event::Event;
use protocol::response;
use query::Service;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::deadlines::Passed;
use super::waiting::Signal;
use super::{Connection, Phase};

impl Connection {
    /// Takes what was waited for.
    pub(super) fn take(&mut self, signal: Signal) {
        match signal {
            Signal::Woken => {}
            Signal::Parked(deadline) => self.deadlines.wait_for_request(deadline),
            Signal::Answer(envelope) => {
                self.shared.metrics.answer(&envelope);
                self.output.buffer().extend_from_slice(&envelope);
            }
            Signal::Synced(acknowledgements, Ok(())) => {
                self.output
                    .buffer()
                    .extend_from_slice(&acknowledgements.envelopes);
                self.output.keep(acknowledgements);
            }
            Signal::Synced(acknowledgements, Err(error)) => {
                self.fail_writes(acknowledgements, &error);
            }
            Signal::Event(subscription, event) => self.take_event(subscription, event),
            Signal::Drain => self.finish(),
            Signal::Timer(at) => {
                self.timer.take_if(|timer| *timer == at);
                self.look_at_deadlines();
            }
        }
    }

    fn take_event(&mut self, subscription: Receiver<Event>, event: Result<Event, RecvError>) {
        match event {
            Ok(event) => {
                if self.kinds.contains(event.kind())
                    && let Some(open) = &self.open
                {
                    response::encode_event(&event, open.version, self.output.buffer());
                    self.shared.metrics.events.add(self.stripe, 1);
                }
                self.waiting.event(subscription);
            }
            // The client would believe in a schema that is gone. Drivers connect again and read everything.
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(client = %self.client.address(), missed, "closing a connection that does not take its events");
                self.phase = Phase::Closed;
            }
            Err(RecvError::Closed) => {}
        }
    }

    fn look_at_deadlines(&mut self) {
        let now = self.shared.env.mono();
        while let Some(passed) = self.deadlines.passed(now) {
            match passed {
                Passed::Client(reason) => {
                    tracing::debug!(client = %self.client.address(), reason, "closing a connection");
                    self.phase = Phase::Closed;
                }
                Passed::Request => self.time_out_requests(now),
                Passed::Quiet => self.release(),
            }
        }
    }

    fn time_out_requests(&mut self, now: Duration) {
        self.output.begin();
        while let Some(parked) = self.waiting.expired_read(now) {
            let out = self.output.answers();
            let start = out.answers.len();
            parked.time_out(out);
            self.shared.metrics.answer(&out.answers[start..]);
        }
        self.output.end();
        while let Some(late) = self.waiting.expired_writes(now) {
            tracing::warn!(
                writes = late.writes.len(),
                "the commit log was not synced in time"
            );
            self.answer_writes(late, Service::commit_timed_out);
        }
        self.deadlines.request = self.waiting.next_deadline();
    }

    /// Gives back the memory of a connection that has been quiet.
    fn release(&mut self) {
        self.input.release();
        self.output.release();
        self.waiting.release();
        if let Some(open) = &mut self.open
            && !open.turn.has_writes()
        {
            open.turn = self.shared.service.turn();
        }
    }

    /// Sets a timer if a deadline is earlier than those that are set. True if it did: the timer wants to be polled.
    pub(super) fn set_timer(&mut self) -> bool {
        let Some(at) = self.deadlines.next() else {
            return false;
        };
        if self.timer.is_some_and(|timer| timer <= at) {
            return false;
        }
        self.timer = Some(at);
        let env = &self.shared.env;
        self.waiting
            .timer(at, env.sleep(at.saturating_sub(env.mono())));
        true
    }
}
