//! Applying a transformation.

use std::sync::Arc;

use model::{TableId, Timestamp};
use schema::Change;

use super::{Effect, Node, NodeNumber, Outcome, Refused, State};
use crate::{Boot, Registration, Transformation};

type Applied = Result<(State, Outcome), Refused>;

impl State {
    /// Refuses a new transformation that goes beyond a limit: asked once, before it gets its place in the log. What the
    /// log holds is applied whatever the limits are by then.
    pub fn check(&self, transformation: &Transformation) -> Result<(), Refused> {
        match transformation {
            Transformation::Schema(change) => Ok(self.catalog.check(change)?),
            _ => Ok(()),
        }
    }

    /// The state after a transformation, and what it did. Pure and total: the same arguments give the same result.
    ///
    /// The epoch goes up by one even if nothing else changed; a committer may leave out an entry without effect.
    pub fn apply(&self, transformation: &Transformation) -> Applied {
        let (mut state, outcome) = match transformation {
            Transformation::Initialize {
                cluster_id,
                cluster_name,
            } => {
                let state = State {
                    cluster_id: *cluster_id,
                    cluster_name: cluster_name.as_str().into(),
                    ..self.clone()
                };
                self.initialize(state)
            }
            Transformation::RegisterNode(registration) => self.register(registration),
            Transformation::UpdateNode {
                number,
                addresses,
                boot,
                version,
            } => self.update(*number, |node| {
                node.addresses = *addresses;
                node.boot = *boot;
                node.version.clone_from(version);
            }),
            Transformation::Schema(change) => self.change_schema(change),
            Transformation::Truncate { table, at } => self.truncate(*table, *at),
        }?;
        state.epoch = self.epoch.next();
        Ok((state, outcome))
    }

    fn initialize(&self, state: State) -> Applied {
        if !self.cluster_id.is_nil() {
            return Err(Refused::Cluster(format!(
                "the cluster '{}' exists already",
                self.cluster_name
            )));
        }
        Ok((
            state,
            Outcome {
                effect: Some(Effect::Initialized),
                warnings: Vec::new(),
            },
        ))
    }

    fn register(&self, registration: &Registration) -> Applied {
        if let Some(node) = self.node(registration.host_id) {
            return Err(Refused::Cluster(format!(
                "host id {} is registered already, as node {} at {}",
                node.host_id, node.number, node.addresses.broadcast
            )));
        }
        let mut tokens = registration.tokens.clone();
        tokens.sort();
        tokens.dedup();
        if tokens.is_empty() || tokens.len() != registration.tokens.len() {
            return Err(Refused::Cluster(
                "a node needs tokens that differ from each other".to_owned(),
            ));
        }
        let taken = |token| {
            self.ring
                .binary_search_by_key(token, |(token, _)| *token)
                .is_ok()
        };
        if let Some(token) = tokens.iter().find(|token| taken(token)) {
            return Err(Refused::Cluster(format!("token {token} is taken")));
        }
        let number = NodeNumber(self.next_node);
        let node = Node {
            number,
            host_id: registration.host_id,
            addresses: registration.addresses,
            data_center: registration.data_center.clone(),
            rack: registration.rack.clone(),
            tokens,
            boot: registration.boot,
            version: registration.version.clone(),
        };
        let mut state = self.clone();
        state.nodes.insert(number, Arc::new(node));
        let Some(next_node) = self.next_node.checked_add(1) else {
            return Err(Refused::Cluster(
                "the cluster has had as many nodes as there are numbers".to_owned(),
            ));
        };
        state.next_node = next_node;
        Ok((
            state.seal(),
            Outcome {
                effect: Some(Effect::NodeRegistered(number)),
                warnings: Vec::new(),
            },
        ))
    }

    fn update(&self, number: NodeNumber, change: impl FnOnce(&mut Node)) -> Applied {
        let Some(old) = self.nodes.get(&number) else {
            return Err(Refused::Cluster(format!("node {number} is not a member")));
        };
        let mut new = Node::clone(old);
        change(&mut new);
        check_boot(old.boot, new.boot)?;
        if new == **old {
            return Ok((self.clone(), Outcome::default()));
        }
        let mut state = self.clone();
        state.nodes.insert(number, Arc::new(new));
        Ok((
            state.seal(),
            Outcome {
                effect: Some(Effect::NodeUpdated(number)),
                warnings: Vec::new(),
            },
        ))
    }

    fn change_schema(&self, change: &Change) -> Applied {
        let (catalog, outcome) = self.catalog.apply(change, &self.topology())?;
        let mut state = self.clone();
        state
            .truncations
            .retain(|table, _| catalog.table_by_id(*table).is_some());
        state.catalog = Arc::new(catalog);
        let effect = outcome.effect.map(Effect::Schema);
        Ok((
            state,
            Outcome {
                effect,
                warnings: outcome.warnings,
            },
        ))
    }

    fn truncate(&self, table: TableId, at: Timestamp) -> Applied {
        if self.catalog.table_by_id(table).is_none() {
            return Err(Refused::Schema(schema::Error::invalid(format!(
                "table {table} does not exist"
            ))));
        }
        let mut state = self.clone();
        let last = state.truncations.entry(table).or_insert(at);
        *last = at.max(*last);
        Ok((
            state,
            Outcome {
                effect: Some(Effect::Truncated(table)),
                warnings: Vec::new(),
            },
        ))
    }
}

/// A run that began before the present one, or a second one of the same count, is a copy of the node's data.
fn check_boot(old: Boot, new: Boot) -> Result<(), Refused> {
    if new == old || new.count > old.count {
        return Ok(());
    }
    Err(Refused::Cluster(format!(
        "the node was started {} times, and start {} comes from a copy of its data",
        old.count, new.count
    )))
}
