//! Collects statistics while a file is written.

use std::collections::BTreeSet;

use model::cell::Kind;
use model::image::{Column as ImageColumn, View};
use model::{Cell, ColumnId, Deletion, Liveness, PartitionKey, PartitionKeyRef, Timestamp};

use super::{Column, Counts, DropTimes, NEVER_SECONDS, Sizes, Statistics};

/// What was seen of a file so far.
#[derive(Debug)]
pub struct Collector {
    first: Option<PartitionKey>,
    /// The last partition's key, in a buffer that stays.
    last: Vec<u8>,
    /// How many of what there are so far; the writer counts blocks and bytes.
    pub counts: Counts,
    clustering: Option<(Vec<u8>, Vec<u8>)>,
    timestamps: (Timestamp, Timestamp),
    local_deletion_seconds: (i64, i64),
    columns: BTreeSet<ColumnId>,
    drop_times: DropTimes,
    partition_bytes: Sizes,
    partition_rows: Sizes,
}

impl Default for Collector {
    fn default() -> Collector {
        Collector {
            first: None,
            last: Vec::new(),
            counts: Counts::default(),
            clustering: None,
            timestamps: (Timestamp::MAX, Timestamp::MIN),
            local_deletion_seconds: (NEVER_SECONDS, i64::MIN),
            columns: BTreeSet::new(),
            drop_times: DropTimes::default(),
            partition_bytes: Sizes::default(),
            partition_rows: Sizes::default(),
        }
    }
}

impl Collector {
    /// Counts a partition that begins.
    pub fn partition(&mut self, key: PartitionKeyRef<'_>, deletion: Option<Deletion>) {
        self.counts.partitions += 1;
        self.last.clear();
        self.last.extend_from_slice(key.bytes);
        self.first.get_or_insert_with(|| key.to_owned());
        if let Some(deletion) = deletion {
            self.counts.partition_deletions += 1;
            self.deletion(deletion);
        }
    }

    /// Counts a partition that ends, with its size.
    pub fn partition_end(&mut self, bytes: u64, rows: u64) {
        self.partition_bytes.add(bytes);
        self.partition_rows.add(rows);
    }

    /// Counts a static row.
    pub fn static_row(&mut self, image: &[u8]) {
        self.counts.static_rows += 1;
        self.image(image);
    }

    /// Counts a row.
    pub fn row(&mut self, clustering: &[u8], image: &[u8]) {
        self.counts.rows += 1;
        self.widen(clustering);
        self.image(image);
    }

    /// Counts a range tombstone.
    pub fn range_tombstone(&mut self, start: &[u8], end: &[u8], deletion: Deletion) {
        self.counts.range_tombstones += 1;
        self.widen(start);
        self.widen(end);
        self.deletion(deletion);
    }

    fn widen(&mut self, bound: &[u8]) {
        let Some((smallest, largest)) = &mut self.clustering else {
            self.clustering = Some((bound.to_vec(), bound.to_vec()));
            return;
        };
        let side = if bound < smallest.as_slice() {
            smallest
        } else if bound > largest.as_slice() {
            largest
        } else {
            return;
        };
        side.clear();
        side.extend_from_slice(bound);
    }

    fn image(&mut self, image: &[u8]) {
        let view = View::new(image);
        if let Some(deletion) = view.deletion() {
            self.deletion(deletion);
        }
        if let Some(liveness) = view.liveness() {
            self.liveness(liveness);
        }
        for (id, column) in view.columns() {
            self.columns.insert(id);
            match column {
                ImageColumn::Simple(cell) => self.cell(&cell),
                ImageColumn::Complex(complex) => {
                    complex
                        .deletion()
                        .into_iter()
                        .for_each(|deletion| self.deletion(deletion));
                    complex.elements().for_each(|(_, cell)| self.cell(&cell));
                }
            }
        }
    }

    fn cell(&mut self, cell: &Cell<'_>) {
        self.counts.cells += 1;
        self.timestamp(cell.timestamp);
        match cell.kind {
            Kind::Value(_) => self.alive(),
            Kind::Expiring { expiry_seconds, .. } => self.dead_from(expiry_seconds),
            Kind::Tombstone { local_seconds } => self.tombstone(local_seconds),
        }
    }

    fn liveness(&mut self, liveness: Liveness) {
        self.timestamp(liveness.timestamp);
        if liveness.expires() {
            self.dead_from(liveness.expiry_seconds);
        } else {
            self.alive();
        }
    }

    fn deletion(&mut self, deletion: Deletion) {
        self.timestamp(deletion.timestamp);
        self.tombstone(deletion.local_seconds);
    }

    fn tombstone(&mut self, local_seconds: i64) {
        self.counts.tombstones += 1;
        self.dead_from(local_seconds);
    }

    fn dead_from(&mut self, seconds: i64) {
        let (smallest, largest) = &mut self.local_deletion_seconds;
        *smallest = seconds.min(*smallest);
        *largest = seconds.max(*largest);
        self.drop_times.add(seconds);
    }

    fn alive(&mut self) {
        self.local_deletion_seconds.1 = NEVER_SECONDS;
    }

    fn timestamp(&mut self, timestamp: Timestamp) {
        let (smallest, largest) = &mut self.timestamps;
        *smallest = timestamp.min(*smallest);
        *largest = timestamp.max(*largest);
    }

    /// The statistics, or `None` if there was no partition. `column_type` tells the encoded type of a column.
    pub fn finish(
        self,
        column_type: impl Fn(ColumnId) -> Vec<u8>,
        log_positions: Option<(u64, u64)>,
        repaired_micros: Option<i64>,
    ) -> Option<Statistics> {
        let column = |id: ColumnId| Column {
            id,
            column_type: column_type(id),
        };
        Some(Statistics {
            first: self.first?,
            last: PartitionKey::new(self.last),
            counts: self.counts,
            clustering: self.clustering,
            timestamps: self.timestamps,
            local_deletion_seconds: self.local_deletion_seconds,
            columns: self.columns.into_iter().map(column).collect(),
            drop_times: self.drop_times,
            partition_bytes: self.partition_bytes,
            partition_rows: self.partition_rows,
            log_positions,
            repaired_micros,
        })
    }
}
