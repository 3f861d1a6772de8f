//! Back-pressure: what a connection may still do, given what it holds and what the node holds.
//!
//! | Holds | An ordinary connection | With `THROW_ON_OVERLOAD` |
//! |---|---|---|
//! | 1,024 requests that wait | starts no request and does not read; what waits goes on | answers OVERLOADED |
//! | 1 MiB of answers not sent | does nothing until the client takes some | answers OVERLOADED |
//! | 2 MiB of answers not sent | the same | does nothing either |
//! | the node's limit, all connections together | answers OVERLOADED | answers OVERLOADED |
//! | a large part of a request, and the node holds three quarters of its limit | answers OVERLOADED, skips the rest | the same |
//!
//! Not reading makes the kernel's buffers fill up, then the client's; that is how it learns to wait.

use base::limits::{KIB, UNSENT_BYTES_MAX, WAITING_REQUESTS_MAX};
use protocol::Error;

/// Less of a request than this may always be held: a segment of version 5, which can hold many requests, is smaller.
pub(crate) const HALF_SENT_BYTES_MIN: usize = 132 * KIB;

/// What becomes of the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is carried out.
    Start,
    /// It stays where it is, at best in the client.
    Hold,
    /// It is answered OVERLOADED, and no work is done for it.
    Refuse,
}

/// What a connection holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Load {
    /// Bytes of answers that were not sent.
    pub(crate) unsent_bytes: usize,
    /// Requests that were started and not answered.
    pub(crate) waiting: usize,
}

impl Load {
    /// Whether reads that wait for their turn may go on: they make answers.
    pub(crate) fn may_resume(self) -> bool {
        self.unsent_bytes < UNSENT_BYTES_MAX
    }

    /// What becomes of the next request.
    pub(crate) fn admit(self, throws_on_overload: bool, node_is_full: bool) -> Admission {
        let is_full = self.unsent_bytes >= UNSENT_BYTES_MAX || self.waiting >= WAITING_REQUESTS_MAX;
        // Refusals are answers too.
        if self.unsent_bytes >= 2 * UNSENT_BYTES_MAX || (is_full && !throws_on_overload) {
            return Admission::Hold;
        }
        if is_full || node_is_full {
            return Admission::Refuse;
        }
        Admission::Start
    }
}

/// The answer to a request that is refused.
pub(crate) fn overloaded(node_is_full: bool) -> Error {
    let text = if node_is_full {
        "The node holds too many requests and answers in memory: send fewer at a time, or raise request_space"
            .to_owned()
    } else {
        format!(
            "The connection has {WAITING_REQUESTS_MAX} requests waiting or {UNSENT_BYTES_MAX} bytes of answers unsent: send fewer at a time, or open more connections"
        )
    };
    Error::Overloaded(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_met() {
        let check = |unsent_bytes, waiting, throws, node, expected| {
            let load = Load {
                unsent_bytes,
                waiting,
            };
            assert_eq!(
                load.admit(throws, node),
                expected,
                "{load:?} {throws} {node}"
            );
        };
        let (bytes, requests) = (UNSENT_BYTES_MAX, WAITING_REQUESTS_MAX);
        for throws in [false, true] {
            check(0, 0, throws, false, Admission::Start);
            check(bytes - 1, requests - 1, throws, false, Admission::Start);
            check(0, 0, throws, true, Admission::Refuse);
        }
        check(bytes, 0, false, false, Admission::Hold);
        check(0, requests, false, false, Admission::Hold);
        check(0, requests, false, true, Admission::Hold);
        check(bytes, 0, true, false, Admission::Refuse);
        check(0, requests, true, false, Admission::Refuse);
        check(2 * bytes, requests, true, true, Admission::Hold);
    }

    #[test]
    fn waiting_reads_go_on_while_there_is_room_for_their_answers() {
        let load = |unsent_bytes| Load {
            unsent_bytes,
            waiting: usize::MAX,
        };
        assert!(load(0).may_resume());
        assert!(!load(UNSENT_BYTES_MAX).may_resume());
    }
}
