//! Everything an ERROR can say: wire codes with their fields, in one enum.
//!
//! An ERROR's body is `[int]` code, `[string]` message, then the fields of the code (`error/codec.rs` has the table). The message
//! is this enum's `Display`. Which failure of a lower layer becomes which variant is the table `query::error`.
//!
//! What the client does next decides the group: fix the request (`0x2xxx`), try again or elsewhere (`0x1xxx`), or give up the
//! connection (`0x0xxx`).

mod codec;

use std::fmt;
use std::net::IpAddr;

use crate::consistency::Consistency;
use crate::wire::Malformed;

/// An error as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 0x0000: something went wrong inside the server.
    #[error("{0}")]
    Server(String),
    /// 0x000A: the client broke the protocol.
    #[error("{0}")]
    Protocol(String),
    /// 0x0100: name or password is wrong.
    #[error("{0}")]
    BadCredentials(String),
    /// 0x1000: too few replicas are alive to try.
    #[error("Cannot achieve consistency level {consistency}")]
    Unavailable {
        /// The level asked for.
        consistency: Consistency,
        /// How many replicas it needs.
        required: i32,
        /// How many are alive.
        alive: i32,
    },
    /// 0x1001: the server has too much to do.
    #[error("{0}")]
    Overloaded(String),
    /// 0x1002: the node is still joining.
    #[error("{0}")]
    IsBootstrapping(String),
    /// 0x1003: TRUNCATE did not succeed.
    #[error("{0}")]
    Truncate(String),
    /// 0x1100: replicas were too slow to acknowledge a write; it may or may not be applied.
    #[error("{}", write_timeout(*received, *required, *write_type, *contentions))]
    WriteTimeout {
        /// The level asked for.
        consistency: Consistency,
        /// How many replicas acknowledged.
        received: i32,
        /// How many were needed.
        required: i32,
        /// What was written.
        write_type: WriteType,
        /// How often a conditional write was beaten by another; sent on v5 for `WriteType::Cas`.
        contentions: u16,
    },
    /// 0x1200: replicas were too slow to answer a read.
    #[error("Operation timed out - received only {received} responses.")]
    ReadTimeout {
        /// The level asked for.
        consistency: Consistency,
        /// How many replicas answered.
        received: i32,
        /// How many were needed.
        required: i32,
        /// Whether the replica asked for data was among them.
        data_present: bool,
    },
    /// 0x1300: replicas answered a read with failures.
    #[error("Operation failed - received {received} responses and {failures}")]
    ReadFailure {
        /// The level asked for.
        consistency: Consistency,
        /// How many replicas answered.
        received: i32,
        /// How many were needed.
        required: i32,
        /// Which failed, and why.
        failures: Failures,
        /// Whether the replica asked for data was among those that answered.
        data_present: bool,
    },
    /// 0x1400: a user-defined function failed.
    #[error("execution of '{keyspace}.{function}[{}]' failed: {reason}", arguments.join(", "))]
    FunctionFailure {
        /// The function's keyspace.
        keyspace: String,
        /// Its name.
        function: String,
        /// The CQL types of its arguments.
        arguments: Vec<String>,
        /// What went wrong; part of the message only.
        reason: String,
    },
    /// 0x1500: replicas answered a write with failures.
    #[error("Operation failed - received {received} responses and {failures}")]
    WriteFailure {
        /// The level asked for.
        consistency: Consistency,
        /// How many replicas acknowledged.
        received: i32,
        /// How many were needed.
        required: i32,
        /// Which failed, and why.
        failures: Failures,
        /// What was written.
        write_type: WriteType,
    },
    /// 0x1600: a write to a table with change capture was refused.
    #[error("{0}")]
    CdcWriteFailure(String),
    /// 0x1700: nobody knows whether a conditional write was applied. On v4 it is sent as a write timeout.
    #[error("CAS operation result is unknown - proposal accepted by {received} but not a quorum.")]
    CasWriteUnknown {
        /// The level asked for.
        consistency: Consistency,
        /// How many replicas accepted.
        received: i32,
        /// How many were needed.
        required: i32,
    },
    /// 0x2000: the statement does not parse.
    #[error("{0}")]
    Syntax(String),
    /// 0x2100: the role may not do that.
    #[error("{0}")]
    Unauthorized(String),
    /// 0x2200: the statement parses and cannot be carried out.
    #[error("{0}")]
    Invalid(String),
    /// 0x2300: an option's value is not acceptable.
    #[error("{0}")]
    Config(String),
    /// 0x2400: what should be created is there already.
    #[error("{}", already_exists(keyspace, table))]
    AlreadyExists {
        /// The keyspace, or the keyspace of the table.
        keyspace: String,
        /// The table; empty if it is the keyspace that exists.
        table: String,
    },
    /// 0x2500: no statement is prepared under this id; the client prepares it and tries again.
    #[error(
        "Prepared query with ID {} not found (either the query was not prepared on this host (maybe the host has been restarted?) or you have prepared too many queries and it has been evicted from the internal cache)",
        Hex(id)
    )]
    Unprepared {
        /// The unknown id.
        id: Vec<u8>,
    },
}

