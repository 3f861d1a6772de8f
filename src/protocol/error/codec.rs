//! The body of an ERROR: `[int]` code, `[string]` message, then:
//!
//! | Code | Fields |
//! |---|---|
//! | 0x1000 UNAVAILABLE | `[short]` consistency, `[int]` required, `[int]` alive |
//! | 0x1100 WRITE_TIMEOUT | `[short]` consistency, `[int]` received, `[int]` required, `[string]` write type, v5 and CAS: `[short]` contentions |
//! | 0x1200 READ_TIMEOUT | `[short]` consistency, `[int]` received, `[int]` required, `[byte]` data present |
//! | 0x1300 READ_FAILURE | `[short]` consistency, `[int]` received, `[int]` required, failures, `[byte]` data present |
//! | 0x1400 FUNCTION_FAILURE | `[string]` keyspace, `[string]` function, `[string list]` argument types |
//! | 0x1500 WRITE_FAILURE | `[short]` consistency, `[int]` received, `[int]` required, failures, `[string]` write type |
//! | 0x1700 CAS_WRITE_UNKNOWN | `[short]` consistency, `[int]` received, `[int]` required |
//! | 0x2400 ALREADY_EXISTS | `[string]` keyspace, `[string]` table |
//! | 0x2500 UNPREPARED | `[short bytes]` id |
//!
//! Failures are `[int]` n on v4, and on v5 `[int]` n, then n times `[inetaddr]`, `[short]` reason.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::{Error, FailureReason, Failures, WriteType};
use crate::consistency::Consistency;
use crate::version::Version;
use crate::wire::{self, Malformed, Reader};

impl Error {
    /// Writes the body of an ERROR.
    pub fn encode(&self, version: Version, out: &mut BytesMut) {
        let error = self.for_version(version);
        error.encode_with_message(&error.to_string(), version, out);
    }

    /// Writes the body of an ERROR in other words than `Display`'s, as a proxy or a test would.
    pub fn encode_with_message(&self, message: &str, version: Version, out: &mut BytesMut) {
        let error = self.for_version(version);
        out.put_i32(error.code());
        wire::put_string(out, message);
        error.encode_fields(version, out);
    }

    /// v4 does not know the unknown outcome: a client treats a timeout of a conditional write the same way.
    fn for_version(&self, version: Version) -> Cow<'_, Error> {
        match self {
            &Error::CasWriteUnknown {
                consistency,
                received,
                required,
            } if version == Version::V4 => {
                let write_type = WriteType::Cas;
                Cow::Owned(Error::WriteTimeout {
                    consistency,
                    received,
                    required,
                    write_type,
                    contentions: 0,
                })
            }
            _ => Cow::Borrowed(self),
        }
    }

    fn encode_fields(&self, version: Version, out: &mut BytesMut) {
        match self {
            Error::Unavailable {
                consistency,
                required,
                alive,
            } => put_counts(out, *consistency, *required, *alive),
            Error::WriteTimeout {
                consistency,
                received,
                required,
                write_type,
                contentions,
            } => {
                put_counts(out, *consistency, *received, *required);
                wire::put_string(out, write_type.name());
                if *write_type == WriteType::Cas && version == Version::V5 {
                    out.put_u16(*contentions);
                }
            }
            Error::ReadTimeout {
                consistency,
                received,
                required,
                data_present,
            } => {
                put_counts(out, *consistency, *received, *required);
                out.put_u8(u8::from(*data_present));
            }
            Error::ReadFailure {
                consistency,
                received,
                required,
                failures,
                data_present,
            } => {
                put_counts(out, *consistency, *received, *required);
                put_failures(out, failures, version);
                out.put_u8(u8::from(*data_present));
            }
            Error::WriteFailure {
                consistency,
                received,
                required,
                failures,
                write_type,
            } => {
                put_counts(out, *consistency, *received, *required);
                put_failures(out, failures, version);
                wire::put_string(out, write_type.name());
            }
            Error::FunctionFailure {
                keyspace,
                function,
                arguments,
                ..
            } => {
                wire::put_string(out, keyspace);
                wire::put_string(out, function);
                wire::put_string_list(out, arguments);
            }
            Error::CasWriteUnknown {
                consistency,
                received,
                required,
            } => put_counts(out, *consistency, *received, *required),
            Error::AlreadyExists { keyspace, table } => {
                wire::put_string(out, keyspace);
                wire::put_string(out, table);
            }
            Error::Unprepared { id } => wire::put_short_bytes(out, id),
            Error::Server(_)
            | Error::Protocol(_)
            | Error::BadCredentials(_)
            | Error::Overloaded(_)
            | Error::IsBootstrapping(_)
            | Error::Truncate(_)
            | Error::CdcWriteFailure(_)
            | Error::Syntax(_)
            | Error::Unauthorized(_)
            | Error::Invalid(_)
            | Error::Config(_) => {}
        }
    }

    /// Reads the body of an ERROR: the error, and the message in the server's words.
    pub fn decode<'a>(
        reader: &mut Reader<'a>,
        version: Version,
    ) -> Result<(Error, &'a str), Malformed> {
        let code = reader.int("the error code")?;
        let message = reader.string("the error message")?;
        let error = match code {
            0x1000 => {
                let (consistency, required, alive) = counts(reader)?;
                Error::Unavailable {
                    consistency,
                    required,
                    alive,
                }
            }
            0x1100 => write_timeout(reader, version)?,
            0x1200 => {
                let (consistency, received, required) = counts(reader)?;
                Error::ReadTimeout {
                    consistency,
                    received,
                    required,
                    data_present: flag(reader)?,
                }
            }
            0x1300 => {
                let (consistency, received, required) = counts(reader)?;
                let failures = failures(reader, version)?;
                Error::ReadFailure {
                    consistency,
                    received,
                    required,
                    failures,
                    data_present: flag(reader)?,
                }
            }
            0x1400 => function_failure(reader, message)?,
            0x1500 => {
                let (consistency, received, required) = counts(reader)?;
                let failures = failures(reader, version)?;
                Error::WriteFailure {
                    consistency,
                    received,
                    required,
                    failures,
                    write_type: write_type(reader)?,
                }
            }
            0x1700 => {
                let (consistency, received, required) = counts(reader)?;
                Error::CasWriteUnknown {
                    consistency,
                    received,
                    required,
                }
            }
            0x2400 => Error::AlreadyExists {
                keyspace: reader.string("the keyspace's name")?.to_owned(),
                table: reader.string("the table's name")?.to_owned(),
            },
            0x2500 => Error::Unprepared {
                id: reader.short_bytes("the statement's id")?.to_vec(),
            },
            _ => of_message(code, message.to_owned())?,
        };
        Ok((error, message))
    }
}

