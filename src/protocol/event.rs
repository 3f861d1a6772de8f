//! Events: what a server tells connections that registered for it, on stream -1.
//!
//! | Kind | Body after the `[string]` kind |
//! |---|---|
//! | `TOPOLOGY_CHANGE` | `[string]` `NEW_NODE`, `REMOVED_NODE` or `MOVED_NODE`, `[inet]` node |
//! | `STATUS_CHANGE` | `[string]` `UP` or `DOWN`, `[inet]` node |
//! | `SCHEMA_CHANGE` | `[string]` `CREATED`, `UPDATED` or `DROPPED`, `[string]` target, `[string]` keyspace, then for `TABLE` and `TYPE` `[string]` name, for `FUNCTION` and `AGGREGATE` `[string]` name, `[string list]` argument types |
//!
//! A schema change has the same shape in a RESULT. Addresses are those that clients dial.

use std::net::SocketAddr;

use bytes::BytesMut;

use crate::wire::{self, Malformed, Reader};

/// What a connection can register for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Nodes that come, go or move.
    TopologyChange,
    /// Nodes that go up or down.
    StatusChange,
    /// Keyspaces, tables, types and functions that are created, altered or dropped.
    SchemaChange,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The ring changed; the peers tables already show it.
    Topology(TopologyChange, SocketAddr),
    /// A node accepts CQL again, or no longer.
    Status(StatusChange, SocketAddr),
    /// The schema changed; `system_schema` already shows it.
    Schema(SchemaChange),
}

/// How the ring changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopologyChange {
    /// A node joined.
    NewNode,
    /// A node left.
    RemovedNode,
    /// A node took other tokens.
    MovedNode,
}

/// How a node's liveness changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    /// It accepts CQL.
    Up,
    /// It does not.
    Down,
}

/// A change of the schema: what happened, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaChange {
    /// What happened.
    pub change: Change,
    /// The keyspace it happened in, or to.
    pub keyspace: String,
    /// What it happened to.
    pub target: Target,
}

/// What happened to a part of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Created,
    /// It was altered.
    Updated,
    /// It is gone.
    Dropped,
}

/// The part of a keyspace that a schema change is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The keyspace itself.
    Keyspace,
    /// A table or view, by name.
    Table(String),
    /// A user-defined type, by name.
    Type(String),
    /// A function, by name and the CQL types of its arguments.
    Function(String, Vec<String>),
    /// An aggregate, by name and the CQL types of its arguments.
    Aggregate(String, Vec<String>),
}

impl Kind {
    /// The name in REGISTER and EVENT.
    pub fn name(self) -> &'static str {
        match self {
            Kind::TopologyChange => "TOPOLOGY_CHANGE",
            Kind::StatusChange => "STATUS_CHANGE",
            Kind::SchemaChange => "SCHEMA_CHANGE",
        }
    }

    /// The kind of this name, in any case.
    pub fn from_name(name: &str) -> Result<Kind, Malformed> {
        choose(
            name,
            "Type",
            [Kind::TopologyChange, Kind::StatusChange, Kind::SchemaChange],
            Kind::name,
        )
    }
}

impl Event {
    /// What a connection registers for to receive this.
    pub fn kind(&self) -> Kind {
        match self {
            Event::Topology(..) => Kind::TopologyChange,
            Event::Status(..) => Kind::StatusChange,
            Event::Schema(..) => Kind::SchemaChange,
        }
    }

    /// Writes the body of an EVENT.
    pub fn encode(&self, out: &mut BytesMut) {
        wire::put_string(out, self.kind().name());
        match self {
            Event::Topology(change, node) => {
                wire::put_string(out, change.name());
                wire::put_inet(out, *node);
            }
            Event::Status(change, node) => {
                wire::put_string(out, change.name());
                wire::put_inet(out, *node);
            }
            Event::Schema(change) => change.encode(out),
        }
    }

    /// Reads the body of an EVENT.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Event, Malformed> {
        Ok(match Kind::from_name(reader.string("the event type")?)? {
            Kind::TopologyChange => {
                let change = TopologyChange::from_name(reader.string("the topology change")?)?;
                Event::Topology(change, reader.inet("the node's address")?)
            }
            Kind::StatusChange => {
                let change = StatusChange::from_name(reader.string("the status change")?)?;
                Event::Status(change, reader.inet("the node's address")?)
            }
            Kind::SchemaChange => Event::Schema(SchemaChange::decode(reader)?),
        })
    }
}

