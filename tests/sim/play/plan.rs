//! What a seed has in store for one life of the node.

use std::time::Duration;

use base::env::Rng;
use sim::Disk;
use sim::clock::Clock;
use sim::disk::Faults;

/// The disk's size when it is not full.
pub const ROOM_BYTES: u64 = 1 << 40;
/// How long a sync takes when the disk is not slow.
pub const SYNC_TIME: Duration = Duration::from_micros(120);

/// One life.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How the disk behaves.
    pub disk: DiskPlan,
    /// By how much the wall clock is off from the last life on.
    pub jump_micros: i64,
    /// Whether it also jumps while the node runs.
    pub jumps: bool,
    /// Whether all texts are long, so that the commit log has no room for what is written while nothing is flushed.
    pub is_heavy: bool,
    /// Statements of each client.
    pub steps: u64,
    pub end: End,
}

/// How the disk behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DiskPlan {
    Sound,
    /// Hardly anything is found in memory.
    Cold,
    /// Syncs take so long for a while.
    Slow(Duration),
    /// There is no room for a while.
    Full,
    /// This call fails.
    OneError(u64),
    /// Calls fail now and then.
    Errors,
    /// One sync fails, and what it should have kept is lost with the power that fails afterwards.
    LostSync,
}

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// The power fails at this change of the disk, or behind the last statement.
    Power(u64),
    /// The power fails behind so many writes to such files, or behind the last statement.
    Torn(&'static str, u64),
    /// The process is killed at this change of the disk, or behind the last statement.
    Kill(u64),
    Stop,
    /// In order, and then the power fails.
    StopAndPower,
}

impl Plan {
    /// A life in which nothing is wrong, to see what is there.
    pub fn quiet(steps: u64) -> Plan {
        Plan {
            disk: DiskPlan::Sound,
            jump_micros: 0,
            jumps: false,
            is_heavy: false,
            steps,
            end: End::Stop,
        }
    }

    pub fn draw(rng: &mut Rng) -> Plan {
        let disk = match rng.below(20) {
            0..10 => DiskPlan::Sound,
            10..12 => DiskPlan::Cold,
            12..14 => DiskPlan::Slow(Duration::from_millis(1 << rng.below(13))),
            14 | 15 => DiskPlan::Full,
            16 => DiskPlan::OneError(1 + rng.below(1500)),
            17 | 18 => DiskPlan::Errors,
            _ => DiskPlan::LostSync,
        };
        let second = 1_000_000;
        let jump_micros = match rng.below(6) {
            0 => second * rng.below(2_000) as i64,
            1 | 2 => -second * rng.below(100) as i64,
            _ => 0,
        };
        let step = if rng.chance(0.2) {
            rng.below(120)
        } else {
            rng.below(2_000)
        };
        let end = match (disk, rng.below(10)) {
            (DiskPlan::LostSync, _) | (_, 0..4) => End::Power(1 + step),
            // An entry, and then the mark that it is synced: each second write is an entry.
            _ if rng.chance(0.25) => End::Torn("/metadata.log", 1 + 2 * rng.below(3)),
            _ if rng.chance(0.5) => End::Torn("/segment-", 1 + rng.below(80)),
            (_, 6..8) => End::Kill(1 + step),
            (_, 8) => End::Stop,
            _ => End::StopAndPower,
        };
        Plan {
            disk,
            jump_micros,
            jumps: rng.chance(0.3),
            // A frame that a power failure tears is longer than a sector.
            is_heavy: match (disk, end) {
                (DiskPlan::Full, _) | (_, End::Torn("/segment-", _)) => rng.chance(0.5),
                _ => rng.chance(0.1),
            },
            steps: 20 + rng.below(if disk == DiskPlan::Full { 160 } else { 60 }),
            end,
        }
    }

    /// Whether statements may fail in this life, and the node not start.
    pub fn may_fail(&self) -> bool {
        !matches!(self.disk, DiskPlan::Sound | DiskPlan::Cold)
    }

    /// Prepares disk and clock.
    pub fn begin(&self, disk: &Disk, clock: &Clock, rng: &mut Rng) {
        clock.jump_micros(self.jump_micros);
        match self.end {
            End::Power(step) => disk.power_failure_at(step),
            End::Torn(files, count) => disk.power_failure_behind_write(files, count),
            End::Kill(step) => disk.kill_at(step),
            End::Stop | End::StopAndPower => {}
        }
        let faults = Faults::default();
        match self.disk {
            DiskPlan::Sound | DiskPlan::Slow(_) | DiskPlan::Full => {}
            DiskPlan::Cold => disk.set_faults(Faults {
                would_block: 0.9,
                ..faults
            }),
            DiskPlan::OneError(call) => disk.error_in(call),
            DiskPlan::Errors => disk.set_faults(Faults {
                read_error: 0.004,
                write_error: 0.004,
                ..faults
            }),
            DiskPlan::LostSync => disk.set_faults(Faults {
                sync_error: 0.5 / (1 + rng.below(300)) as f64,
                ..faults
            }),
        }
    }

    /// Ends what was prepared, and what became of the machine.
    pub fn end(&self, disk: &Disk) {
        let died = !disk.cancel_power_failure();
        disk.cancel_error();
        disk.set_faults(Faults::default());
        disk.set_sync_time(SYNC_TIME);
        disk.set_capacity_bytes(ROOM_BYTES);
        match self.end {
            End::Power(_) | End::Torn(..) if died => {}
            End::Power(_) | End::Torn(..) | End::StopAndPower => disk.power_failure(),
            End::Kill(_) | End::Stop => {}
        }
    }
}
