//! Consistency levels: how many replicas must answer before a client does.
//!
//! On the wire a level is a `[short]`. Which levels a statement may use is the business of `query` and `coordinator`; this file
//! only knows their codes and names.

use std::fmt;
use std::str::FromStr;

use crate::wire::Malformed;

/// A consistency level, with its wire code as discriminant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Consistency {
    /// Any replica, or a hint (writes only).
    Any = 0x0000,
    /// One replica.
    One = 0x0001,
    /// Two replicas.
    Two = 0x0002,
    /// Three replicas.
    Three = 0x0003,
    /// A majority of all replicas.
    Quorum = 0x0004,
    /// Every replica.
    All = 0x0005,
    /// A majority of the replicas in the coordinator's datacenter.
    LocalQuorum = 0x0006,
    /// A majority of the replicas in every datacenter.
    EachQuorum = 0x0007,
    /// Linearizable, over all datacenters.
    Serial = 0x0008,
    /// Linearizable, within the coordinator's datacenter.
    LocalSerial = 0x0009,
    /// One replica in the coordinator's datacenter.
    LocalOne = 0x000A,
}

impl Consistency {
    /// Every level, in the order of the wire codes.
    pub const ALL_LEVELS: [Consistency; 11] = [
        Consistency::Any,
        Consistency::One,
        Consistency::Two,
        Consistency::Three,
        Consistency::Quorum,
        Consistency::All,
        Consistency::LocalQuorum,
        Consistency::EachQuorum,
        Consistency::Serial,
        Consistency::LocalSerial,
        Consistency::LocalOne,
    ];

    /// The wire code.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The level of a wire code.
    pub fn from_code(code: u16) -> Result<Consistency, Malformed> {
        Self::ALL_LEVELS
            .get(usize::from(code))
            .copied()
            .ok_or_else(|| Malformed::new(format!("Unknown code {code} for a consistency level")))
    }

    /// Whether the level is one of the two linearizable ones.
    pub fn is_serial(self) -> bool {
        matches!(self, Consistency::Serial | Consistency::LocalSerial)
    }

    /// The name that clients show, such as `LOCAL_QUORUM`.
    pub fn name(self) -> &'static str {
        match self {
            Consistency::Any => "ANY",
            Consistency::One => "ONE",
            Consistency::Two => "TWO",
            Consistency::Three => "THREE",
            Consistency::Quorum => "QUORUM",
            Consistency::All => "ALL",
            Consistency::LocalQuorum => "LOCAL_QUORUM",
            Consistency::EachQuorum => "EACH_QUORUM",
            Consistency::Serial => "SERIAL",
            Consistency::LocalSerial => "LOCAL_SERIAL",
            Consistency::LocalOne => "LOCAL_ONE",
        }
    }
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Consistency {
    type Err = Malformed;

    fn from_str(name: &str) -> Result<Consistency, Malformed> {
        Self::ALL_LEVELS
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| Malformed::new(format!("Unknown consistency level {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_reversible() {
        for (index, level) in Consistency::ALL_LEVELS.into_iter().enumerate() {
            assert_eq!(usize::from(level.code()), index);
            assert_eq!(Consistency::from_code(level.code()), Ok(level));
            assert_eq!(level.name().to_lowercase().parse(), Ok(level));
        }
    }

    #[test]
    fn unknown_code_is_named() {
        let error = Consistency::from_code(11).unwrap_err();
        assert_eq!(error.to_string(), "Unknown code 11 for a consistency level");
        assert!("NODE_LOCAL".parse::<Consistency>().is_err());
    }
}
