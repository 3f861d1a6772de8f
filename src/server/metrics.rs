//! What happened, in numbers.
//!
//! A connection adds to the counters once per turn, in the cell of its number; errors are counted one by one, by wire code.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::counters::{Counter, Gauge, Histogram};
use bytes::Bytes;
use protocol::frame::{Envelope, HEADER_BYTES, Opcode};
use protocol::response::{self, Response};
use protocol::version::Version;

use crate::budget::Budget;

/// The wire codes of errors, each with a counter; an unknown one counts as the first.
const CODES: [i32; 20] = [
    0x0000, 0x000A, 0x0100, 0x1000, 0x1001, 0x1002, 0x1003, 0x1100, 0x1200, 0x1300, 0x1400, 0x1500,
    0x1600, 0x1700, 0x2000, 0x2100, 0x2200, 0x2300, 0x2400, 0x2500,
];

/// Counters of a listener.
#[derive(Debug)]
pub struct Metrics {
    budget: Arc<Budget>,
    /// Connections that are open.
    pub(crate) open: Gauge,
    /// Connections that were accepted.
    pub(crate) accepted: Counter,
    /// Connections that were closed because there were too many.
    pub(crate) rejected: Counter,
    /// Connections whose task panicked.
    pub(crate) failed: Counter,
    /// Requests that were read, of any kind.
    pub(crate) requests: Counter,
    /// Turns that ran.
    pub(crate) turns: Counter,
    /// Bytes that were received.
    pub(crate) received_bytes: Counter,
    /// Bytes that were sent.
    pub(crate) sent_bytes: Counter,
    /// Events that were sent.
    pub(crate) events: Counter,
    /// Nanoseconds from the beginning of a turn to its answers, counted for each of its requests.
    pub(crate) turn_nanos: Histogram,
    /// Nanoseconds of processor time of some turns: what the meter's charges should come to.
    pub(crate) turn_cpu_nanos: Histogram,
    errors: [AtomicU64; CODES.len()],
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Connections that are open.
    pub connections: u64,
    /// Connections that were accepted since the start.
    pub accepted: u64,
    /// Connections that were closed at once because there were too many.
    pub rejected: u64,
    /// Connections that a defect of the server ended.
    pub failed: u64,
    /// Requests that were read.
    pub requests: u64,
    /// Requests that wait now: for a block, for their next turn, for a sync.
    pub waiting: u64,
    /// Bytes of requests and answers that all connections hold now.
    pub in_flight_bytes: u64,
    /// Turns that ran.
    pub turns: u64,
    /// Bytes that were received.
    pub received_bytes: u64,
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// Events that were sent.
    pub events: u64,
    /// The duration of turns in nanoseconds, weighted by their requests: half of them took at most this long.
    pub turn_nanos_median: u64,
    /// 99 of 100 took at most this long.
    pub turn_nanos_99: u64,
    /// Processor time of a turn in nanoseconds, of those that were measured: half of them took at most this much.
    pub turn_cpu_nanos_median: u64,
    /// 99 of 100 took at most this much.
    pub turn_cpu_nanos_99: u64,
    /// How often each wire code was answered, those at zero left out, in ascending order.
    pub errors: Vec<(i32, u64)>,
}

impl Metrics {
    /// Counters at zero, of connections that share this budget.
    pub(crate) fn new(budget: Arc<Budget>) -> Metrics {
        Metrics {
            budget,
            open: Gauge::new(),
            accepted: Counter::new(),
            rejected: Counter::new(),
            failed: Counter::new(),
            requests: Counter::new(),
            turns: Counter::new(),
            received_bytes: Counter::new(),
            sent_bytes: Counter::new(),
            events: Counter::new(),
            turn_nanos: Histogram::new(),
            turn_cpu_nanos: Histogram::new(),
            errors: Default::default(),
        }
    }

    /// The counters now.
    pub fn snapshot(&self) -> Snapshot {
        let turns = self.turn_nanos.snapshot();
        let cpu = self.turn_cpu_nanos.snapshot();
        let counts = self
            .errors
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        Snapshot {
            connections: self.open.get().max(0) as u64,
            accepted: self.accepted.total(),
            rejected: self.rejected.total(),
            failed: self.failed.total(),
            requests: self.requests.total(),
            waiting: self.budget.waiting(),
            in_flight_bytes: self.budget.bytes(),
            turns: self.turns.total(),
            received_bytes: self.received_bytes.total(),
            sent_bytes: self.sent_bytes.total(),
            events: self.events.total(),
            turn_nanos_median: turns.quantile(0.5),
            turn_nanos_99: turns.quantile(0.99),
            turn_cpu_nanos_median: cpu.quantile(0.5),
            turn_cpu_nanos_99: cpu.quantile(0.99),
            errors: CODES
                .into_iter()
                .zip(counts)
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }

    /// Counts one error.
    pub(crate) fn error(&self, code: i32) {
        let index = CODES.binary_search(&code).unwrap_or(0);
        self.errors[index].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a complete envelope if it is an error.
    #[inline]
    pub(crate) fn answer(&self, envelope: &[u8]) {
        if envelope.get(4) == Some(&(Opcode::Error as u8)) {
            self.error(code_of(envelope).unwrap_or(0));
        }
    }
}

/// The code of an envelope with an error.
#[cold]
fn code_of(envelope: &[u8]) -> Option<i32> {
    let body = envelope.get(HEADER_BYTES..)?;
    let envelope = Envelope {
        version: Version::from_number(envelope[0] & 0x7f)?,
        flags: envelope[1],
        stream: 0,
        opcode: Opcode::Error,
        body: Bytes::copy_from_slice(body),
    };
    match response::decode(&envelope).ok()?.response {
        Response::Error(error, _) => Some(error.code()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use protocol::Error;
    use protocol::response::Head;

    #[test]
    fn codes_ascend() {
        assert!(CODES.is_sorted());
    }

    #[test]
    fn errors_are_told_from_answers() {
        let metrics = Metrics::new(Budget::new(0));
        let count = |write: &dyn Fn(&mut BytesMut)| {
            let mut out = BytesMut::new();
            write(&mut out);
            metrics.answer(&out);
        };
        let warnings = ["careful".to_owned()];
        let head = Head {
            warnings: &warnings,
            tracing_id: Some(uuid::Uuid::from_u128(7)),
            ..Head::new(Version::V5, 3)
        };
        let invalid = Error::Invalid("no".to_owned());
        count(&|out| response::encode_error(&invalid, &head, out));
        count(&|out| response::encode_error(&invalid, &Head::new(Version::V4, 0), out));
        count(&|out| response::encode_error(&Error::Overloaded(String::new()), &head, out));
        count(&|out| response::encode(&Response::Ready, &head, out));
        count(&|_| {});
        assert_eq!(metrics.snapshot().errors, [(0x1001, 1), (0x2200, 2)]);
    }
}
