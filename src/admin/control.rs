//! What the admin port can ask of a node: the trait that the node implements, and the words of its answers.

use base::env::BoxFuture;
use serde::{Deserialize, Serialize};

/// What a node does about client requests, by nodetool's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// It serves.
    Normal,
    /// It finishes what it has and takes nothing new.
    Draining,
    /// It has written everything to files and can be stopped.
    Drained,
}

/// What a node is and holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// What it does about requests.
    pub mode: Mode,
    /// The server's version.
    pub version: String,
    /// Microseconds since the node became ready.
    pub uptime_micros: u64,
    /// The cluster's name.
    pub cluster_name: String,
    /// The newest epoch of the metadata log.
    pub epoch: u64,
    /// The content hash of the schema.
    pub schema_version: String,
    /// Every node.
    pub nodes: Vec<Node>,
    /// What this node holds.
    pub storage: Storage,
    /// Client connections.
    pub connections: u64,
}

/// One node of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// Where other nodes connect.
    pub address: String,
    /// Where clients connect.
    pub native_transport_address: String,
    /// Its identity.
    pub host_id: String,
    /// Where it stands.
    pub data_center: String,
    /// Where in the datacenter.
    pub rack: String,
    /// Ranges of the ring that begin with it.
    pub tokens: u64,
    /// Part of the ring that is its own, from 0 to 1.
    pub owns: f64,
    /// Bytes in its files, if they are known here.
    pub load_bytes: Option<u64>,
    /// Whether it answers.
    pub is_up: bool,
}

/// What a node's storage holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Storage {
    /// The absolute path of the data.
    pub data_dir: String,
    /// Bytes in files of tables.
    pub load_bytes: u64,
    /// Bytes in memtables.
    pub memtable_bytes: u64,
    /// Bytes that memtables may take.
    pub memtable_bytes_max: u64,
    /// Bytes of the commit log.
    pub commitlog_bytes: u64,
    /// Compactions that wait.
    pub pending_compactions: u64,
    /// The tables of users, in order of their names.
    pub tables: Vec<Table>,
}

/// What storage holds of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Table {
    /// Its keyspace.
    pub keyspace: String,
    /// Its name.
    pub table: String,
    /// Files.
    pub sstables: u64,
    /// Bytes of these.
    pub disk_bytes: u64,
    /// Bytes in memtables.
    pub memtable_bytes: u64,
    /// Rows in memtables.
    pub memtable_rows: u64,
}

/// What an operation is about: everything, a keyspace, or a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The keyspace; none for all.
    pub keyspace: Option<String>,
    /// Tables of the keyspace; none for all.
    #[serde(default)]
    pub tables: Vec<String>,
}

/// Why an operation was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The request names something that is not there: fix it.
    #[error("{0}")]
    Unknown(String),
    /// The node does not do this now.
    #[error("{0}")]
    Unavailable(String),
    /// It went wrong.
    #[error("{0}")]
    Failed(String),
}

/// A node, as its operators see it.
pub trait Control: Send + Sync + 'static {
    /// What it does about requests.
    fn mode(&self) -> Mode;
    /// What it is and holds.
    fn status(&self) -> Status;
    /// Writes memtables to files.
    fn flush(&self, target: Target) -> BoxFuture<'_, Result<(), Failure>>;
    /// Merges the files of each table into one.
    fn compact(&self, target: Target) -> BoxFuture<'_, Result<(), Failure>>;
    /// Takes no more requests, finishes those it has, and writes everything to files.
    fn drain(&self) -> BoxFuture<'_, Result<(), Failure>>;
}
