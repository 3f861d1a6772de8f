//! One step of what the cluster agrees on, and its binary form as the log's entries hold it.
//!
//! | Field | Form |
//! |---|---|
//! | kind | 1 byte, the `INITIALIZE` .. constants; never reused |
//! | rest | the fields in their order, in the forms of a snapshot; a schema change as `schema` writes it |
//!
//! An entry of an unknown kind stops the log: it was written by a newer version, and skipping it would make this
//! node's state differ from all others'.

use base::bytes::{Reader, put_signed_varint, put_varint};
use model::{TableId, Timestamp};
use schema::{Change, DecodeError};
use types::Token;
use uuid::Uuid;

use crate::state::{self, Addresses, NodeNumber};

const INITIALIZE: u8 = 1;
const REGISTER_NODE: u8 = 2;
const UPDATE_NODE: u8 = 3;
const SCHEMA: u8 = 4;
const TRUNCATE: u8 = 5;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Transformation {
    /// Makes the cluster: always the first.
    Initialize {
        /// The cluster's identity.
        cluster_id: Uuid,
        /// The cluster's name.
        cluster_name: String,
    },
    /// Makes a node a member and gives it a number.
    RegisterNode(Registration),
    /// A node started, perhaps at other addresses.
    UpdateNode {
        /// The node.
        number: NodeNumber,
        /// Where it is reached now.
        addresses: Addresses,
        /// Its new run.
        boot: Boot,
        /// The version of the server it runs.
        version: String,
    },
    /// Changes the schema.
    Schema(Change),
    /// Empties a table.
    Truncate {
        /// The table.
        table: TableId,
        /// When: what a node has by the time it carries this out is gone, and so is what was first written before.
        at: Timestamp,
    },
}

/// A node that wants to be a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its identity.
    pub host_id: Uuid,
    /// Where it is reached.
    pub addresses: Addresses,
    /// Its datacenter.
    pub data_center: String,
    /// Its rack.
    pub rack: String,
    /// Its places on the ring.
    pub tokens: Vec<Token>,
    /// Its first run.
    pub boot: Boot,
    /// The version of the server it runs.
    pub version: String,
}

/// One run of a node, from start to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Boot {
    /// How often the node was started, this run included.
    pub count: u64,
    /// A random number, so that two runs of one count can be told apart.
    pub nonce: u64,
}

impl Transformation {
    /// Appends the binary form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Transformation::Initialize {
                cluster_id,
                cluster_name,
            } => {
                out.push(INITIALIZE);
                out.extend_from_slice(cluster_id.as_bytes());
                state::put_text(out, cluster_name);
            }
            Transformation::RegisterNode(registration) => {
                out.push(REGISTER_NODE);
                out.extend_from_slice(registration.host_id.as_bytes());
                state::put_addresses(out, &registration.addresses);
                state::put_text(out, &registration.data_center);
                state::put_text(out, &registration.rack);
                state::put_tokens(out, &registration.tokens);
                state::put_boot(out, registration.boot);
                state::put_text(out, &registration.version);
            }
            Transformation::UpdateNode {
                number,
                addresses,
                boot,
                version,
            } => {
                out.push(UPDATE_NODE);
                put_varint(out, u64::from(number.0));
                state::put_addresses(out, addresses);
                state::put_boot(out, *boot);
                state::put_text(out, version);
            }
            Transformation::Schema(change) => {
                out.push(SCHEMA);
                change.encode(out);
            }
            Transformation::Truncate { table, at } => {
                out.push(TRUNCATE);
                out.extend_from_slice(table.0.as_bytes());
                put_signed_varint(out, at.0);
            }
        }
    }

    /// Reads what [`Transformation::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Transformation, DecodeError> {
        let start = reader.clone();
        Ok(match reader.u8()? {
            INITIALIZE => Transformation::Initialize {
                cluster_id: Uuid::from_bytes(reader.fixed()?),
                cluster_name: state::text(reader)?,
            },
            REGISTER_NODE => Transformation::RegisterNode(Registration {
                host_id: Uuid::from_bytes(reader.fixed()?),
                addresses: state::addresses(reader)?,
                data_center: state::text(reader)?,
                rack: state::text(reader)?,
                tokens: state::tokens(reader)?,
                boot: state::boot(reader)?,
                version: state::text(reader)?,
            }),
            UPDATE_NODE => Transformation::UpdateNode {
                number: NodeNumber(state::small(reader)?),
                addresses: state::addresses(reader)?,
                boot: state::boot(reader)?,
                version: state::text(reader)?,
            },
            SCHEMA => Transformation::Schema(Change::decode(reader)?),
            TRUNCATE => Transformation::Truncate {
                table: TableId(Uuid::from_bytes(reader.fixed()?)),
                at: Timestamp(reader.signed_varint()?),
            },
            _ => return Err(start.error("transformation of an unknown kind").into()),
        })
    }
}