/// What kind of write timed out or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteType {
    /// One partition.
    Simple,
    /// A logged batch, after its log was written.
    Batch,
    /// An unlogged batch.
    UnloggedBatch,
    /// A counter update.
    Counter,
    /// The log of a logged batch.
    BatchLog,
    /// A conditional write.
    Cas,
    /// A materialized view's update.
    View,
    /// Change capture.
    Cdc,
}

/// Replicas that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failures {
    /// How many: all that v4 can say.
    Count(i32),
    /// Which and why. On v4 only their number is sent.
    Reasons(Vec<(IpAddr, FailureReason)>),
}

/// Why a replica failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// 0x0000
    Unknown,
    /// 0x0001: it met too many tombstones.
    ReadTooManyTombstones,
    /// 0x0002: it was too slow.
    Timeout,
    /// 0x0003: it cannot read what was asked.
    IncompatibleSchema,
    /// 0x0004: the answer would be too large.
    ReadSize,
    /// 0x0005: it was not up.
    NodeDown,
    /// 0x0006: the index is not built yet.
    IndexNotAvailable,
    /// 0x0007: the read met too many indexes.
    ReadTooManyIndexes,
    /// Any other code.
    Other(u16),
}

impl Error {
    /// The error for a request whose body, as it came or decompressed, is longer than the limit.
    pub fn too_big(length: usize, bytes_max: usize) -> Error {
        Error::Invalid(format!(
            "Request is too big: length {length} exceeds maximum allowed length {bytes_max}."
        ))
    }

    /// The wire code.
    pub fn code(&self) -> i32 {
        match self {
            Error::Server(_) => 0x0000,
            Error::Protocol(_) => 0x000A,
            Error::BadCredentials(_) => 0x0100,
            Error::Unavailable { .. } => 0x1000,
            Error::Overloaded(_) => 0x1001,
            Error::IsBootstrapping(_) => 0x1002,
            Error::Truncate(_) => 0x1003,
            Error::WriteTimeout { .. } => 0x1100,
            Error::ReadTimeout { .. } => 0x1200,
            Error::ReadFailure { .. } => 0x1300,
            Error::FunctionFailure { .. } => 0x1400,
            Error::WriteFailure { .. } => 0x1500,
            Error::CdcWriteFailure(_) => 0x1600,
            Error::CasWriteUnknown { .. } => 0x1700,
            Error::Syntax(_) => 0x2000,
            Error::Unauthorized(_) => 0x2100,
            Error::Invalid(_) => 0x2200,
            Error::Config(_) => 0x2300,
            Error::AlreadyExists { .. } => 0x2400,
            Error::Unprepared { .. } => 0x2500,
        }
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Error {
        Error::Protocol(malformed.into_text())
    }
}

impl WriteType {
    const ALL: [WriteType; 8] = [
        WriteType::Simple,
        WriteType::Batch,
        WriteType::UnloggedBatch,
        WriteType::Counter,
        WriteType::BatchLog,
        WriteType::Cas,
        WriteType::View,
        WriteType::Cdc,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            WriteType::Simple => "SIMPLE",
            WriteType::Batch => "BATCH",
            WriteType::UnloggedBatch => "UNLOGGED_BATCH",
            WriteType::Counter => "COUNTER",
            WriteType::BatchLog => "BATCH_LOG",
            WriteType::Cas => "CAS",
            WriteType::View => "VIEW",
            WriteType::Cdc => "CDC",
        }
    }

