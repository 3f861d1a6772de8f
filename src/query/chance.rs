//! The node's source of UUIDs for `uuid()`, `now()` and list elements.
//!
//! Time UUIDs carry a node identifier drawn once and count up: no two calls on one node give the
//! same, and later calls give later times, however fast they come or the wall clock moves.

use std::sync::atomic::{AtomicU64, Ordering};

use base::env::{Env, Rng};
use parking_lot::Mutex;
use types::value::uuid;

use crate::bind::Chance;

/// Draws from the environment's randomness.
pub struct NodeChance {
    rng: Mutex<Rng>,
    node: [u8; 6],
    clock_sequence: u16,
    last_ticks: AtomicU64,
}

/// Ticks of a time UUID in a microsecond.
const TICKS_PER_MICRO: i64 = 10;

impl NodeChance {
    /// A source of its own for one node.
    pub fn new(env: &Env) -> Self {
        let mut rng = env.rng("query uuids");
        let bytes = rng.next_u64().to_be_bytes();
        let mut node = [0; 6];
        node.copy_from_slice(&bytes[..6]);
        // The multicast bit says that this is no network card's address (RFC 9562, section 6.10).
        node[0] |= 1;
        let clock_sequence = u16::from_be_bytes([bytes[6], bytes[7]]) & 0x3fff;
        NodeChance {
            rng: Mutex::new(rng),
            node,
            clock_sequence,
            last_ticks: AtomicU64::new(0),
        }
    }

    /// The next tick at or after this wall time.
    fn tick(&self, wall_micros: i64) -> u64 {
        let now = uuid::ticks_of_micros(wall_micros).unwrap_or_default();
        let mut last = self.last_ticks.load(Ordering::Relaxed);
        loop {
            let next = now.max(last + 1);
            match self.last_ticks.compare_exchange_weak(
                last,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return next,
                Err(other) => last = other,
            }
        }
    }
}

impl Chance for NodeChance {
    fn sixteen(&self) -> [u8; 16] {
        let mut rng = self.rng.lock();
        let (high, low) = (rng.next_u64(), rng.next_u64());
        (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
    }

    fn time_uuid(&self, wall_micros: i64) -> [u8; 16] {
        debug_assert!(wall_micros.checked_mul(TICKS_PER_MICRO).is_some());
        *uuid::version1(self.tick(wall_micros), self.clock_sequence, self.node).as_bytes()
    }
}
