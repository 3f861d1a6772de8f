//! A request's trace: notes on what happened to it, kept only when somebody asked.
//!
//! A [`Trace`] is handed along with the request. The untraced one is an empty option: an event costs one branch, and
//! its text is never made. A traced one passes its events to a [`Sink`]; [`Recorder`] is the one that keeps them.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::env::Env;

/// Takes a trace's events as they happen.
pub trait Sink: Send + Sync {
    /// One event, in words.
    fn event(&self, text: String);
}

/// Where a request's events go, if anywhere.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<dyn Sink>>);

impl Trace {
    /// No trace.
    #[inline]
    pub fn none() -> Trace {
        Trace(None)
    }

    /// A trace into `sink`.
    pub fn to(sink: Arc<dyn Sink>) -> Trace {
        Trace(Some(sink))
    }

    /// Whether anybody listens.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Notes an event; `text` is called only if somebody listens.
    #[inline]
    pub fn event(&self, text: impl FnOnce() -> String) {
        if let Some(sink) = &self.0 {
            sink.event(text());
        }
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_on() {
            "Trace(on)"
        } else {
            "Trace(none)"
        })
    }
}

/// An event and when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Time since the recorder was made.
    pub elapsed: Duration,
    /// What happened.
    pub text: String,
}

/// Events beyond this are dropped: a trace explains a request, and a page of a scan says nothing new after a while.
pub const EVENTS_MAX: usize = 1_000;

/// Keeps a trace's events.
pub struct Recorder {
    env: Env,
    started: Duration,
    events: Mutex<Vec<Event>>,
}

impl Recorder {
    /// A recorder whose time starts now.
    pub fn new(env: &Env) -> Arc<Recorder> {
        Arc::new(Recorder {
            env: env.clone(),
            started: env.mono(),
            events: Mutex::default(),
        })
    }

    /// Takes the events so far, in the order in which they came.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock())
    }
}

impl Sink for Recorder {
    fn event(&self, text: String) {
        let elapsed = self.env.mono().saturating_sub(self.started);
        let mut events = self.events.lock();
        if events.len() < EVENTS_MAX {
            events.push(Event { elapsed, text });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_listening_costs_no_text() {
        Trace::none().event(|| unreachable!("nobody listens"));
        assert!(!Trace::none().is_on());
    }

    #[test]
    fn a_recorder_keeps_order_and_stops_at_its_limit() {
        let recorder = Recorder::new(&Env::real());
        let trace = Trace::to(recorder.clone());
        (0..EVENTS_MAX + 5).for_each(|index| trace.event(|| format!("event {index}")));
        let events = recorder.take();
        assert_eq!(events.len(), EVENTS_MAX);
        assert_eq!(events[1].text, "event 1");
        assert!(events.is_sorted_by_key(|event| event.elapsed));
        assert!(recorder.take().is_empty());
    }
}
