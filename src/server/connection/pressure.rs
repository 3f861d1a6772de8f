//! Back-pressure: what a connection may still do, given what it holds and what the node holds.
//!
//! | Holds | An ordinary connection | With `THROW_ON_OVERLOAD` |
//! |---|---|---|
//! | 1,024 requests that wait | starts no request and does not read; what waits goes on | answers OVERLOADED |
//! | 1 MiB of answers not sent | does nothing until the client takes some | answers OVERLOADED |
//! | 2 MiB of answers not sent | the same | does nothing either |
//! | 4 MiB of requests and answers in the making | starts no request; its reads go on one after the other | answers OVERLOADED |
//! | the node's limit, all connections together | answers OVERLOADED | answers OVERLOADED |
//! | a large part of a request, and the node holds three quarters of its limit | answers OVERLOADED, skips the rest | the same |
//! | a read without pages that made more than 4 MiB, and the node holds three quarters | answers OVERLOADED | the same |
//! | a read that made more than a turn's part, and the node holds seven eighths | answers OVERLOADED | the same |
//!
//! Not reading makes the kernel's buffers fill up, then the client's; that is how it learns to wait. Large answers are
//! given up before the limit is reached, so that there is room for the small ones of others.

use base::limits::{
    KIB, PAGE_BYTES_MAX, TURN_ANSWER_BYTES, UNSENT_BYTES_MAX, WAITING_REQUESTS_MAX,
};
use protocol::Error;

/// Less of a request than this may always be held: a segment of version 5, which can hold many requests, is smaller.
pub(crate) const HALF_SENT_BYTES_MIN: usize = 132 * KIB;

/// From so many eighths of the node's limit on, what is large and not needed whole is given up.
pub(crate) const SCARCE_EIGHTHS: u8 = 6;
/// From so many on, reads that hold anything worth mentioning are given up.
const LAST_EIGHTHS: u8 = 7;
/// More than this in requests and answers in the making is too much for one connection.
const HELD_BYTES_MAX: usize = PAGE_BYTES_MAX;

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
    /// Their bytes, and those of what they have of their answers.
    pub(crate) held_bytes: usize,
}

impl Load {
    /// Whether reads that wait for their turn may go on: they make answers.
    pub(crate) fn may_resume(self) -> bool {
        self.unsent_bytes < UNSENT_BYTES_MAX
    }

    /// Whether its reads go on one after the other, not by turns: so only one of them grows.
    pub(crate) fn holds_much(self) -> bool {
        self.held_bytes >= HELD_BYTES_MAX
    }

    /// The most that a read may hold to go on, beside what the connection holds, in a node that is so full.
    pub(crate) fn read_bytes_max(self, eighths: u8, is_paged: bool) -> usize {
        if eighths < SCARCE_EIGHTHS || (eighths < LAST_EIGHTHS && is_paged) {
            usize::MAX
        } else if eighths < LAST_EIGHTHS {
            PAGE_BYTES_MAX
        } else if self.holds_much() {
            0
        } else {
            TURN_ANSWER_BYTES as usize
        }
    }

    /// What becomes of the next request.
    pub(crate) fn admit(self, throws_on_overload: bool, node_is_full: bool) -> Admission {
        let is_full = self.unsent_bytes >= UNSENT_BYTES_MAX
            || self.waiting >= WAITING_REQUESTS_MAX
            || self.holds_much();
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
            "The connection has {WAITING_REQUESTS_MAX} requests waiting, {UNSENT_BYTES_MAX} bytes of answers unsent or {HELD_BYTES_MAX} bytes in the making: send fewer at a time, or open more connections"
        )
    };
    Error::Overloaded(text)
}

/// The answer to a read that is given up.
pub(crate) fn too_much_in_memory() -> Error {
    Error::Overloaded(
        "The node holds too many answers in memory to make this one whole: use pages or a LIMIT, send fewer at a time, or raise request_space"
            .to_owned(),
    )
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
                held_bytes: 0,
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
            held_bytes: usize::MAX,
        };
        assert!(load(0).may_resume());
        assert!(!load(UNSENT_BYTES_MAX).may_resume());
    }

    #[test]
    fn who_holds_much_starts_nothing_and_gives_up_first() {
        let load = |held_bytes| Load {
            held_bytes,
            ..Load::default()
        };
        let (small, large) = (load(HELD_BYTES_MAX - 1), load(HELD_BYTES_MAX));
        assert_eq!(small.admit(false, false), Admission::Start);
        assert_eq!(large.admit(false, false), Admission::Hold);
        assert_eq!(large.admit(true, false), Admission::Refuse);
        let turn = TURN_ANSWER_BYTES as usize;
        for (eighths, is_paged, expected) in [
            (5, false, (usize::MAX, usize::MAX)),
            (6, true, (usize::MAX, usize::MAX)),
            (6, false, (PAGE_BYTES_MAX, PAGE_BYTES_MAX)),
            (7, true, (turn, 0)),
            (8, false, (turn, 0)),
        ] {
            let limits = [small, large].map(|load| load.read_bytes_max(eighths, is_paged));
            assert_eq!(limits, [expected.0, expected.1], "{eighths} {is_paged}");
        }
    }
}
