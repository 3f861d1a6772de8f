//! What a node says of itself, and whether the data in its directory is its own.

use std::sync::Arc;

use base::env::Dir;
use uuid::Uuid;

use super::OpenError;
use crate::{Addresses, Epoch, NodeNumber, State};

/// The most tokens a node may ask for, as in Cassandra's tools.
const TOKENS_MAX: usize = 4096;

/// What a node says of itself.
#[derive(Debug, Clone)]
pub struct Options {
    /// `cluster_name`
    pub cluster_name: String,
    /// Where the node is reached.
    pub addresses: Addresses,
    /// `data_center`
    pub data_center: String,
    /// `rack`
    pub rack: String,
    /// `num_tokens`
    pub num_tokens: usize,
    /// The version of the server.
    pub version: String,
    /// What else the node keeps depends on the log up to this epoch: one that ends below is an older copy, or has lost
    /// its end, and is refused before anything is written to it.
    pub epoch_min: Epoch,
    /// The log is written anew when entries outweigh this, and four times the snapshot they follow.
    pub log_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Options {
        let loopback = std::net::IpAddr::from([127, 0, 0, 1]);
        Options {
            cluster_name: "Test Cluster".to_owned(),
            addresses: Addresses::on(loopback, 7000, 9042),
            data_center: "datacenter1".to_owned(),
            rack: "rack1".to_owned(),
            num_tokens: 16,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch_min: Epoch(0),
            log_bytes_max: 1 << 20,
        }
    }
}

impl Options {
    /// Whether they can be used at all.
    pub(super) fn check(&self) -> Result<(), OpenError> {
        if self.num_tokens == 0 || self.num_tokens > TOKENS_MAX {
            return Err(OpenError::Settings(format!(
                "num_tokens is {}; it has to be between 1 and {TOKENS_MAX}",
                self.num_tokens
            )));
        }
        Ok(())
    }

    /// Whether the data is this node's, by the settings; gives the node's number.
    pub(super) fn check_state(
        &self,
        state: &State,
        host_id: Uuid,
        dir: &Arc<dyn Dir>,
    ) -> Result<NodeNumber, OpenError> {
        let path = dir.path().display();
        if *state.cluster_name != *self.cluster_name {
            return Err(OpenError::Settings(format!(
                "cluster_name is '{}' in the settings, but {path} belongs to the cluster '{}': \
                 set cluster_name to '{}', or use another data directory",
                self.cluster_name, state.cluster_name, state.cluster_name
            )));
        }
        let Some(node) = state.node(host_id) else {
            return Err(OpenError::Settings(format!(
                "{path} belongs to host id {host_id}, which is not a member of the cluster '{}': \
                 use an empty data directory to join as a new node",
                state.cluster_name
            )));
        };
        let same = |setting: &str, given: String, stored: String| {
            if given == stored {
                return Ok(());
            }
            Err(OpenError::Settings(format!(
                "{setting} is '{given}' in the settings, but the node in {path} was made with '{stored}': \
                 set {setting} to '{stored}', or use another data directory"
            )))
        };
        same(
            "data_center",
            self.data_center.clone(),
            node.data_center.clone(),
        )?;
        same("rack", self.rack.clone(), node.rack.clone())?;
        same(
            "num_tokens",
            self.num_tokens.to_string(),
            node.tokens.len().to_string(),
        )?;
        Ok(node.number)
    }
}
