//! Rows of very many elements, one at a time.
//!
//! To make the cells of a row of a hundred thousand elements, or the elements of such a row, takes tens of milliseconds in
//! one piece. A turn ends after it; but when many connections have such a row at once, whoever comes behind them in the
//! runtime's queue would wait for all. So whoever is about to begin one
//!
//! 1. gives way to others, having noted how many were begun so far,
//! 2. and begins if that is still the number when it comes round again; else it gives way again.
//!
//! So in one round of the queue at most one is begun, and everybody else comes round between two of them. Who gave way first comes
//! round first, so nobody waits for more than those before him.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use base::env::give_way;
use base::limits::KIB;

/// What takes that long: a row of some ten thousand elements.
pub const HEAVY_BYTES: usize = 128 * KIB;

/// The heavy pieces of work of a node.
#[derive(Debug, Default)]
pub struct Heavy {
    begun: AtomicU64,
}

/// The place in line of one who has a heavy piece of work before him: how many were begun when he gave way last.
#[derive(Debug, Default)]
pub struct Place(Option<u64>);

impl Heavy {
    /// Whether to begin now. If not, give way and ask again.
    pub fn may_begin(&self, place: &mut Place) -> bool {
        let begun = self.begun.load(Relaxed);
        let is_next = place.0 == Some(begun)
            && self
                .begun
                .compare_exchange(begun, begun + 1, Relaxed, Relaxed)
                .is_ok();
        place.0 = (!is_next).then_some(begun);
        is_next
    }

    /// Gives way until it may begin.
    pub async fn wait(&self) {
        let mut place = Place::default();
        while !self.may_begin(&mut place) {
            give_way().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_begins_in_each_round() {
        let heavy = Heavy::default();
        let mut places: [Place; 3] = Default::default();
        let mut round = || {
            let begins = places.iter_mut().map(|place| heavy.may_begin(place));
            begins.collect::<Vec<_>>()
        };
        assert_eq!(round(), [false, false, false], "all give way first");
        assert_eq!(round(), [true, false, false]);
        assert_eq!(
            round(),
            [false, true, false],
            "the first has another, and waits"
        );
        assert_eq!(round(), [false, false, true]);
        assert_eq!(
            round(),
            [false, false, false],
            "the last began behind the others"
        );
        assert_eq!(round(), [true, false, false]);
    }
}
