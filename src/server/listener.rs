//! The listener: binds, accepts, limits the number of connections, and drains them.
//!
//! One task accepts and owns the tasks of the connections, so ending it ends them. Draining goes in steps: stop accepting,
//! tell every connection, which finishes what it has read, wait, and cut off what is left at the deadline.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base::env::{BoxFuture, Env, Listener, Stream, Task};
use futures_util::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use query::Service;
use tokio::sync::broadcast;

use crate::budget::Budget;
use crate::clients::Clients;
use crate::connection::{Connection, Shared};
use crate::metrics::Metrics;
use crate::options::{ACCEPT_PAUSE, Options};
use crate::seldom::Seldom;

/// A listener that runs. Dropping it cuts off all connections; [`Server::drain`] ends them in order.
pub struct Server {
    env: Env,
    local_address: SocketAddr,
    metrics: Arc<Metrics>,
    budget: Arc<Budget>,
    drain: broadcast::Sender<()>,
    accepting: Mutex<Option<Task<()>>>,
}

impl Server {
    /// Binds the port and starts to accept.
    pub async fn start(
        env: Env,
        service: Service,
        options: Options,
        clients: Arc<Clients>,
    ) -> io::Result<Server> {
        let listener = env.bind(options.address).await?;
        Server::on(env, listener, service, options, clients)
    }

    /// Starts to accept on a port that is bound already: a node takes its ports before it touches its data. The
    /// address among the options has no effect.
    pub fn on(
        env: Env,
        listener: Box<dyn Listener>,
        service: Service,
        options: Options,
        clients: Arc<Clients>,
    ) -> io::Result<Server> {
        let local_address = listener.local_addr()?;
        let budget = Budget::new(options.in_flight_bytes_max);
        let metrics = Arc::new(Metrics::new(budget.clone()));
        let (drain, draining) = broadcast::channel(1);
        let acceptor = Acceptor {
            shared: Arc::new(Shared {
                env: env.clone(),
                service,
                metrics: metrics.clone(),
                frame_bytes_max: options.frame_bytes_max,
            }),
            clients,
            budget: budget.clone(),
            options,
            drain: drain.clone(),
            connections: FuturesUnordered::new(),
            of_address: BTreeMap::new(),
            accepted: 0,
            beyond: Seldom::default(),
            refused: Seldom::default(),
        };
        let accepting = env.spawn("accept", acceptor.run(listener, draining));
        Ok(Server {
            env,
            local_address,
            metrics,
            budget,
            drain,
            accepting: Mutex::new(Some(accepting)),
        })
    }

    /// The address in use, with the port that was chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_address
    }

    /// What happened so far.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What the connections hold.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Stops accepting, lets every connection answer what it has read, and closes them; those that are not done after
    /// `deadline` are cut off. Gives their number. A second drain does nothing.
    pub async fn drain(&self, deadline: Duration) -> u64 {
        let Some(mut accepting) = self.accepting.lock().take() else {
            return 0;
        };
        // Nobody may be listening any more, if the task has failed.
        let _ = self.drain.send(());
        match self.env.timeout(deadline, &mut accepting).await {
            Some(_) => 0,
            None => self.metrics.snapshot().connections,
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("local_address", &self.local_address)
            .finish_non_exhaustive()
    }
}

/// The accepting task's state.
struct Acceptor {
    shared: Arc<Shared>,
    clients: Arc<Clients>,
    budget: Arc<Budget>,
    options: Options,
    drain: broadcast::Sender<()>,
    /// Each gives the address of a connection that has ended.
    connections: FuturesUnordered<BoxFuture<'static, IpAddr>>,
    of_address: BTreeMap<IpAddr, usize>,
    accepted: usize,
    /// Connections beyond a limit, which were closed.
    beyond: Seldom,
    /// Attempts to accept that the operating system refused.
    refused: Seldom,
}

impl Acceptor {
    async fn run(mut self, listener: Box<dyn Listener>, mut draining: broadcast::Receiver<()>) {
        loop {
            tokio::select! {
                biased;
                _ = draining.recv() => break,
                Some(address) = self.connections.next() => self.ended(address),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.accept(stream, peer),
                    Err(error) => {
                        self.refused(&error);
                        self.shared.env.sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        while let Some(address) = self.connections.next().await {
            self.ended(address);
        }
    }

    fn accept(&mut self, stream: Stream, peer: SocketAddr) {
        let (stripe, metrics) = (self.accepted, &self.shared.metrics);
        self.accepted = self.accepted.wrapping_add(1);
        metrics.accepted.add(stripe, 1);
        if let Some(limit) = self.exceeded(peer.ip()) {
            tracing::debug!(client = %peer, limit, "closing a connection beyond the limit");
            metrics.rejected.add(stripe, 1);
            if let Some(closed) = self.beyond.happened(self.shared.env.mono()) {
                let open = self.connections.len();
                tracing::warn!(client = %peer, open, closed, "closing connections beyond {limit}");
            }
            return;
        }
        metrics.open.add(1);
        *self.of_address.entry(peer.ip()).or_default() += 1;
        let connection = Connection::new(
            self.shared.clone(),
            stripe,
            self.clients.register(peer),
            self.budget.share(),
            stream,
            self.drain.subscribe(),
        );
        let task = self.shared.env.spawn("connection", connection.run());
        let metrics = self.shared.metrics.clone();
        self.connections.push(Box::pin(async move {
            if let Err(error) = task.await {
                metrics.failed.add(stripe, 1);
                tracing::error!(client = %peer, %error, "a connection's task failed");
            }
            peer.ip()
        }));
    }

    /// The setting that one more connection from this address would exceed.
    fn exceeded(&self, address: IpAddr) -> Option<&'static str> {
        if self.connections.len() >= self.options.connections_max {
            return Some("native_transport_max_concurrent_connections");
        }
        let of_address = self.of_address.get(&address).copied().unwrap_or(0);
        let is_exceeded = self
            .options
            .connections_per_address_max
            .is_some_and(|max| of_address >= max);
        is_exceeded.then_some("native_transport_max_concurrent_connections_per_ip")
    }

    fn ended(&mut self, address: IpAddr) {
        self.shared.metrics.open.add(-1);
        if let Some(count) = self.of_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&address);
            }
        }
    }

    /// Out of file handles, most likely: waiting for connections to end is all there is to do.
    fn refused(&mut self, error: &io::Error) {
        if let Some(attempts) = self.refused.happened(self.shared.env.mono()) {
            tracing::warn!(%error, attempts, "cannot accept connections");
        }
    }
}
