//! The hybrid clock with its reservation on disk.
//!
//! [`base::hybrid::Clock`] issues nothing above a reservation; this is its owner. The file `clock`
//! in the data directory holds the reservation in two slots that are overwritten in turn, so a write
//! that is torn leaves the other. A task renews it when times are issued, and each second otherwise.
//!
//! A time ahead of the wall clock would beat what clients write at the present time. So a node that ends
//! in order leaves the last time that it issued as its reservation ([`Clock::settle`]), and one that was
//! killed waits at its start until the wall clock has passed the old reservation, two seconds at most.
//! Only a wall clock that went back further than that is run ahead of.

pub mod format;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::env::{Class, Dir, Env, File, Task};
use base::hybrid::{self, LEAD_MICROS};
use tokio::sync::{Notify, watch};

use crate::error::Error;
use format::{FILE_BYTES, FILE_NAME, Reservation};

/// How often an idle node looks whether to renew: well within the half of a reservation that is left by then.
const RENEW_PAUSE: Duration = Duration::from_micros(LEAD_MICROS as u64 / 4);

/// Issues timestamps that never repeat, in this life of the node or a later one.
#[derive(Clone)]
pub struct Clock {
    shared: Arc<Shared>,
}

struct Shared {
    hybrid: hybrid::Clock,
    wanted: Notify,
    /// Whether nothing is to be issued any more.
    is_settling: AtomicBool,
    /// Says so once the last time issued is on disk; ends with the keeper.
    settled: watch::Receiver<bool>,
}

impl Clock {
    /// Opens the reservation in a directory and makes the first one of this life. The task renews it
    /// until it is dropped.
    pub async fn open(env: &Env, dir: Arc<dyn Dir>) -> io::Result<(Clock, Task<()>)> {
        let opened = env.blocking(Class::Sync, move || open(&*dir)).await;
        let (file, last) = opened?;
        let from_micros = match env.mutant("clock: a start forgets what was reserved") {
            true => 0,
            false => last.until_micros,
        };
        wait_for_wall(env, from_micros).await;
        let (says_settled, settled) = watch::channel(false);
        let shared = Arc::new(Shared {
            hybrid: hybrid::Clock::new(from_micros),
            wanted: Notify::new(),
            is_settling: AtomicBool::new(false),
            settled,
        });
        let mut keeper = Keeper {
            env: env.clone(),
            file,
            last,
            shared: shared.clone(),
            says_settled,
        };
        keeper.renew(env.wall_micros()).await?;
        let task = env.spawn("clock reservation", keeper.run());
        Ok((Clock { shared }, task))
    }

    /// Issues nothing any more, and leaves on disk what was issued last, so that the next life need not
    /// wait for the wall clock. For a node that has ended everything else.
    pub async fn settle(&self) {
        self.shared.is_settling.store(true, Ordering::Release);
        self.shared.wanted.notify_one();
        let mut settled = self.shared.settled.clone();
        // It ends without an answer when the keeper does, which has said why.
        let _ = settled.wait_for(|is_settled| *is_settled).await;
    }

    /// The next timestamp for this wall time, in microseconds.
    pub fn next(&self, wall_micros: i64) -> Result<i64, Error> {
        if self.shared.hybrid.needs_reservation(wall_micros).is_some() {
            self.shared.wanted.notify_one();
        }
        self.shared.hybrid.next(wall_micros).ok_or_else(|| {
            Error::Unavailable(
                "The reservation of timestamps could not be renewed on disk; see the log".into(),
            )
        })
    }
}

/// Waits until the wall clock is beyond an old reservation, unless it went back further than that.
async fn wait_for_wall(env: &Env, until_micros: i64) {
    let ahead = until_micros.saturating_sub(env.wall_micros());
    env.sometimes(
        "clock: a start waits for its reservation",
        (1..=LEAD_MICROS).contains(&ahead),
    );
    env.sometimes("clock: it went back between two lives", ahead > LEAD_MICROS);
    if (0..=LEAD_MICROS).contains(&ahead) {
        env.sleep(Duration::from_micros(ahead as u64 + 1)).await;
    } else if ahead > 0 {
        tracing::warn!(
            "the wall clock is {} s behind the last life of this node; timestamps go on from there",
            ahead / 1_000_000
        );
    }
}

/// Opens or creates the file; the newest valid slot, or nothing reserved yet.
fn open(dir: &dyn Dir) -> io::Result<(Arc<dyn File>, Reservation)> {
    if !dir.exists(FILE_NAME)? {
        let file = dir.create(FILE_NAME)?;
        file.write_at(&[0; FILE_BYTES], 0)?;
        file.sync_data()?;
        dir.sync_dir()?;
        return Ok((file, Reservation::default()));
    }
    let file = dir.open(FILE_NAME)?;
    // Whoever made it may have been killed before its name was safe.
    dir.sync_dir()?;
    let mut bytes = [0; FILE_BYTES];
    let length = (file.len()? as usize).min(FILE_BYTES);
    file.read_exact_at(&mut bytes[..length], 0)?;
    if length < FILE_BYTES || format::is_damaged(&bytes) {
        warn_of_loss(dir, "damaged");
    }
    Ok((file, format::newest(&bytes).unwrap_or_default()))
}

/// Tells that the reservation of a node with data is lost.
pub fn warn_of_loss(dir: &dyn Dir, what: &str) {
    tracing::warn!(
        "the file {} is {what}: timestamps may repeat if the wall clock went back",
        dir.path().join(FILE_NAME).display()
    );
}

struct Keeper {
    env: Env,
    file: Arc<dyn File>,
    last: Reservation,
    shared: Arc<Shared>,
    says_settled: watch::Sender<bool>,
}

impl Keeper {
    async fn run(mut self) {
        loop {
            // Also when nobody asks: the first write after a pause must find a reservation that covers it.
            let pause = self.env.sleep(RENEW_PAUSE);
            tokio::select! {
                biased;
                () = self.shared.wanted.notified() => {}
                () = pause => {}
            }
            if self.shared.is_settling.load(Ordering::Acquire) {
                return self.settle().await;
            }
            if let Err(error) = self.renew(self.env.wall_micros()).await {
                tracing::error!("the reservation of timestamps could not be written: {error}");
                self.env.sleep(std::time::Duration::from_millis(100)).await;
                self.shared.wanted.notify_one();
            }
        }
    }

    async fn renew(&mut self, wall_micros: i64) -> io::Result<()> {
        let Some(until_micros) = self.shared.hybrid.needs_reservation(wall_micros) else {
            return Ok(());
        };
        self.write(until_micros).await?;
        self.shared.hybrid.reserve(until_micros);
        Ok(())
    }

    async fn write(&mut self, until_micros: i64) -> io::Result<()> {
        let next = Reservation {
            sequence: self.last.sequence + 1,
            until_micros,
        };
        let file = self.file.clone();
        let written = self.env.blocking(Class::Sync, move || {
            file.write_at(&next.encode(), next.offset())?;
            file.sync_data()
        });
        written.await?;
        self.last = next;
        Ok(())
    }

    /// Leaves the last time issued as the reservation. If that fails the old one holds, which is larger.
    async fn settle(mut self) {
        self.shared.hybrid.close();
        match self.write(self.shared.hybrid.last()).await {
            Ok(()) => drop(self.says_settled.send(true)),
            Err(error) => tracing::warn!("the last timestamp could not be written: {error}"),
        }
    }
}