    fn from_name(name: &str) -> Result<WriteType, Malformed> {
        Self::ALL
            .into_iter()
            .find(|write_type| write_type.name() == name)
            .ok_or_else(|| Malformed::new(format!("Invalid value '{name}' for WriteType")))
    }
}

impl Failures {
    /// How many replicas failed.
    pub fn count(&self) -> i32 {
        match self {
            Failures::Count(count) => *count,
            Failures::Reasons(reasons) => i32::try_from(reasons.len()).unwrap_or(i32::MAX),
        }
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failures", self.count())?;
        let Failures::Reasons(reasons) = self else {
            return Ok(());
        };
        for (index, (address, reason)) in reasons.iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(f, "{separator}{} from {address}", reason.name())?;
        }
        Ok(())
    }
}

impl FailureReason {
    /// The wire code.
    pub fn code(self) -> u16 {
        match self {
            FailureReason::Unknown => 0,
            FailureReason::ReadTooManyTombstones => 1,
            FailureReason::Timeout => 2,
            FailureReason::IncompatibleSchema => 3,
            FailureReason::ReadSize => 4,
            FailureReason::NodeDown => 5,
            FailureReason::IndexNotAvailable => 6,
            FailureReason::ReadTooManyIndexes => 7,
            FailureReason::Other(code) => code,
        }
    }

    /// The reason of a wire code.
    pub fn from_code(code: u16) -> FailureReason {
        match code {
            0 => FailureReason::Unknown,
            1 => FailureReason::ReadTooManyTombstones,
            2 => FailureReason::Timeout,
            3 => FailureReason::IncompatibleSchema,
            4 => FailureReason::ReadSize,
            5 => FailureReason::NodeDown,
            6 => FailureReason::IndexNotAvailable,
            7 => FailureReason::ReadTooManyIndexes,
            other => FailureReason::Other(other),
        }
    }

    fn name(self) -> &'static str {
        match self {
            FailureReason::Unknown | FailureReason::Other(_) => "UNKNOWN",
            FailureReason::ReadTooManyTombstones => "READ_TOO_MANY_TOMBSTONES",
            FailureReason::Timeout => "TIMEOUT",
            FailureReason::IncompatibleSchema => "INCOMPATIBLE_SCHEMA",
            FailureReason::ReadSize => "READ_SIZE",
            FailureReason::NodeDown => "NODE_DOWN",
            FailureReason::IndexNotAvailable => "INDEX_NOT_AVAILABLE",
            FailureReason::ReadTooManyIndexes => "READ_TOO_MANY_INDEXES",
        }
    }
}

fn write_timeout(received: i32, required: i32, write_type: WriteType, contentions: u16) -> String {
    if write_type == WriteType::Cas {
        return format!(
            "CAS operation timed out: received {received} of {required} required responses after {contentions} contention retries"
        );
    }
    format!("Operation timed out - received only {received} responses.")
}

fn already_exists(keyspace: &str, table: &str) -> String {
    if table.is_empty() {
        return format!("Cannot add existing keyspace \"{keyspace}\"");
    }
    format!("Cannot add already existing table \"{table}\" to keyspace \"{keyspace}\"")
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
