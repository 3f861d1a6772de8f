//! The hybrid clock with its reservation on disk.
//!
//! [`base::hybrid::Clock`] issues nothing above a reservation; this is its owner. The file `clock`
//! in the data directory holds the reservation in two slots that are overwritten in turn, so a write
//! that is torn leaves the other. A task renews it when times are issued, and every few seconds otherwise.

pub mod format;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use base::env::{Class, Dir, Env, File, Task};
use base::hybrid;
use tokio::sync::Notify;

use crate::error::Error;
use format::{FILE_BYTES, FILE_NAME, Reservation};

/// How often an idle node looks whether to renew: well within the half of a reservation that is left by then.
const RENEW_PAUSE: std::time::Duration =
    std::time::Duration::from_micros(hybrid::LEAD_MICROS as u64 / 4);

/// Issues timestamps that never repeat, in this life of the node or a later one.
#[derive(Clone)]
pub struct Clock {
    shared: Arc<Shared>,
}

struct Shared {
    hybrid: hybrid::Clock,
    wanted: Notify,
}

impl Clock {
    /// Opens the reservation in a directory and makes the first one of this life. The task renews it
    /// until it is dropped.
    pub async fn open(env: &Env, dir: Arc<dyn Dir>) -> io::Result<(Clock, Task<()>)> {
        let wall_micros = env.wall_micros();
        let opened = env.blocking(Class::General, move || open(&*dir)).await;
        let (file, last) = opened?;
        let shared = Arc::new(Shared {
            hybrid: hybrid::Clock::new(last.until_micros),
            wanted: Notify::new(),
        });
        let mut keeper = Keeper {
            env: env.clone(),
            file,
            last,
            shared: shared.clone(),
        };
        keeper.renew(wall_micros).await?;
        let task = env.spawn("clock reservation", keeper.run());
        Ok((Clock { shared }, task))
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

/// Opens or creates the file; the newest valid slot, or nothing reserved yet.
fn open(dir: &dyn Dir) -> io::Result<(Arc<dyn File>, Reservation)> {
    if !dir.exists(FILE_NAME)? {
        let file = dir.create(FILE_NAME)?;
        file.write_at(&[0; FILE_BYTES], 0)?;
        file.sync_data()?;
        dir.sync_dir()?;
        return Ok((file, Reservation::default()));
    }
    // The process that made it may have been killed before its name was durable.
    dir.sync_dir()?;
    let file = dir.open(FILE_NAME)?;
    let mut bytes = [0; FILE_BYTES];
    let length = (file.len()? as usize).min(FILE_BYTES);
    file.read_exact_at(&mut bytes[..length], 0)?;
    if format::is_damaged(&bytes) {
        tracing::warn!(
            "the file {FILE_NAME} in the data directory is damaged: timestamps may repeat if the wall clock went back"
        );
    }
    Ok((file, format::newest(&bytes).unwrap_or_default()))
}

struct Keeper {
    env: Env,
    file: Arc<dyn File>,
    last: Reservation,
    shared: Arc<Shared>,
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
        self.shared.hybrid.reserve(until_micros);
        Ok(())
    }
}
