//! Whether this node can meet a consistency level for a keyspace.
//!
//! A cluster of one node has one replica of everything that is placed in its datacenter. A level
//! that needs more is refused before anything is done, as by any coordinator that sees too few
//! replicas alive.

use protocol::Consistency;
use protocol::error::Error as Wire;
use schema::{Keyspace, Replication};

/// The replicas of a keyspace: how many there should be, and which of them is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    total: u32,
    in_data_center: u32,
    is_local: bool,
}

impl Replicas {
    /// The replicas of `keyspace`, seen from a datacenter.
    pub fn of(keyspace: &Keyspace, data_center: &str) -> Self {
        let in_data_center = match &keyspace.replication {
            Replication::Network { factors } => factors.get(data_center).copied().unwrap_or(0),
            other => other.copies(),
        };
        Replicas {
            total: keyspace.replication.copies(),
            in_data_center,
            is_local: keyspace.replication == Replication::Local,
        }
    }

    /// Refuses a level for a read.
    pub fn check_read(&self, level: Consistency) -> Result<(), Wire> {
        match level {
            Consistency::Any => Err(Wire::Invalid(
                "ANY ConsistencyLevel is only supported for writes".into(),
            )),
            Consistency::Serial | Consistency::LocalSerial => Err(Wire::Invalid(
                "Reads at SERIAL and LOCAL_SERIAL are not supported yet".into(),
            )),
            level => self.check(level),
        }
    }

    /// Refuses a level for a write.
    pub fn check_write(&self, level: Consistency) -> Result<(), Wire> {
        match level {
            Consistency::Serial | Consistency::LocalSerial => Err(Wire::Invalid(
                "You must use conditional updates for serializable writes".into(),
            )),
            level => self.check(level),
        }
    }

    fn check(&self, level: Consistency) -> Result<(), Wire> {
        if self.is_local {
            return Ok(());
        }
        let quorum = |copies: u32| copies / 2 + 1;
        let required = match level {
            Consistency::Any => return Ok(()),
            Consistency::One | Consistency::LocalOne => 1,
            Consistency::Two => 2,
            Consistency::Three => 3,
            Consistency::Quorum => quorum(self.total),
            Consistency::LocalQuorum | Consistency::EachQuorum => quorum(self.in_data_center),
            Consistency::All => self.total,
            Consistency::Serial | Consistency::LocalSerial => 1,
        };
        let alive = self.in_data_center.min(1);
        if required <= alive {
            return Ok(());
        }
        Err(Wire::Unavailable {
            consistency: level,
            required: required as i32,
            alive: alive as i32,
        })
    }
}
