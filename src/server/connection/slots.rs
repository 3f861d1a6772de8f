//! Places for what waits, each with a deadline, beside the futures that name them.
//!
//! A future of the connection's set cannot be asked for what it holds. So what must be answered in time stands here, and
//! the future knows the number of its place. What is taken out because its deadline has passed leaves its place taken, and
//! its requests counted, until the future ends: a disk that hangs does not let more and more pile up.

use std::time::Duration;

/// Places of one kind.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    places: Vec<Place<T>>,
    free: Vec<usize>,
    /// Requests of what was given up, whose futures still run.
    given_up: usize,
}

#[derive(Debug)]
enum Place<T> {
    Free,
    Waiting {
        value: T,
        deadline: Duration,
        requests: usize,
    },
    GivenUp {
        requests: usize,
    },
}

/// What was in a place whose future has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended<T> {
    /// It came in time.
    InTime(T),
    /// It was given up, with so many requests.
    GivenUp(usize),
}

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots {
            places: Vec::new(),
            free: Vec::new(),
            given_up: 0,
        }
    }
}

impl<T> Slots<T> {
    /// Puts in what stands for so many requests; the number of its place.
    pub(crate) fn put(&mut self, value: T, deadline: Duration, requests: usize) -> usize {
        let place = Place::Waiting {
            value,
            deadline,
            requests,
        };
        match self.free.pop() {
            Some(slot) => {
                self.places[slot] = place;
                slot
            }
            None => {
                self.places.push(place);
                self.places.len() - 1
            }
        }
    }

    /// The future of this place has ended: the place is free again.
    pub(crate) fn end(&mut self, slot: usize) -> Ended<T> {
        let place = std::mem::replace(&mut self.places[slot], Place::Free);
        self.free.push(slot);
        match place {
            Place::Waiting { value, .. } => Ended::InTime(value),
            Place::GivenUp { requests } => {
                self.given_up -= requests;
                Ended::GivenUp(requests)
            }
            Place::Free => unreachable!("a place is free only after its future has ended"),
        }
    }

    /// Takes out one whose deadline has passed.
    pub(crate) fn expired(&mut self, now: Duration) -> Option<T> {
        let is_late = |place: &&mut Place<T>| matches!(place, Place::Waiting { deadline, .. } if *deadline <= now);
        let place = self.places.iter_mut().find(is_late)?;
        let Place::Waiting { requests, .. } = *place else {
            return None;
        };
        self.given_up += requests;
        match std::mem::replace(place, Place::GivenUp { requests }) {
            Place::Waiting { value, .. } => Some(value),
            Place::Free | Place::GivenUp { .. } => None,
        }
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let deadlines = self.places.iter().filter_map(|place| match place {
            Place::Waiting { deadline, .. } => Some(*deadline),
            Place::Free | Place::GivenUp { .. } => None,
        });
        deadlines.min()
    }

    /// Requests that were given up and still have their place.
    pub(crate) fn given_up(&self) -> usize {
        self.given_up
    }

    /// Gives back memory that nothing is in.
    pub(crate) fn release(&mut self) {
        if self.free.len() == self.places.len() {
            *self = Slots::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_comes_in_time_is_given_back() {
        let mut slots = Slots::default();
        let (one, two) = (
            slots.put("one", seconds(1), 1),
            slots.put("two", seconds(2), 1),
        );
        assert_eq!(slots.next_deadline(), Some(seconds(1)));
        assert_eq!(slots.end(one), Ended::InTime("one"));
        assert_eq!(
            slots.put("three", seconds(3), 1),
            one,
            "places are used again"
        );
        assert_eq!(slots.next_deadline(), Some(seconds(2)));
        slots.release();
        assert_eq!(slots.end(two), Ended::InTime("two"));
        assert_eq!(slots.end(one), Ended::InTime("three"));
        slots.release();
        assert!(slots.places.is_empty());
    }

    #[test]
    fn what_is_late_is_given_up_once_and_keeps_its_place() {
        let mut slots = Slots::default();
        let slot = slots.put("one", seconds(1), 3);
        assert_eq!(slots.expired(seconds(0)), None);
        assert_eq!(slots.expired(seconds(1)), Some("one"));
        assert_eq!(slots.expired(seconds(1)), None);
        assert_eq!((slots.given_up(), slots.next_deadline()), (3, None));
        assert_ne!(slots.put("two", seconds(2), 1), slot);
        assert_eq!(slots.end(slot), Ended::GivenUp(3));
        assert_eq!(slots.given_up(), 0);
    }
}
