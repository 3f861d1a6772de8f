//! A partition's queue: the line in which operations that read before they write wait.
//!
//! Per table and partition key there is one holder at a time; the others wait in the order they
//! came. A queue exists only while somebody is in it, and its length is bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::TableId;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error::Error;

type Place = (TableId, Vec<u8>);
type Lines = BTreeMap<Place, VecDeque<oneshot::Sender<()>>>;

/// All queues of a node.
#[derive(Clone)]
pub struct Queues {
    lines: Arc<Mutex<Lines>>,
    length_max: usize,
}

/// The right to read and write a partition; the next in line goes on when it is dropped.
pub struct Guard {
    lines: Arc<Mutex<Lines>>,
    place: Place,
}

impl Queues {
    /// Queues in which at most this many wait.
    pub fn new(length_max: usize) -> Self {
        Queues {
            lines: Arc::default(),
            length_max,
        }
    }

    /// Waits for this partition's turn.
    pub async fn enter(&self, table: TableId, key: &[u8]) -> Result<Guard, Error> {
        let place = (table, key.to_vec());
        let turn = self.stand_in_line(&place)?;
        let guard = Waiting {
            lines: self.lines.clone(),
            place: Some(place),
            turn,
        };
        guard.wait().await
    }

    /// Takes the last place of the line; `None` if nobody was in it.
    fn stand_in_line(&self, place: &Place) -> Result<Option<oneshot::Receiver<()>>, Error> {
        let mut lines = self.lines.lock();
        match lines.get_mut(place) {
            None => {
                lines.insert(place.clone(), VecDeque::new());
                Ok(None)
            }
            Some(line) if line.len() >= self.length_max => Err(Error::Overloaded(format!(
                "{} operations already wait for this partition to be read and written; try again later",
                line.len()
            ))),
            Some(line) => {
                let (wake, turn) = oneshot::channel();
                line.push_back(wake);
                Ok(Some(turn))
            }
        }
    }

    /// How many partitions have a holder.
    pub fn len(&self) -> usize {
        self.lines.lock().len()
    }

    /// Whether nobody holds a partition.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

struct Waiting {
    lines: Arc<Mutex<Lines>>,
    place: Option<Place>,
    turn: Option<oneshot::Receiver<()>>,
}

impl Waiting {
    async fn wait(mut self) -> Result<Guard, Error> {
        if let Some(turn) = self.turn.as_mut() {
            // The sender is never dropped without sending: a holder passes the line on or removes it.
            turn.await
                .map_err(|_| Error::Unavailable("the node is shutting down".into()))?;
        }
        self.turn = None;
        match self.place.take() {
            Some(place) => Ok(Guard {
                lines: self.lines.clone(),
                place,
            }),
            None => Err(Error::Unavailable("the place in the line was lost".into())),
        }
    }
}

impl Drop for Waiting {
    /// Gives up while waiting: if the turn had just come, it is passed on.
    fn drop(&mut self) {
        let (Some(place), Some(turn)) = (self.place.take(), self.turn.as_mut()) else {
            return;
        };
        if turn.try_recv().is_ok() {
            pass_on(&self.lines, &place);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        pass_on(&self.lines, &self.place);
    }
}

/// The next who still waits goes on; a line without anybody is removed.
fn pass_on(lines: &Mutex<Lines>, place: &Place) {
    let mut lines = lines.lock();
    let Some(line) = lines.get_mut(place) else {
        return;
    };
    while let Some(next) = line.pop_front() {
        if next.send(()).is_ok() {
            return;
        }
    }
    lines.remove(place);
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use uuid::Uuid;

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    const TABLE: TableId = TableId(Uuid::nil());

    #[test]
    fn the_line_goes_on_in_order() {
        let queues = Queues::new(10);
        let mut first = Box::pin(queues.enter(TABLE, b"k"));
        let mut second = Box::pin(queues.enter(TABLE, b"k"));
        let mut third = Box::pin(queues.enter(TABLE, b"k"));
        let Poll::Ready(Ok(guard)) = poll(first.as_mut()) else {
            panic!("the line was empty")
        };
        assert!(poll(second.as_mut()).is_pending());
        assert!(poll(third.as_mut()).is_pending());
        drop(guard);
        assert!(poll(third.as_mut()).is_pending());
        let Poll::Ready(Ok(guard)) = poll(second.as_mut()) else {
            panic!("the second is next")
        };
        drop(guard);
        assert!(poll(third.as_mut()).is_ready());
        drop(third);
        assert!(queues.is_empty());
    }

    #[test]
    fn who_gives_up_is_passed_over() {
        let queues = Queues::new(10);
        let mut first = Box::pin(queues.enter(TABLE, b"k"));
        let Poll::Ready(Ok(guard)) = poll(first.as_mut()) else {
            panic!("the line was empty")
        };
        let mut second = Box::pin(queues.enter(TABLE, b"k"));
        assert!(poll(second.as_mut()).is_pending());
        let mut third = Box::pin(queues.enter(TABLE, b"k"));
        assert!(poll(third.as_mut()).is_pending());
        drop(guard);
        drop(second);
        assert!(poll(third.as_mut()).is_ready());
    }

    #[test]
    fn a_full_line_refuses() {
        let queues = Queues::new(1);
        let mut first = Box::pin(queues.enter(TABLE, b"k"));
        let Poll::Ready(Ok(_guard)) = poll(first.as_mut()) else {
            panic!("the line was empty")
        };
        let mut second = Box::pin(queues.enter(TABLE, b"k"));
        assert!(poll(second.as_mut()).is_pending());
        let mut third = Box::pin(queues.enter(TABLE, b"k"));
        assert!(matches!(
            poll(third.as_mut()),
            Poll::Ready(Err(Error::Overloaded(_)))
        ));
        let mut elsewhere = Box::pin(queues.enter(TABLE, b"other"));
        assert!(poll(elsewhere.as_mut()).is_ready());
    }
}
