//! STARTUP: a map of options, of which the server must understand two.
//!
//! `CQL_VERSION` must be there and at least 3. `COMPRESSION` names a codec that the protocol version offers. All other keys are
//! kept as they are, for whoever lists clients; none is refused.

use crate::compress::Compression;
use crate::error::Error;
use crate::version::Version;
use crate::wire::{Malformed, Reader};

/// The options with which a client opens a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Startup<'a> {
    options: Vec<(&'a str, &'a str)>,
}

impl<'a> Startup<'a> {
    /// These options.
    pub fn new(options: Vec<(&'a str, &'a str)>) -> Startup<'a> {
        Startup { options }
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Startup<'a>, Malformed> {
        Ok(Startup {
            options: reader.string_map("the options")?,
        })
    }

    /// All options in the order of the wire.
    pub fn options(&self) -> &[(&'a str, &'a str)] {
        &self.options
    }

    /// The option of this key, which counts in any case.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.options
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| *value)
    }

    /// Checks the options, and says which compression they ask for.
    pub fn compression(&self, version: Version) -> Result<Option<Compression>, Error> {
        self.check_cql_version()?;
        let Some(name) = self.get("COMPRESSION").filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let compression = Compression::from_name(name)
            .ok_or_else(|| Error::Protocol(format!("Unknown compression algorithm: {name}")))?;
        if compression == Compression::Snappy && version == Version::V5 {
            return Err(Error::Protocol(
                "Snappy compression is not supported in protocol V5".to_owned(),
            ));
        }
        Ok(Some(compression))
    }

    /// Whether the client wants OVERLOADED as an error instead of waiting.
    pub fn throws_on_overload(&self) -> bool {
        self.get("THROW_ON_OVERLOAD") == Some("1")
    }

    fn check_cql_version(&self) -> Result<(), Error> {
        let Some(version) = self.get("CQL_VERSION") else {
            return Err(Error::Protocol(
                "Missing value CQL_VERSION in STARTUP message".to_owned(),
            ));
        };
        match version.split('.').next().map(str::parse::<u32>) {
            Some(Ok(3..)) => Ok(()),
            _ => Err(Error::Protocol(format!(
                "CQL version {version} is not supported by the binary protocol (supported version are >= 3.0.0)"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_checked() {
        let check = |options: &[(&'static str, &'static str)],
                     version,
                     expected: Result<Option<Compression>, &str>| {
            let found = Startup::new(options.to_vec())
                .compression(version)
                .map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{options:?}");
        };
        check(&[("CQL_VERSION", "3.4.7")], Version::V5, Ok(None));
        check(
            &[("cql_version", "3.0.0"), ("COMPRESSION", "LZ4")],
            Version::V5,
            Ok(Some(Compression::Lz4)),
        );
        check(
            &[("CQL_VERSION", "3.0.0"), ("compression", "snappy")],
            Version::V4,
            Ok(Some(Compression::Snappy)),
        );
        check(
            &[],
            Version::V4,
            Err("Missing value CQL_VERSION in STARTUP message"),
        );
        check(
            &[("CQL_VERSION", "2.0.0")],
            Version::V4,
            Err(
                "CQL version 2.0.0 is not supported by the binary protocol (supported version are >= 3.0.0)",
            ),
        );
        check(
            &[("CQL_VERSION", "3.0.0"), ("COMPRESSION", "snappy")],
            Version::V5,
            Err("Snappy compression is not supported in protocol V5"),
        );
        check(
            &[("CQL_VERSION", "3.0.0"), ("COMPRESSION", "zip")],
            Version::V4,
            Err("Unknown compression algorithm: zip"),
        );
    }
}