/// The errors that are a message and nothing else.
fn of_message(code: i32, message: String) -> Result<Error, Malformed> {
    Ok(match code {
        0x0000 => Error::Server(message),
        0x000A => Error::Protocol(message),
        0x0100 => Error::BadCredentials(message),
        0x1001 => Error::Overloaded(message),
        0x1002 => Error::IsBootstrapping(message),
        0x1003 => Error::Truncate(message),
        0x1600 => Error::CdcWriteFailure(message),
        0x2000 => Error::Syntax(message),
        0x2100 => Error::Unauthorized(message),
        0x2200 => Error::Invalid(message),
        0x2300 => Error::Config(message),
        _ => {
            return Err(Malformed::new(format!(
                "Unknown error code {code:#06x}: {message}"
            )));
        }
    })
}

fn write_timeout(reader: &mut Reader<'_>, version: Version) -> Result<Error, Malformed> {
    let (consistency, received, required) = counts(reader)?;
    let write_type = write_type(reader)?;
    let contentions = if write_type == WriteType::Cas && version == Version::V5 {
        reader.short("the contentions")?
    } else {
        0
    };
    Ok(Error::WriteTimeout {
        consistency,
        received,
        required,
        write_type,
        contentions,
    })
}

fn function_failure(reader: &mut Reader<'_>, message: &str) -> Result<Error, Malformed> {
    let keyspace = reader.string("the keyspace's name")?.to_owned();
    let function = reader.string("the function's name")?.to_owned();
    let arguments = reader
        .string_list("the argument types")?
        .into_iter()
        .map(str::to_owned)
        .collect();
    let reason = message
        .split_once(" failed: ")
        .map_or(message, |(_, reason)| reason)
        .to_owned();
    Ok(Error::FunctionFailure {
        keyspace,
        function,
        arguments,
        reason,
    })
}

fn put_counts(out: &mut BytesMut, consistency: Consistency, first: i32, second: i32) {
    out.put_u16(consistency.code());
    out.put_i32(first);
    out.put_i32(second);
}

fn counts(reader: &mut Reader<'_>) -> Result<(Consistency, i32, i32), Malformed> {
    let consistency = Consistency::from_code(reader.short("the consistency level")?)?;
    Ok((
        consistency,
        reader.int("the replicas that answered")?,
        reader.int("the replicas needed")?,
    ))
}

fn put_failures(out: &mut BytesMut, failures: &Failures, version: Version) {
    match (version, failures) {
        (Version::V4, failures) => out.put_i32(failures.count()),
        // A count without addresses cannot be told on v5.
        (Version::V5, Failures::Count(_)) => out.put_i32(0),
        (Version::V5, Failures::Reasons(reasons)) => {
            out.put_i32(failures.count());
            for (address, reason) in reasons {
                wire::put_inet_address(out, *address);
                out.put_u16(reason.code());
            }
        }
    }
}

fn failures(reader: &mut Reader<'_>, version: Version) -> Result<Failures, Malformed> {
    let count = reader.int("the failures")?;
    if version == Version::V4 {
        return Ok(Failures::Count(count));
    }
    let count = usize::try_from(count)
        .map_err(|_| Malformed::new(format!("Invalid number of failures {count}")))?;
    let mut reasons = Vec::with_capacity(reader.count_within(count, 7, "the failures")?);
    for _ in 0..count {
        let address = reader.inet_address("the address that failed")?;
        reasons.push((
            address,
            FailureReason::from_code(reader.short("the reason")?),
        ));
    }
    Ok(Failures::Reasons(reasons))
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    Ok(reader.byte("the data present flag")? != 0)
}

fn write_type(reader: &mut Reader<'_>) -> Result<WriteType, Malformed> {
    WriteType::from_name(reader.string("the write type")?)
}
