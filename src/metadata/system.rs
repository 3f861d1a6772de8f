//! The tables that show the state to clients: `system.local`, `system.peers` and `system.peers_v2`; and, made by
//! `schema` of the catalog in it, `system_schema` and `system_virtual_schema`.
//!
//! Drivers find the cluster by them, so a node is in the peers tables only when all of its columns are known, and
//! never in its own. Versions and names are those that drivers interpret; this server's own version has a column of
//! its own.

use std::sync::Arc;

use schema::system_schema::{self, Latest};
use schema::virtual_table::{Keys, Row, Rows, Source};
use schema::{Table, system};
use types::collection;

use crate::{Committer, Node, NodeNumber, State};

/// The version of Cassandra whose behaviour clients may expect.
pub const RELEASE_VERSION: &str = "5.0.0";
/// The version of CQL.
pub const CQL_VERSION: &str = "3.4.7";
/// The newest version of the native protocol.
pub const NATIVE_PROTOCOL_VERSION: &str = "5";
/// How tokens are made.
pub const PARTITIONER: &str = "org.apache.cassandra.dht.Murmur3Partitioner";

/// The sources of all tables that show the state, those of the schema included.
pub fn sources(committer: &Arc<dyn Committer>, me: NodeNumber) -> Vec<Arc<dyn Source>> {
    let facts = |name| Facts {
        definition: definition(name),
        committer: committer.clone(),
        me,
    };
    let mut sources: Vec<Arc<dyn Source>> = vec![
        Arc::new(LocalTable(facts("local"))),
        Arc::new(PeersTable {
            facts: facts("peers"),
            has_port: false,
        }),
        Arc::new(PeersTable {
            facts: facts("peers_v2"),
            has_port: true,
        }),
    ];
    let latest = committer.clone();
    let latest: Latest = Arc::new(move || latest.state().catalog.clone());
    sources.extend(system_schema::sources(&latest));
    sources
}

fn definition(name: &str) -> Arc<Table> {
    system::table(system::SYSTEM, name).expect("the table is built in")
}

/// What all of them need.
struct Facts {
    definition: Arc<Table>,
    committer: Arc<dyn Committer>,
    me: NodeNumber,
}

/// `system.local`: one row.
struct LocalTable(Facts);

const LOCAL_KEY: &[u8] = b"local";

impl Source for LocalTable {
    fn definition(&self) -> &Arc<Table> {
        &self.0.definition
    }

    fn keys(&self, keys: &mut Keys) {
        keys.add(&[LOCAL_KEY]);
    }

    fn rows(&self, key: &[&[u8]], rows: &mut Rows) {
        let state = self.0.committer.state();
        if let (Some(node), [LOCAL_KEY]) = (state.nodes.get(&self.0.me), key) {
            rows.add(&[], |row| fill_local(row, node, &state));
        }
    }
}

fn fill_local(row: &mut Row<'_>, node: &Node, state: &State) {
    fill_node(row, node, state);
    row.text("bootstrapped", "COMPLETED")
        .inet("broadcast_address", node.addresses.broadcast.ip())
        .int("broadcast_port", i32::from(node.addresses.broadcast.port()))
        .text("cluster_name", &state.cluster_name)
        .text("cql_version", CQL_VERSION)
        .int(
            "gossip_generation",
            i32::try_from(node.boot.count).unwrap_or(i32::MAX),
        )
        .text("helenus_version", &node.version)
        .inet("listen_address", node.addresses.listen.ip())
        .int("listen_port", i32::from(node.addresses.listen.port()))
        .text("native_protocol_version", NATIVE_PROTOCOL_VERSION)
        .text("partitioner", PARTITIONER)
        .inet("rpc_address", node.addresses.native.ip())
        .int("rpc_port", i32::from(node.addresses.native.port()));
    if !state.truncations.is_empty() {
        row.set("truncated_at", truncations(state));
    }
}

/// Per table 20 bytes as Cassandra has them: a commit log position, which is nothing here, and milliseconds.
fn truncations(state: &State) -> Vec<u8> {
    let values: Vec<_> = state
        .truncations
        .iter()
        .map(|(table, at)| {
            let mut value = [0; 20];
            value[12..].copy_from_slice(&at.0.div_euclid(1000).to_be_bytes());
            (*table.0.as_bytes(), value)
        })
        .collect();
    collection::encode_pairs(
        values
            .iter()
            .map(|(table, value)| (table.as_slice(), value.as_slice())),
    )
}

/// The columns that all three tables have.
fn fill_node(row: &mut Row<'_>, node: &Node, state: &State) {
    row.text("data_center", &node.data_center)
        .uuid("host_id", node.host_id)
        .text("rack", &node.rack)
        .text("release_version", RELEASE_VERSION)
        .uuid("schema_version", state.catalog.version())
        .texts("tokens", node.tokens.iter().map(ToString::to_string));
}

/// `system.peers` and `system.peers_v2`: a row for each other node.
struct PeersTable {
    facts: Facts,
    has_port: bool,
}

impl Source for PeersTable {
    fn definition(&self) -> &Arc<Table> {
        &self.facts.definition
    }

    fn keys(&self, keys: &mut Keys) {
        for node in self.facts.committer.state().nodes.values() {
            if node.number != self.facts.me {
                keys.add(&[&octets(node)]);
            }
        }
    }

    fn rows(&self, key: &[&[u8]], rows: &mut Rows) {
        let state = self.facts.committer.state();
        for node in state.nodes.values() {
            if node.number == self.facts.me || key != [octets(node).as_slice()] {
                continue;
            }
            let native = node.addresses.native;
            if self.has_port {
                let port = i32::from(node.addresses.broadcast.port()).to_be_bytes();
                rows.add(&[&port], |row| {
                    fill_node(row, node, &state);
                    row.inet("native_address", native.ip())
                        .int("native_port", i32::from(native.port()));
                });
            } else {
                rows.add(&[], |row| {
                    fill_node(row, node, &state);
                    row.inet("rpc_address", native.ip());
                });
            }
        }
    }
}

/// The address that a peer is keyed by.
fn octets(node: &Node) -> Vec<u8> {
    match node.addresses.broadcast.ip() {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    }
}
