//! The disk's one state: its tree, its room, its mount, and the faults that wait for their moment.
//!
//! Every call from an environment passes [`Volume::read`] or [`Volume::change`], which refuse the calls of a dead
//! mount, count steps, and let faults happen.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::env::Rng;

use super::content::Mode;
use super::mount::SYNC;
use super::tree::{DirNode, FileNode};
use super::{Faults, power_failure_error};

pub(super) struct Volume {
    pub(super) root: Arc<DirNode>,
    pub(super) rng: Rng,
    pub(super) faults: Faults,
    pub(super) capacity_bytes: u64,
    pub(super) used_bytes: u64,
    /// How long a sync takes.
    pub(super) sync_time: Duration,
    /// Directories locked by the current mount, by id.
    pub(super) locks: BTreeSet<u64>,
    /// Which environment may use the disk: the one that mounted it last, unless the power failed since.
    pub(super) mount: u64,
    /// Changes asked for so far.
    pub(super) steps: u64,
    /// Power failures so far.
    pub(super) power_failures: u64,
    /// The step at which the environment dies, and how.
    pub(super) death: Option<(u64, Death)>,
    /// A part of paths, and how many writes until the power fails behind one to such a file.
    pub(super) dies_behind_write: Option<(String, u64)>,
    /// Calls (of any kind) until one fails.
    pub(super) error_in: Option<u64>,
    /// Syncs that are still to fail.
    pub(super) syncs_to_fail: u64,
    /// Parts of the paths of files whose syncs do nothing.
    pub(super) unsynced_files: Vec<String>,
    /// How directories are named whose syncs do nothing.
    pub(super) unsynced_dirs: Vec<String>,
    pub(super) next_id: u64,
}

/// How an environment dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// With the power: what was not synced may be lost.
    PowerFailure,
    /// Alone: what it wrote is there for the next, though not durable.
    Kill,
}

/// What a fault does to a call that changes the disk.
enum Fate {
    Happens,
    Error,
    /// The environment dies just before or just after.
    Dies {
        how: Death,
        after: bool,
    },
}

impl Volume {
    pub(super) fn new(rng: Rng) -> Volume {
        Volume {
            root: DirNode::new(0),
            rng,
            faults: Faults::default(),
            capacity_bytes: 1 << 40,
            used_bytes: 0,
            sync_time: SYNC,
            locks: BTreeSet::new(),
            mount: 0,
            steps: 0,
            power_failures: 0,
            death: None,
            dies_behind_write: None,
            error_in: None,
            syncs_to_fail: 0,
            unsynced_files: Vec::new(),
            unsynced_dirs: Vec::new(),
            next_id: 1,
        }
    }

    pub(super) fn copy(&self, rng: Rng) -> Volume {
        Volume {
            root: self.root.copy(&mut BTreeMap::new()),
            faults: self.faults.clone(),
            capacity_bytes: self.capacity_bytes,
            used_bytes: self.used_bytes,
            next_id: self.next_id,
            ..Volume::new(rng)
        }
    }

    pub(super) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Ends the current mount and starts the next.
    pub(super) fn remount(&mut self) -> u64 {
        self.locks.clear();
        self.mount += 1;
        self.mount
    }

    /// A call that changes nothing.
    pub(super) fn read<T>(
        &mut self,
        mount: u64,
        call: impl FnOnce(&mut Volume) -> io::Result<T>,
    ) -> io::Result<T> {
        self.check_mount(mount)?;
        if self.error_is_due() || self.rng.chance(self.faults.read_error) {
            return Err(io::Error::other("simulated read error"));
        }
        call(self)
    }

    /// A call that changes something: one step.
    pub(super) fn change<T>(
        &mut self,
        mount: u64,
        call: impl FnOnce(&mut Volume) -> io::Result<T>,
    ) -> io::Result<T> {
        self.check_mount(mount)?;
        match self.fate() {
            Fate::Happens => call(self),
            Fate::Error => Err(io::Error::other("simulated write error")),
            Fate::Dies { how, after } => {
                if after {
                    drop(call(self));
                }
                self.die(how);
                Err(power_failure_error())
            }
        }
    }

