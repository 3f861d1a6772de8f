//! What clients ask: the bodies of the eight request opcodes, read and written.
//!
//! - A decoded request borrows from the envelope's body. Bound values are walked once to check them and handed out as an iterator,
//!   so binding a hundred columns allocates nothing.
//! - Every count is bounded by the bytes that follow it. A body that breaks the protocol is `Error::Protocol` for its stream.
//! - Bytes after a message's end are ignored, as Cassandra does.
//! - A `CUSTOM_PAYLOAD` in front of the body is skipped: no handler here defines one.
//!
//! | Opcode | Body |
//! |---|---|
//! | STARTUP | `[string map]` options |
//! | OPTIONS | empty |
//! | REGISTER | `[string list]` event kinds |
//! | AUTH_RESPONSE | `[bytes]` token |
//! | QUERY | `[long string]` text, parameters |
//! | PREPARE | `[long string]` text; v5: `[int]` flags, `[string]` keyspace if flag 0x01 |
//! | EXECUTE | `[short bytes]` id; v5: `[short bytes]` result metadata id; parameters |
//! | BATCH | see `batch` |

mod batch;
mod parameters;
mod startup;
#[cfg(test)]
mod tests;
mod values;

use bytes::{BufMut, BytesMut};

pub use self::batch::{
    Batch, BatchBuilder, BatchKind, BatchQuery, BatchStatement, BatchStatements,
    BatchStatementsIter,
};
pub use self::parameters::Parameters;
pub use self::startup::Startup;
pub use self::values::{Bindings, NamedValues, Values, ValuesIter};
pub use crate::wire::Value;

use crate::error::Error;
use crate::event;
use crate::frame::{self, Opcode};
use crate::version::Version;
use crate::wire::{self, Malformed, Reader};

