//! What one source is asked for: partitions, slices, a direction, and where an earlier page ended.

use std::ops::Bound;

use bytes::Bytes;
use model::key::Slice;
use model::key::clustering;
use model::read::{Command, KeyEdge, KeyRange, Keys, Position};
use model::stream::Direction;
use model::{PartitionKey, PartitionKeyRef};

/// The partitions of a scan.
#[derive(Debug, Clone)]
pub(crate) enum ScanKeys {
    One(PartitionKey),
    Range(KeyRange),
}

/// A scan of one source. Sources of one cursor share it, and when they are closed its memory serves the next scan.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    pub keys: ScanKeys,
    pub slices: Vec<Slice>,
    /// The partition in which the last page ended, with what is left of the slices there.
    pub resume: Option<(PartitionKey, Vec<Slice>)>,
    /// The clustering key after which it goes on there.
    resumed_after: Option<Bytes>,
    pub direction: Direction,
    /// How many rows the reader is likely to take.
    pub rows_wanted: usize,
    /// Whether blocks that are read go to the cache.
    pub fills_cache: bool,
}

impl Scan {
    /// The scan of one partition of a command.
    #[cfg(test)]
    pub fn partition(command: &Command, key: &PartitionKey) -> Scan {
        let mut scan = Scan::everything();
        scan.set_partition(command, key);
        scan
    }

    /// The scan of a command's range of partitions.
    #[cfg(test)]
    pub fn range(command: &Command, range: &KeyRange) -> Scan {
        let mut scan = Scan::everything();
        scan.set_range(command, range);
        scan
    }

    /// Becomes the scan of one partition of a command.
    pub fn set_partition(&mut self, command: &Command, key: &PartitionKey) {
        self.set(command);
        self.fills_cache = true;
        match &mut self.keys {
            ScanKeys::One(one) => one.clone_from(key),
            ScanKeys::Range(_) => self.keys = ScanKeys::One(key.clone()),
        }
        if let Some((resumed, slices)) = self.resume.take()
            && resumed == *key
        {
            self.slices = slices;
        }
    }

    /// Becomes the scan of a command's range of partitions.
    pub fn set_range(&mut self, command: &Command, range: &KeyRange) {
        self.set(command);
        self.fills_cache = false;
        let mut range = range.clone();
        if let Some(position) = &command.resume {
            let edge = KeyEdge::Key(position.key.clone());
            range.start = match self.resume {
                Some(_) => Bound::Included(edge),
                None => Bound::Excluded(edge),
            };
        }
        self.keys = ScanKeys::Range(range);
    }

    /// The scan of all rows of a table, for flush and compaction.
    pub fn everything() -> Scan {
        Scan {
            keys: ScanKeys::Range(KeyRange::all()),
            slices: vec![Slice::all()],
            resume: None,
            resumed_after: None,
            direction: Direction::Forward,
            rows_wanted: usize::MAX,
            fills_cache: false,
        }
    }

    /// What does not depend on the partitions.
    fn set(&mut self, command: &Command) {
        let limits = &command.limits;
        self.direction = Direction::reversed(command.reversed);
        self.rows_wanted = match command.filter {
            None => usize::try_from(limits.rows.min(limits.per_partition)).unwrap_or(usize::MAX),
            Some(_) => usize::MAX,
        };
        self.slices.clone_from(&command.slices);
        let resume = command.resume.as_ref();
        self.resume = resume.and_then(|position| left(position, command, self.direction));
        self.resumed_after = resume.and_then(|at| at.clustering.clone());
    }

    /// The same for a file.
    pub fn of_file(&self) -> sstable::Scan {
        let (keys, resume) = match &self.keys {
            ScanKeys::One(key) => (Keys::List(vec![key.clone()]), None),
            ScanKeys::Range(range) => {
                let resume = self.resume.as_ref().map(|(key, _)| key.clone());
                (
                    Keys::Range(range.clone()),
                    resume.zip(self.resumed_after.clone()),
                )
            }
        };
        let resume = resume.map(|(key, clustering)| Position {
            key,
            clustering: Some(clustering),
            in_partition: 0,
        });
        sstable::Scan {
            keys,
            slices: self.slices.clone(),
            reversed: self.direction == Direction::Reversed,
            statics: true,
            fill_cache: self.fills_cache,
            resume,
        }
    }

    /// The slices of a partition.
    pub fn slices_of(&self, key: PartitionKeyRef<'_>) -> &[Slice] {
        match &self.resume {
            Some((resumed, slices)) if resumed.as_ref() == key => slices,
            _ => &self.slices,
        }
    }

    /// Whether `key` lies behind everything that is wanted.
    pub fn is_after(&self, key: PartitionKeyRef<'_>) -> bool {
        match &self.keys {
            ScanKeys::One(one) => one.as_ref() < key,
            ScanKeys::Range(range) => range.is_after(key),
        }
    }

    /// Whether `key` is wanted.
    pub fn contains(&self, key: PartitionKeyRef<'_>) -> bool {
        match &self.keys {
            ScanKeys::One(one) => one.as_ref() == key,
            ScanKeys::Range(range) => range.contains(key),
        }
    }
}

/// What is left of the partition in which the last page ended; none if nothing is.
fn left(
    position: &Position,
    command: &Command,
    direction: Direction,
) -> Option<(PartitionKey, Vec<Slice>)> {
    let last = position.clustering.as_ref()?;
    let rest = match direction {
        Direction::Forward => Slice::new(clustering::after(last), Slice::all().end),
        Direction::Reversed => Slice::new(Slice::all().start, &last[..]),
    };
    let slices = command.slices.iter().map(|slice| slice.intersect(&rest));
    let slices: Vec<_> = slices.filter(|slice| !slice.is_empty()).collect();
    // Without slices the partition's statics alone could come again.
    (!slices.is_empty()).then(|| (position.key.clone(), slices))
}
