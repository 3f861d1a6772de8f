//! One turn of a connection: the storage turn with one reading of the clock.

use std::time::Duration;

use base::meter::Meter;
use model::{PartitionKeyRef, TableId};

use crate::coordinator::Coordinator;
use crate::error::Error;

/// What a connection's turn carries: its frame, its meter, and when it began.
pub struct Turn {
    coordinator: Coordinator,
    storage: storage::Turn,
    wall_micros: i64,
    mono: Duration,
    warnings: Vec<String>,
}

impl Turn {
    pub(crate) fn new(coordinator: Coordinator) -> Self {
        let storage = coordinator.engine().turn();
        let (wall_micros, mono) = (coordinator.env().wall_micros(), coordinator.env().mono());
        Turn {
            coordinator,
            storage,
            wall_micros,
            mono,
            warnings: Vec::new(),
        }
    }

    /// Makes the turn ready for the connection's next one: a fresh meter and a fresh reading of the clock.
    pub fn begin(&mut self) {
        self.storage.meter.reset();
        self.wall_micros = self.coordinator.env().wall_micros();
        self.mono = self.coordinator.env().mono();
        self.warnings.clear();
    }

    /// The meter of this turn's work.
    pub fn meter(&mut self) -> &mut Meter {
        &mut self.storage.meter
    }

    /// Wall clock at the turn's beginning, in microseconds.
    pub fn wall_micros(&self) -> i64 {
        self.wall_micros
    }

    /// Wall clock at the turn's beginning, in seconds.
    pub fn now_seconds(&self) -> i64 {
        self.wall_micros.div_euclid(1_000_000)
    }

    /// Monotonic clock at the turn's beginning.
    pub fn mono(&self) -> Duration {
        self.mono
    }

    /// The next timestamp of the hybrid clock, in microseconds.
    pub fn timestamp(&mut self) -> Result<i64, Error> {
        self.coordinator.timestamp(self.wall_micros)
    }

    /// A client's timestamp, unless it lies too far ahead of this node's clock.
    pub fn check_timestamp(&mut self, micros: i64) -> Result<i64, Error> {
        let options = self.coordinator.options();
        let ahead = Duration::from_micros(
            u64::try_from(micros.saturating_sub(self.wall_micros)).unwrap_or(0),
        );
        let beyond = |limit: Duration| !limit.is_zero() && ahead > limit;
        if beyond(options.timestamp_fail_ahead) {
            return Err(Error::Invalid(format!(
                "The timestamp {micros} is {} s ahead of this node's clock; maximum_timestamp_fail_threshold allows {} s",
                ahead.as_secs(),
                options.timestamp_fail_ahead.as_secs()
            )));
        }
        if beyond(options.timestamp_warn_ahead) && self.warnings.is_empty() {
            self.warnings.push(format!(
                "The timestamp {micros} is {} s ahead of this node's clock (maximum_timestamp_warn_threshold is {} s): until then, no write with a present timestamp can change what it wrote",
                ahead.as_secs(),
                options.timestamp_warn_ahead.as_secs()
            ));
        }
        Ok(micros)
    }

    /// Notes what the client of the present request should be told.
    pub fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// What the client of the present request should be told; forgotten once taken.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Begins a mutation of one partition in the turn's frame.
    pub fn mutate(
        &mut self,
        table: TableId,
        key: PartitionKeyRef<'_>,
    ) -> Result<storage::Write<'_>, Error> {
        Ok(self.storage.mutate(table, key)?)
    }

    /// From here on, mutations belong to one BATCH and lie in one frame.
    pub fn begin_batch(&mut self) -> Result<(), Error> {
        Ok(self.storage.begin_batch()?)
    }

    /// Ends the BATCH.
    pub fn end_batch(&mut self) -> Result<(), Error> {
        Ok(self.storage.end_batch()?)
    }

    /// Takes back the BATCH: what was encoded since it began is gone.
    pub fn abandon_batch(&mut self) {
        self.storage.abandon_batch();
    }

    /// Writes the turn's frame to the log and applies it to the memtables; nothing is applied when
    /// the log cannot be written. The position to sync up to, if anything was written.
    pub fn commit(&mut self) -> Result<Option<storage::Position>, Error> {
        Ok(self.storage.commit()?)
    }

    /// The coordinator.
    pub fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    /// Whether the turn has mutations that are not committed.
    pub fn has_writes(&self) -> bool {
        !self.storage.is_empty()
    }
}