/// A request of a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Request<'a> {
    /// Opens a connection.
    Startup(Startup<'a>),
    /// Asks what is supported, or whether anybody is there.
    Options,
    /// Asks for events.
    Register(Vec<event::Kind>),
    /// A step of authentication: the client's token.
    AuthResponse(Option<&'a [u8]>),
    /// Executes a text.
    Query(Query<'a>),
    /// Prepares a text.
    Prepare(Prepare<'a>),
    /// Executes what was prepared.
    Execute(Execute<'a>),
    /// Executes several at once.
    Batch(Batch<'a>),
}

/// QUERY: one statement as text.
#[derive(Debug, Clone, PartialEq)]
pub struct Query<'a> {
    /// The statement.
    pub text: &'a str,
    /// How to execute it, and with which values.
    pub parameters: Parameters<'a>,
}

/// PREPARE: one statement as text, to be executed later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepare<'a> {
    /// The statement.
    pub text: &'a str,
    /// The keyspace of its unqualified names (v5).
    pub keyspace: Option<&'a str>,
}

/// EXECUTE: a prepared statement with values.
#[derive(Debug, Clone, PartialEq)]
pub struct Execute<'a> {
    /// The id that PREPARED gave.
    pub id: &'a [u8],
    /// The result metadata that the client holds (v5).
    pub result_metadata_id: Option<&'a [u8]>,
    /// How to execute it, and with which values.
    pub parameters: Parameters<'a>,
}

const PREPARE_WITH_KEYSPACE: i32 = 0x01;

impl Request<'_> {
    /// The opcode of the request.
    pub fn opcode(&self) -> Opcode {
        match self {
            Request::Startup(_) => Opcode::Startup,
            Request::Options => Opcode::Options,
            Request::Register(_) => Opcode::Register,
            Request::AuthResponse(_) => Opcode::AuthResponse,
            Request::Query(_) => Opcode::Query,
            Request::Prepare(_) => Opcode::Prepare,
            Request::Execute(_) => Opcode::Execute,
            Request::Batch(_) => Opcode::Batch,
        }
    }

    /// Appends a whole envelope with this request.
    pub fn encode(&self, version: Version, flags: u8, stream: i16, out: &mut BytesMut) {
        let envelope = frame::begin(
            out,
            frame::Direction::Request,
            version,
            flags,
            stream,
            self.opcode(),
        );
        self.encode_body(version, out);
        frame::finish(out, envelope);
    }

    /// Appends the body of this request.
    pub fn encode_body(&self, version: Version, out: &mut BytesMut) {
        match self {
            Request::Startup(startup) => wire::put_string_map(out, startup.options()),
            Request::Options => {}
            Request::Register(kinds) => {
                let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
                wire::put_string_list(out, &names);
            }
            Request::AuthResponse(token) => wire::put_bytes(out, *token),
            Request::Query(query) => {
                wire::put_long_string(out, query.text);
                query.parameters.encode(version, out);
            }
            Request::Prepare(prepare) => encode_prepare(prepare, version, out),
            Request::Execute(execute) => {
                wire::put_short_bytes(out, execute.id);
                if version == Version::V5 {
                    wire::put_short_bytes(out, execute.result_metadata_id.unwrap_or_default());
                }
                execute.parameters.encode(version, out);
            }
            Request::Batch(batch) => batch.encode(version, out),
        }
    }
}

/// Reads the body of a request envelope with these flags.
pub fn decode<'a>(
    version: Version,
    flags: u8,
    opcode: Opcode,
    body: &'a [u8],
) -> Result<Request<'a>, Error> {
    let mut reader = Reader::new(body);
    if flags & frame::flags::CUSTOM_PAYLOAD != 0 {
        reader.skip_bytes_map("the custom payload")?;
    }
    Ok(match opcode {
        Opcode::Startup => Request::Startup(Startup::decode(&mut reader)?),
        Opcode::Options => Request::Options,
        Opcode::Register => Request::Register(register(&mut reader)?),
        Opcode::AuthResponse => Request::AuthResponse(reader.bytes("the authentication token")?),
        Opcode::Query => Request::Query(Query {
            text: reader.long_string("the query")?,
            parameters: Parameters::decode(version, &mut reader)?,
        }),
        Opcode::Prepare => Request::Prepare(prepare(version, &mut reader)?),
        Opcode::Execute => Request::Execute(execute(version, &mut reader)?),
        Opcode::Batch => Request::Batch(Batch::decode(version, &mut reader)?),
        response => return Err(frame::wrong_direction(response, frame::Direction::Request)),
    })
}

fn register(reader: &mut Reader<'_>) -> Result<Vec<event::Kind>, Malformed> {
    reader
        .string_list("the event types")?
        .into_iter()
        .map(event::Kind::from_name)
        .collect()
}

fn prepare<'a>(version: Version, reader: &mut Reader<'a>) -> Result<Prepare<'a>, Malformed> {
    let text = reader.long_string("the query")?;
    let flags = if version == Version::V5 {
        reader.int("the prepare flags")?
    } else {
        0
    };
    let keyspace = if flags & PREPARE_WITH_KEYSPACE != 0 {
        Some(reader.string("the keyspace")?)
    } else {
        None
    };
    Ok(Prepare { text, keyspace })
}

fn encode_prepare(prepare: &Prepare<'_>, version: Version, out: &mut BytesMut) {
    wire::put_long_string(out, prepare.text);
    if version == Version::V5 {
        out.put_i32(if prepare.keyspace.is_some() {
            PREPARE_WITH_KEYSPACE
        } else {
            0
        });
        if let Some(keyspace) = prepare.keyspace {
            wire::put_string(out, keyspace);
        }
    }
}

fn execute<'a>(version: Version, reader: &mut Reader<'a>) -> Result<Execute<'a>, Malformed> {
    let id = reader.short_bytes("the statement's id")?;
    let result_metadata_id = match version {
        Version::V5 => Some(reader.short_bytes("the result metadata's id")?),
        Version::V4 => None,
    };
    Ok(Execute {
        id,
        result_metadata_id,
        parameters: Parameters::decode(version, reader)?,
    })
}
