//! How long a client may take for what, and when the connection looks after itself.
//!
//! Each deadline is a field that costs a store to move. The connection sleeps until the earliest and then looks at all of
//! them; a deadline that moved meanwhile costs one needless look, so a busy connection sets a timer every few seconds at most.

use std::time::Duration;

use crate::options::{FRAME_TIME_MAX, HANDSHAKE_TIME_MAX, QUIET_TIME, STALL_TIME_MAX};

/// The deadlines of a connection, on the clock of `Env::mono`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deadlines {
    /// STARTUP must have come.
    pub(crate) handshake: Option<Duration>,
    /// The frame that has begun must be whole.
    frame: Option<Duration>,
    /// The client must have taken some of what it was sent.
    stall: Option<Duration>,
    /// The earliest deadline of what waits for a block or a sync.
    pub(crate) request: Option<Duration>,
    /// The connection has been quiet for a while.
    quiet: Option<Duration>,
    /// A connection that is closing is closed.
    pub(crate) close: Option<Duration>,
}

/// A deadline that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// The client is too slow, or gone: close. Says what it did not do.
    Client(&'static str),
    /// Requests that wait must be looked at.
    Request,
    /// Buffers may be given back.
    Quiet,
}

impl Deadlines {
    /// Those of a new connection.
    pub(crate) fn new(now: Duration) -> Deadlines {
        Deadlines {
            handshake: Some(now + HANDSHAKE_TIME_MAX),
            frame: None,
            stall: None,
            request: None,
            quiet: None,
            close: None,
        }
    }

    /// Something happened: buffers will be kept for a while.
    pub(crate) fn active(&mut self, now: Duration) {
        self.quiet = Some(now + QUIET_TIME);
    }

    /// What the last turn left: `has_progressed` says that a whole frame was taken, `is_partial` that another has begun.
    pub(crate) fn frame(&mut self, now: Duration, has_progressed: bool, is_partial: bool) {
        if has_progressed || !is_partial {
            self.frame = None;
        }
        if is_partial {
            self.frame.get_or_insert(now + FRAME_TIME_MAX);
        }
    }

    /// The socket takes no more.
    pub(crate) fn stalled(&mut self, now: impl FnOnce() -> Duration) {
        if self.stall.is_none() {
            self.stall = Some(now() + STALL_TIME_MAX);
        }
    }

    /// The socket took some.
    pub(crate) fn sent(&mut self) {
        self.stall = None;
    }

    /// A request waits until then at most.
    pub(crate) fn wait_for_request(&mut self, deadline: Duration) {
        let request = self
            .request
            .map_or(deadline, |request| request.min(deadline));
        self.request = Some(request);
    }

    /// When to look next.
    pub(crate) fn next(&self) -> Option<Duration> {
        let all = [
            self.handshake,
            self.frame,
            self.stall,
            self.request,
            self.quiet,
            self.close,
        ];
        all.into_iter().flatten().min()
    }

    /// One deadline that has passed, the gravest first. It is not reported again.
    pub(crate) fn passed(&mut self, now: Duration) -> Option<Passed> {
        let mut take = |deadline: fn(&mut Deadlines) -> &mut Option<Duration>| {
            deadline(self).take_if(|at| *at <= now).is_some()
        };
        if take(|all| &mut all.close) {
            return Some(Passed::Client("the connection was not closed in time"));
        }
        if take(|all| &mut all.handshake) {
            return Some(Passed::Client("no STARTUP came"));
        }
        if take(|all| &mut all.frame) {
            return Some(Passed::Client("a frame was not completed"));
        }
        if take(|all| &mut all.stall) {
            return Some(Passed::Client("answers were not taken"));
        }
        if take(|all| &mut all.request) {
            return Some(Passed::Request);
        }
        take(|all| &mut all.quiet).then_some(Passed::Quiet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(100);

    fn opened() -> Deadlines {
        let mut deadlines = Deadlines::new(START);
        deadlines.handshake = None;
        deadlines
    }

    #[test]
    fn a_new_connection_must_start() {
        let mut deadlines = Deadlines::new(START);
        assert_eq!(deadlines.next(), Some(START + HANDSHAKE_TIME_MAX));
        assert_eq!(deadlines.passed(START), None);
        assert_eq!(
            deadlines.passed(START + HANDSHAKE_TIME_MAX),
            Some(Passed::Client("no STARTUP came"))
        );
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn a_frame_has_its_time_from_its_beginning() {
        let mut deadlines = opened();
        let second = Duration::from_secs(1);
        deadlines.frame(START, true, true);
        deadlines.frame(START + second, false, true);
        assert_eq!(
            deadlines.next(),
            Some(START + FRAME_TIME_MAX),
            "more bytes do not help"
        );
        deadlines.frame(START + second, true, true);
        assert_eq!(
            deadlines.next(),
            Some(START + second + FRAME_TIME_MAX),
            "a whole one does"
        );
        deadlines.frame(START + second, true, false);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn requests_wait_for_the_earliest() {
        let mut deadlines = opened();
        deadlines.wait_for_request(START + Duration::from_secs(5));
        deadlines.wait_for_request(START + Duration::from_secs(3));
        deadlines.wait_for_request(START + Duration::from_secs(4));
        let first = START + Duration::from_secs(3);
        assert_eq!(deadlines.next(), Some(first));
        assert_eq!(deadlines.passed(first), Some(Passed::Request));
        assert_eq!(deadlines.passed(first), None);
    }

    #[test]
    fn sending_ends_a_stall_and_quiet_moves() {
        let mut deadlines = opened();
        deadlines.stalled(|| START);
        deadlines.stalled(|| unreachable!("it is known since when"));
        assert_eq!(deadlines.next(), Some(START + STALL_TIME_MAX));
        deadlines.sent();
        assert_eq!(deadlines.next(), None);
        deadlines.active(START);
        deadlines.active(START + QUIET_TIME);
        assert_eq!(deadlines.passed(START + QUIET_TIME), None);
        assert_eq!(
            deadlines.passed(START + 2 * QUIET_TIME),
            Some(Passed::Quiet)
        );
    }
}
