//! All that the cluster agrees on, at one epoch.
//!
//! What always holds: node numbers and host ids are unique and never given again; no two nodes share a token; the hash
//! is a function of the content alone; `decode(encode(state)) == state`.
//!
//! The parts are shared between epochs: a step copies what it changes.

mod apply;
mod format;
mod hash;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use model::{TableId, Timestamp};
use schema::{Catalog, Topology};
use types::Token;
use uuid::Uuid;

pub(crate) use format::{
    addresses, boot, put_addresses, put_boot, put_text, put_tokens, small, text, tokens,
};

/// How many entries of the log the state comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch after this one.
    pub fn next(self) -> Epoch {
        Epoch(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A node's small number, given when it is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeNumber(pub u32);

impl fmt::Display for NodeNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Where a node is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Addresses {
    /// Where it listens to other nodes.
    pub listen: SocketAddr,
    /// Where other nodes dial it.
    pub broadcast: SocketAddr,
    /// Where clients dial it.
    pub native: SocketAddr,
}

impl Addresses {
    /// All on one address.
    pub fn on(address: IpAddr, storage_port: u16, native_port: u16) -> Addresses {
        let listen = SocketAddr::new(address, storage_port);
        Addresses {
            listen,
            broadcast: listen,
            native: SocketAddr::new(address, native_port),
        }
    }
}

/// A member of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub number: NodeNumber,
    /// Its identity, made with its data directory.
    pub host_id: Uuid,
    /// Where it is reached.
    pub addresses: Addresses,
    /// Its datacenter.
    pub data_center: String,
    /// Its rack.
    pub rack: String,
    /// Its places on the ring, ascending.
    pub tokens: Vec<Token>,
    /// Its present run.
    pub boot: crate::Boot,
    /// The version of the server it runs.
    pub version: String,
}

/// All that the cluster agrees on.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// How many entries it comes from.
    pub epoch: Epoch,
    /// The cluster's identity.
    pub cluster_id: Uuid,
    /// The cluster's name.
    pub cluster_name: Arc<str>,
    /// The schema.
    pub catalog: Arc<Catalog>,
    /// The members.
    pub nodes: BTreeMap<NodeNumber, Arc<Node>>,
    /// When each table was truncated last: what was first written before is gone.
    pub truncations: BTreeMap<TableId, Timestamp>,
    /// The number of the next node.
    pub(crate) next_node: u32,
    /// All tokens with their nodes, ascending. Derived.
    pub(crate) ring: Arc<[(Token, NodeNumber)]>,
}

impl State {
    /// Before the first entry: no cluster.
    pub fn empty() -> State {
        State {
            epoch: Epoch(0),
            cluster_id: Uuid::nil(),
            cluster_name: "".into(),
            catalog: Arc::new(Catalog::new()),
            nodes: BTreeMap::new(),
            truncations: BTreeMap::new(),
            next_node: 1,
            ring: Arc::new([]),
        }
    }

    /// The member of this identity.
    pub fn node(&self, host_id: Uuid) -> Option<&Arc<Node>> {
        self.nodes.values().find(|node| node.host_id == host_id)
    }

    /// All tokens with their nodes, ascending.
    pub fn ring(&self) -> &[(Token, NodeNumber)] {
        &self.ring
    }

    /// The datacenters and how many nodes each has.
    pub fn topology(&self) -> Topology {
        let mut topology = Topology::default();
        for node in self.nodes.values() {
            *topology
                .data_centers
                .entry(node.data_center.clone())
                .or_default() += 1;
        }
        topology
    }

    /// When the table was last truncated.
    pub fn truncated_at(&self, table: TableId) -> Option<Timestamp> {
        self.truncations.get(&table).copied()
    }

    /// A hash of the content: equal on nodes that agree.
    pub fn hash(&self) -> u128 {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        hash::hash(&bytes)
    }

    /// Makes what is derived agree with the nodes.
    pub(crate) fn seal(mut self) -> State {
        let nodes = self.nodes.values();
        let tokens = nodes.flat_map(|node| node.tokens.iter().map(|token| (*token, node.number)));
        let mut ring: Vec<_> = tokens.collect();
        ring.sort();
        self.ring = ring.into();
        self
    }
}

/// What a transformation did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What others are told; none if nothing changed.
    pub effect: Option<Effect>,
    /// What the client is warned of.
    pub warnings: Vec<String>,
}

/// What others are told of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The cluster was made.
    Initialized,
    /// A node became a member.
    NodeRegistered(NodeNumber),
    /// A node started, or its addresses changed.
    NodeUpdated(NodeNumber),
    /// The schema changed.
    Schema(schema::Effect),
    /// A table's rows are gone.
    Truncated(TableId),
}

/// Why a transformation was refused. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The schema refuses it: the client fixes the statement.
    #[error(transparent)]
    Schema(#[from] schema::Error),
    /// The cluster cannot be what it asks for: the node is configured or copied wrongly.
    #[error("{0}")]
    Cluster(String),
}
