//! Which nodes keep a token.
//!
//! - `SimpleStrategy`: the next nodes along the ring, each once.
//! - `NetworkTopologyStrategy`: per datacenter the next nodes along the ring, each once, on racks not yet used while
//!   there are any.
//! - `LocalStrategy`: every node has its own rows; a placement names none.
//!
//! *Changed* is the epoch at which the placement last changed; nothing moves yet, so it is that of the last node.

use std::collections::{BTreeMap, BTreeSet};

use schema::Replication;
use types::Token;

use crate::state::{NodeNumber, State};

/// The nodes that keep a token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    /// Who answers reads: the owner first, then along the ring.
    pub read: Vec<NodeNumber>,
    /// Who takes writes. While a range moves there are more of them than of those who answer reads.
    pub write: Vec<NodeNumber>,
}

impl State {
    /// The nodes that keep `token` in a keyspace. None for a keyspace that does not exist or is local to each node.
    pub fn placement(&self, keyspace: &str, token: Token) -> Placement {
        let Some(keyspace) = self.catalog.keyspace(keyspace) else {
            return Placement::default();
        };
        let read = match &keyspace.replication {
            Replication::Local => Vec::new(),
            Replication::Simple { factor } => {
                self.along_the_ring(token).take(count(*factor)).collect()
            }
            Replication::Network { factors } => {
                let mut chosen = Vec::new();
                for (data_center, factor) in factors {
                    chosen.extend(self.in_data_center(token, data_center, count(*factor)));
                }
                let order: Vec<NodeNumber> = self.along_the_ring(token).collect();
                chosen.sort_by_key(|node| order.iter().position(|other| other == node));
                chosen
            }
        };
        Placement {
            write: read.clone(),
            read,
        }
    }

    /// The end of each token range with the addresses of the nodes that keep it, as DESCRIBE CLUSTER tells.
    pub fn range_ownership(&self, keyspace: &str) -> BTreeMap<String, Vec<String>> {
        let ranges = self.ring.iter().map(|(token, _)| {
            let nodes = self.placement(keyspace, *token).read;
            let nodes = nodes.iter().filter_map(|number| self.nodes.get(number));
            (
                token.to_string(),
                nodes
                    .map(|node| node.addresses.broadcast.to_string())
                    .collect(),
            )
        });
        ranges.collect()
    }

    /// All nodes in the order in which the ring comes to them from `token` on, each once.
    fn along_the_ring(&self, token: Token) -> impl Iterator<Item = NodeNumber> {
        let start = self.ring.partition_point(|(other, _)| *other < token);
        let ring = self
            .ring
            .iter()
            .skip(start)
            .chain(self.ring.iter().take(start));
        let mut seen = BTreeSet::new();
        ring.map(|(_, node)| *node)
            .filter(move |node| seen.insert(*node))
    }

    fn in_data_center(&self, token: Token, data_center: &str, factor: usize) -> Vec<NodeNumber> {
        let nodes = self
            .along_the_ring(token)
            .filter_map(|number| self.nodes.get(&number));
        let nodes: Vec<_> = nodes
            .filter(|node| node.data_center == data_center)
            .collect();
        let racks: BTreeSet<&str> = nodes.iter().map(|node| node.rack.as_str()).collect();
        // With fewer racks than copies, this many copies may share one.
        let mut repeats = factor.saturating_sub(racks.len());
        let mut used = BTreeSet::new();
        let mut chosen = Vec::new();
        for node in nodes {
            if chosen.len() == factor {
                break;
            }
            if used.insert(node.rack.as_str()) {
                chosen.push(node.number);
            } else if repeats > 0 {
                repeats -= 1;
                chosen.push(node.number);
            }
        }
        chosen
    }
}

fn count(factor: u32) -> usize {
    usize::try_from(factor).unwrap_or(usize::MAX)
}
