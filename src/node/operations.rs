//! The node as its operators see it: [`admin::Control`] over the services.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use admin::{Control, Failure, Mode, Status, Target};
use base::env::{BoxFuture, Env};
use coordinator::clock::Clock;
use metadata::{Committer, NodeNumber, State};
use schema::system;
use server::Server;
use storage::Engine;

use super::target::{self, Failures, Told};

/// The services of a running node, and what it does about requests.
pub struct Operations {
    pub(super) env: Env,
    pub(super) metadata: Arc<dyn Committer>,
    pub(super) engine: Arc<Engine>,
    pub(super) server: Server,
    pub(super) clock: Clock,
    pub(super) data_dir: String,
    /// When the node was ready, on the environment's clock.
    pub(super) ready_at: Duration,
    /// How long requests may take to end when the node drains.
    pub(super) drain_time: Duration,
    pub(super) draining: Draining,
}

/// How far the node is with draining.
#[derive(Default)]
pub struct Draining {
    mode: AtomicU8,
    /// Held by whoever drains, so that a second one waits for the first; true when it is done.
    done: tokio::sync::Mutex<bool>,
}

const MODES: [Mode; 3] = [Mode::Normal, Mode::Draining, Mode::Drained];

/// What is done to one table after the other.
#[derive(Clone, Copy)]
enum Work {
    Flush,
    Compact,
}

impl Work {
    fn doing(self) -> &'static str {
        match self {
            Work::Flush => "flushing",
            Work::Compact => "compacting",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Work::Flush => "flushed",
            Work::Compact => "compacted",
        }
    }
}

impl Operations {
    /// Takes no more requests, finishes those that were begun, writes everything to files. Doing it twice is doing it
    /// once.
    pub async fn drain(&self) -> Result<(), storage::Error> {
        let mut done = self.draining.done.lock().await;
        if *done {
            return Ok(());
        }
        let begun = self.env.mono();
        tracing::info!("draining: finishing requests, then writing memtables to files");
        self.draining.mode.store(1, Ordering::Relaxed);
        let cut = self.server.drain(self.drain_time).await;
        if cut > 0 {
            tracing::warn!("{cut} connections were cut off: their requests did not end in time");
        }
        self.engine.drain().await?;
        self.clock.settle().await;
        *done = true;
        self.draining.mode.store(2, Ordering::Relaxed);
        let millis = self.env.mono().saturating_sub(begun).as_millis();
        tracing::info!("drained in {millis} ms: everything is in files");
        Ok(())
    }

    /// Works on each table that a target means. One that fails keeps none of the others from it.
    async fn work(&self, work: Work, target: &Target) -> Result<(), Failure> {
        let tables = target::tables(&self.metadata.state(), target)?;
        let (told, begun) = (Told(target), self.env.mono());
        tracing::info!("{} {told}, as an operator asked", work.doing());
        let mut failures = Failures::default();
        for table in tables {
            let result = match work {
                Work::Flush => self.engine.flush(Some(table.id)).await,
                Work::Compact => self.engine.compact(Some(table.id)).await,
            };
            if let Err(error) = &result {
                tracing::warn!("{} {}: {error}", work.doing(), table.qualified_name());
            }
            failures.note(&table, result);
        }
        failures.end()?;
        let millis = self.env.mono().saturating_sub(begun).as_millis();
        tracing::info!("{} {told} in {millis} ms", work.done());
        Ok(())
    }

    /// Refuses what a node that is stopping does not begin.
    fn check_running(&self) -> Result<(), Failure> {
        let what = match self.mode() {
            Mode::Normal => return Ok(()),
            Mode::Draining => "the node is draining",
            Mode::Drained => "the node is drained, and does nothing more until it is started again",
        };
        Err(Failure::Unavailable(what.into()))
    }

    fn storage_status(&self) -> (admin::Storage, u64) {
        let status = self.engine.status();
        let load_bytes = status.tables.iter().map(|table| table.disk_bytes).sum();
        let of_users = status
            .tables
            .iter()
            .filter(|table| !system::is_system(&table.keyspace));
        let table = |table: &storage::TableStatus| admin::Table {
            keyspace: table.keyspace.to_string(),
            table: table.name.to_string(),
            sstables: table.sstables,
            disk_bytes: table.disk_bytes,
            memtable_bytes: table.memtable_bytes,
            memtable_rows: table.memtable_rows,
        };
        let storage = admin::Storage {
            data_dir: self.data_dir.clone(),
            load_bytes,
            memtable_bytes: status.memtable_bytes,
            memtable_bytes_max: status.memtable_bytes_max,
            commitlog_bytes: status.log.disk_bytes,
            pending_compactions: status.pending_compactions,
            tables: of_users.map(table).collect(),
        };
        (storage, load_bytes)
    }

    fn nodes(&self, state: &State, own_load_bytes: u64) -> Vec<admin::Node> {
        let own = self.metadata.number();
        let node = |node: &Arc<metadata::Node>| admin::Node {
            address: node.addresses.broadcast.ip().to_string(),
            native_transport_address: node.addresses.native.to_string(),
            host_id: node.host_id.to_string(),
            data_center: node.data_center.clone(),
            rack: node.rack.clone(),
            tokens: node.tokens.len() as u64,
            owns: owned_part(state, node.number),
            load_bytes: (node.number == own).then_some(own_load_bytes),
            is_up: node.number == own,
        };
        state.nodes.values().map(node).collect()
    }
}

/// The part of the ring that ends at a node's tokens, from 0 to 1.
fn owned_part(state: &State, node: NodeNumber) -> f64 {
    let ring = state.ring();
    if let [(_, only)] = ring {
        return if *only == node { 1.0 } else { 0.0 };
    }
    let mut before = ring.last().map_or(0, |(token, _)| token.0);
    let mut owned = 0.0;
    for (token, owner) in ring {
        if *owner == node {
            owned += token.0.wrapping_sub(before) as u64 as f64;
        }
        before = token.0;
    }
    owned / 2f64.powi(64)
}

fn failed(error: storage::Error) -> Failure {
    match error {
        storage::Error::Unavailable(what) | storage::Error::Overloaded(what) => {
            Failure::Unavailable(what)
        }
        other => Failure::Failed(other.to_string()),
    }
}

impl Control for Operations {
    fn mode(&self) -> Mode {
        MODES[usize::from(self.draining.mode.load(Ordering::Relaxed)).min(2)]
    }

    fn status(&self) -> Status {
        let state = self.metadata.state();
        let (storage, load_bytes) = self.storage_status();
        let uptime = self.env.mono().saturating_sub(self.ready_at);
        Status {
            mode: self.mode(),
            version: env!("CARGO_PKG_VERSION").into(),
            uptime_micros: uptime.as_micros() as u64,
            cluster_name: state.cluster_name.to_string(),
            epoch: state.epoch.0,
            schema_version: state.catalog.version().to_string(),
            nodes: self.nodes(&state, load_bytes),
            storage,
            connections: self.server.metrics().snapshot().connections,
        }
    }

    fn flush(&self, target: Target) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move { self.work(Work::Flush, &target).await })
    }

    fn compact(&self, target: Target) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            self.check_running()?;
            self.work(Work::Compact, &target).await
        })
    }

    fn drain(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let drained = Operations::drain(self).await;
            drained
                .inspect_err(|error| tracing::error!("not drained: {error}"))
                .map_err(failed)
        })
    }
}
