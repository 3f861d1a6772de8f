//! What a node of a cluster keeps from one life to the next, and how a life starts.

use std::net::IpAddr;
use std::time::Duration;

use base::env::Env;
use parking_lot::Mutex;

use super::driver::Host;
use super::links::Lines;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::node::{Life, Node, Parts};
use crate::properties::Properties;
use crate::trace::Trace;

/// What a node keeps over its lives.
pub(super) struct Machine {
    pub(super) seed: u64,
    pub(super) number: u32,
    pub(super) address: IpAddr,
    pub(super) disk: Disk,
    pub(super) clock: Clock,
    pub(super) trace: Trace,
    pub(super) properties: Properties,
    pub(super) lines: Lines,
    pub(super) state: Mutex<Lives>,
}

#[derive(Default)]
pub(super) struct Lives {
    pub(super) count: u64,
    pub(super) current: Option<Life>,
    /// Virtual time of the last step. A host is started between steps, when turmoil cannot tell.
    pub(super) now: Duration,
}

impl Machine {
    /// Starts a life: mounts the disk as it is.
    pub(super) fn start(&self) -> (Env, Life) {
        let mut state = self.state.lock();
        state.count += 1;
        let (env, life) = Node::start(Parts {
            seed: self.seed,
            number: self.number,
            life: state.count,
            disk: self.disk.clone(),
            clock: self.clock.clone(),
            trace: self.trace.clone(),
            properties: self.properties.clone(),
            strict: true,
            driver: Host::new(self.address, self.lines.clone(), state.now),
        });
        state.current = Some(life.clone());
        (env, life)
    }

    /// Whether its power failed by itself, at a step that was set.
    pub(super) fn has_lost_power(&self) -> bool {
        self.state
            .lock()
            .current
            .as_ref()
            .is_some_and(|life| !life.is_alive())
    }

    pub(super) fn stop(&self) {
        self.state.lock().current = None;
    }
}
