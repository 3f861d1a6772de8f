//! STARTUP: a map of options, of which the server must understand two.
//!
//! `CQL_VERSION` must be there, a version, and at least 3. `COMPRESSION` names a codec that the protocol version offers. All other keys are
//! kept as they are, for whoever lists clients; none is refused. Of a key that comes twice the last one counts.

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
            .rfind(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| *value)
    }

    /// Checks the options, and says which compression they ask for.
    pub fn compression(&self, version: Version) -> Result<Option<Compression>, Error> {
        self.check_cql_version()?;
        let Some(name) = self.get("COMPRESSION") else {
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
        let Some(major) = major_version(version) else {
            return Err(Error::Protocol(format!("Invalid version value: {version}")));
        };
        if major < 3 {
            return Err(Error::Protocol(format!(
                "CQL version {version} is not supported by the binary protocol (supported version are >= 3.0.0)"
            )));
        }
        Ok(())
    }
}

/// The first number of a version such as `3.0`, `3.4.7` or `3.4.7-SNAPSHOT`; none if it is no version.
fn major_version(version: &str) -> Option<u32> {
    let numbers = version
        .split_once('-')
        .map_or(version, |(numbers, _)| numbers);
    let mut numbers = numbers.split('.').map(|number| {
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| number.parse::<u32>().ok()).flatten()
    });
    let major = numbers.next()??;
    let mut rest = numbers.peekable();
    rest.peek()?;
    rest.all(|number| number.is_some()).then_some(major)
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
        for version in ["3.0", "3.99.0", "4.0.0", "03.0.0", "3.0.0-x", "3.0.0.0"] {
            check(&[("CQL_VERSION", version)], Version::V4, Ok(None));
        }
        check(
            &[("CQL_VERSION", "3")],
            Version::V4,
            Err("Invalid version value: 3"),
        );
        check(
            &[("CQL_VERSION", "")],
            Version::V4,
            Err("Invalid version value: "),
        );
        check(
            &[("CQL_VERSION", "3.x")],
            Version::V4,
            Err("Invalid version value: 3.x"),
        );
        check(
            &[("CQL_VERSION", " 3.0.0")],
            Version::V4,
            Err("Invalid version value:  3.0.0"),
        );
        check(
            &[("CQL_VERSION", "99999999999.0.0")],
            Version::V4,
            Err("Invalid version value: 99999999999.0.0"),
        );
        check(
            &[("CQL_VERSION", "2.0.0"), ("CQL_VERSION", "3.0.0")],
            Version::V4,
            Ok(None),
        );
        check(
            &[("CQL_VERSION", "3.0.0"), ("COMPRESSION", "")],
            Version::V4,
            Err("Unknown compression algorithm: "),
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
