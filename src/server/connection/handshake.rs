//! Which messages a connection takes, and what STARTUP changes.
//!
//! 1. *Opening*: OPTIONS at any time; STARTUP opens; everything else is refused in Cassandra's words, and the client may go on.
//! 2. *Ready*: everything but STARTUP and AUTH_RESPONSE.
//!
//! Nobody is asked who they are, as with Cassandra's `AllowAllAuthenticator`: STARTUP is answered with READY at once. An
//! authenticator adds a stage between the two, in which only AUTH_RESPONSE is taken.

use protocol::Error;
use protocol::compress::Compression;
use protocol::frame::Opcode;
use protocol::request::Startup;
use protocol::segment::Format;
use protocol::version::Version;

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stage {
    /// STARTUP is still to come.
    #[default]
    Opening,
    /// Statements are taken.
    Ready,
}

/// What both directions change to once READY is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrapping {
    /// Nothing: v4 without compression.
    Plain,
    /// v4 with compressed bodies.
    Bodies(Compression),
    /// v5.
    Segments(Format),
}

impl Stage {
    /// Whether a message may come now.
    pub(crate) fn admit(self, opcode: Opcode) -> Result<(), Error> {
        let text = match (self, opcode) {
            (_, Opcode::Options) | (Stage::Opening, Opcode::Startup) => return Ok(()),
            (Stage::Opening, _) => {
                format!(
                    "Unexpected message {}, expecting STARTUP or OPTIONS",
                    opcode.name()
                )
            }
            (Stage::Ready, Opcode::Startup | Opcode::AuthResponse) => format!(
                "Unexpected message {}, the connection is already initialized",
                opcode.name()
            ),
            (Stage::Ready, _) => return Ok(()),
        };
        Err(Error::Protocol(text))
    }
}

/// Checks STARTUP, and says how messages travel after it.
pub(crate) fn accept(startup: &Startup<'_>, version: Version) -> Result<Wrapping, Error> {
    Ok(match (version, startup.compression(version)?) {
        (Version::V4, None) => Wrapping::Plain,
        (Version::V4, Some(compression)) => Wrapping::Bodies(compression),
        (Version::V5, Some(Compression::Lz4)) => Wrapping::Segments(Format::Lz4),
        (Version::V5, _) => Wrapping::Segments(Format::Uncompressed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_takes_its_messages() {
        let check = |stage: Stage, opcode, expected: Result<(), &str>| {
            let found = stage.admit(opcode).map_err(|error| error.to_string());
            assert_eq!(
                found,
                expected.map_err(str::to_owned),
                "{stage:?} {opcode:?}"
            );
        };
        let refused = Err("Unexpected message QUERY, expecting STARTUP or OPTIONS");
        check(Stage::Opening, Opcode::Options, Ok(()));
        check(Stage::Opening, Opcode::Startup, Ok(()));
        check(Stage::Opening, Opcode::Query, refused);
        check(
            Stage::Opening,
            Opcode::Register,
            Err("Unexpected message REGISTER, expecting STARTUP or OPTIONS"),
        );
        for opcode in [
            Opcode::Options,
            Opcode::Query,
            Opcode::Register,
            Opcode::Batch,
        ] {
            check(Stage::Ready, opcode, Ok(()));
        }
        check(
            Stage::Ready,
            Opcode::Startup,
            Err("Unexpected message STARTUP, the connection is already initialized"),
        );
        check(
            Stage::Ready,
            Opcode::AuthResponse,
            Err("Unexpected message AUTH_RESPONSE, the connection is already initialized"),
        );
    }

    #[test]
    fn startup_chooses_how_messages_travel() {
        let check = |version,
                     compression: Option<&'static str>,
                     expected: Result<Wrapping, &str>| {
            let mut options = vec![("CQL_VERSION", "3.4.7")];
            options.extend(compression.map(|name| ("COMPRESSION", name)));
            let found = accept(&Startup::new(options), version).map_err(|error| error.to_string());
            assert_eq!(
                found,
                expected.map_err(str::to_owned),
                "{version} {compression:?}"
            );
        };
        check(Version::V4, None, Ok(Wrapping::Plain));
        check(
            Version::V4,
            Some("snappy"),
            Ok(Wrapping::Bodies(Compression::Snappy)),
        );
        check(
            Version::V4,
            Some("lz4"),
            Ok(Wrapping::Bodies(Compression::Lz4)),
        );
        check(
            Version::V5,
            None,
            Ok(Wrapping::Segments(Format::Uncompressed)),
        );
        check(
            Version::V5,
            Some("lz4"),
            Ok(Wrapping::Segments(Format::Lz4)),
        );
        check(
            Version::V5,
            Some("snappy"),
            Err("Snappy compression is not supported in protocol V5"),
        );
    }
}