impl TopologyChange {
    fn name(self) -> &'static str {
        match self {
            TopologyChange::NewNode => "NEW_NODE",
            TopologyChange::RemovedNode => "REMOVED_NODE",
            TopologyChange::MovedNode => "MOVED_NODE",
        }
    }

    fn from_name(name: &str) -> Result<TopologyChange, Malformed> {
        use TopologyChange::*;
        choose(
            name,
            "Change",
            [NewNode, RemovedNode, MovedNode],
            TopologyChange::name,
        )
    }
}

impl StatusChange {
    fn name(self) -> &'static str {
        match self {
            StatusChange::Up => "UP",
            StatusChange::Down => "DOWN",
        }
    }

    fn from_name(name: &str) -> Result<StatusChange, Malformed> {
        choose(
            name,
            "Status",
            [StatusChange::Up, StatusChange::Down],
            StatusChange::name,
        )
    }
}

impl Change {
    fn name(self) -> &'static str {
        match self {
            Change::Created => "CREATED",
            Change::Updated => "UPDATED",
            Change::Dropped => "DROPPED",
        }
    }

    fn from_name(name: &str) -> Result<Change, Malformed> {
        choose(
            name,
            "Change",
            [Change::Created, Change::Updated, Change::Dropped],
            Change::name,
        )
    }
}

impl SchemaChange {
    /// Writes the change, as in an EVENT after its kind and in a RESULT after its kind.
    pub fn encode(&self, out: &mut BytesMut) {
        wire::put_string(out, self.change.name());
        wire::put_string(out, self.target.name());
        wire::put_string(out, &self.keyspace);
        match &self.target {
            Target::Keyspace => {}
            Target::Table(name) | Target::Type(name) => wire::put_string(out, name),
            Target::Function(name, arguments) | Target::Aggregate(name, arguments) => {
                wire::put_string(out, name);
                wire::put_string_list(out, arguments);
            }
        }
    }

    /// Reads what `encode` writes.
    pub fn decode(reader: &mut Reader<'_>) -> Result<SchemaChange, Malformed> {
        let change = Change::from_name(reader.string("the schema change")?)?;
        let target = reader.string("the schema change's target")?;
        let keyspace = reader.string("the keyspace's name")?.to_owned();
        Ok(SchemaChange {
            change,
            keyspace,
            target: Target::decode(target, reader)?,
        })
    }
}

impl Target {
    fn name(&self) -> &'static str {
        match self {
            Target::Keyspace => "KEYSPACE",
            Target::Table(_) => "TABLE",
            Target::Type(_) => "TYPE",
            Target::Function(..) => "FUNCTION",
            Target::Aggregate(..) => "AGGREGATE",
        }
    }

    fn decode(target: &str, reader: &mut Reader<'_>) -> Result<Target, Malformed> {
        if target == "KEYSPACE" {
            return Ok(Target::Keyspace);
        }
        let name = reader.string("the changed element's name")?.to_owned();
        let mut arguments = || -> Result<Vec<String>, Malformed> {
            Ok(reader
                .string_list("the argument types")?
                .into_iter()
                .map(str::to_owned)
                .collect())
        };
        match target {
            "TABLE" => Ok(Target::Table(name)),
            "TYPE" => Ok(Target::Type(name)),
            "FUNCTION" => Ok(Target::Function(name, arguments()?)),
            "AGGREGATE" => Ok(Target::Aggregate(name, arguments()?)),
            _ => Err(invalid(target, "Target")),
        }
    }
}

fn choose<T: Copy, const N: usize>(
    name: &str,
    what: &str,
    all: [T; N],
    name_of: fn(T) -> &'static str,
) -> Result<T, Malformed> {
    all.into_iter()
        .find(|value| name_of(*value).eq_ignore_ascii_case(name))
        .ok_or_else(|| invalid(name, what))
}

fn invalid(name: &str, what: &str) -> Malformed {
    Malformed::new(format!("Invalid value '{name}' for {what}"))
}
