//! Connections that can be reset from outside.
//!
//! turmoil can delay, hold and drop messages, but has no call that breaks the connections between two hosts. Each end
//! of a connection therefore holds a [`Line`]; breaking it wakes whoever waits on that end with an error.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use parking_lot::Mutex;

/// All lines of a cluster. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<Weak<Line>>>>);

/// One end of a connection.
pub(super) struct Line {
    ends: [IpAddr; 2],
    broken: AtomicBool,
    reader: Mutex<Option<Waker>>,
    writer: Mutex<Option<Waker>>,
}

impl Lines {
    pub(super) fn add(&self, local: IpAddr, peer: IpAddr) -> Arc<Line> {
        let line = Arc::new(Line {
            ends: [local, peer],
            broken: AtomicBool::new(false),
            reader: Mutex::default(),
            writer: Mutex::default(),
        });
        let mut lines = self.0.lock();
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(&line));
        line
    }

    /// Breaks all connections between two hosts, at both ends.
    pub(super) fn reset(&self, left: IpAddr, right: IpAddr) {
        let lines: Vec<Arc<Line>> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        for line in lines
            .iter()
            .filter(|line| line.ends == [left, right] || line.ends == [right, left])
        {
            line.break_off();
        }
    }
}

impl Line {
    pub(super) fn check(&self) -> io::Result<()> {
        if self.broken.load(Ordering::Relaxed) {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }

    pub(super) fn reader_waits(&self, waker: &Waker) {
        *self.reader.lock() = Some(waker.clone());
    }

    pub(super) fn writer_waits(&self, waker: &Waker) {
        *self.writer.lock() = Some(waker.clone());
    }

    fn break_off(&self) {
        self.broken.store(true, Ordering::Relaxed);
        for waiting in [&self.reader, &self.writer] {
            let waker = waiting.lock().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}