    fn fate(&mut self) -> Fate {
        self.steps += 1;
        if let Some((step, how)) = self.death
            && self.steps >= step
        {
            return Fate::Dies {
                how,
                after: self.rng.chance(0.5),
            };
        }
        if self.error_is_due() {
            Fate::Error
        } else {
            Fate::Happens
        }
    }

    fn error_is_due(&mut self) -> bool {
        let Some(left) = self.error_in else {
            return false;
        };
        self.error_in = left.checked_sub(1).filter(|left| *left > 0);
        left <= 1
    }

    fn check_mount(&self, mount: u64) -> io::Result<()> {
        if mount == self.mount {
            Ok(())
        } else {
            Err(power_failure_error())
        }
    }

    /// Loses what was not synced, as the dice fall, and ends the current mount.
    pub(super) fn power_failure(&mut self) {
        let mode = Mode::draw(&mut self.rng);
        self.lose(mode);
        self.die(Death::Kill);
    }

    fn lose(&mut self, mode: Mode) {
        self.root.power_failure(mode, &mut self.rng);
        self.power_failures += 1;
        self.count_links();
    }

    /// Lets the environment die at the `step`th change from now.
    pub(super) fn dies_at(&mut self, step: u64, how: Death) {
        self.death = Some((self.steps + step, how));
    }

    /// Lets the power fail if it was to fail behind this write.
    pub(super) fn written(&mut self, path: &Path) -> io::Result<()> {
        let Some((part, left)) = &mut self.dies_behind_write else {
            return Ok(());
        };
        if !path.to_string_lossy().contains(part.as_str()) {
            return Ok(());
        }
        *left = left.saturating_sub(1);
        if *left > 0 {
            return Ok(());
        }
        self.lose(Mode::Mixed);
        self.die(Death::Kill);
        Err(power_failure_error())
    }

    fn die(&mut self, how: Death) {
        (self.death, self.dies_behind_write) = (None, None);
        match how {
            Death::PowerFailure => self.power_failure(),
            Death::Kill => drop(self.remount()),
        }
    }

    /// Counts links and room anew, after names came and went.
    fn count_links(&mut self) {
        let mut files: BTreeMap<u64, (Arc<FileNode>, u32)> = BTreeMap::new();
        self.root.visit_files("", &mut |_, file| {
            files.entry(file.id).or_insert_with(|| (file.clone(), 0)).1 += 1
        });
        self.used_bytes = 0;
        for (file, links) in files.values() {
            let mut state = file.state.lock();
            state.links = *links;
            self.used_bytes += state.content.len() as u64;
        }
    }

    /// Whether a sync succeeds: it may be set to fail, or fail by chance.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let fails = self.syncs_to_fail > 0 || self.rng.chance(self.faults.sync_error);
        self.syncs_to_fail = self.syncs_to_fail.saturating_sub(1);
        if fails {
            Err(io::Error::other("simulated sync error"))
        } else {
            Ok(())
        }
    }

    /// Makes room for a file to go from `old_len` to `new_len`.
    pub(super) fn resize(&mut self, old_len: u64, new_len: u64) -> io::Result<()> {
        let used = self
            .used_bytes
            .saturating_sub(old_len)
            .saturating_add(new_len);
        if new_len > old_len && used > self.capacity_bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.used_bytes = used;
        Ok(())
    }

    /// One name of a file goes; with the last its room is free.
    pub(super) fn unlink(&mut self, file: &FileNode) {
        let mut state = file.state.lock();
        state.links = state.links.saturating_sub(1);
        if state.links == 0 {
            self.used_bytes = self.used_bytes.saturating_sub(state.content.len() as u64);
        }
    }
}
