//! The network of a node that is alone: connections to itself.
//!
//! A connection is a pair of buffers in memory, so a full one makes its writer wait, and dropping one end is the other's end
//! of file. Nothing is lost or delayed; for that there is the cluster.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use base::env::{BoxFuture, Listener, Stream};
use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::mpsc;

/// Bytes under way in each direction, as in a socket's buffers.
const BUFFER_BYTES: usize = 64 * 1024;
/// The first port that is given to those who ask for any.
const FREE_PORT_FIRST: u16 = 49_152;

type Incoming = mpsc::UnboundedSender<(Stream, SocketAddr)>;

pub(super) struct Network(Mutex<State>);

struct State {
    listeners: BTreeMap<SocketAddr, Incoming>,
    next_port: u16,
}

impl Network {
    pub(super) fn new() -> Arc<Network> {
        Arc::new(Network(Mutex::new(State {
            listeners: BTreeMap::new(),
            next_port: FREE_PORT_FIRST,
        })))
    }

    pub(super) fn connect(&self, address: SocketAddr) -> io::Result<Stream> {
        let mut state = self.0.lock();
        let port = state.free_port();
        let Some(incoming) = state.listeners.get(&address) else {
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        let (near, far) = tokio::io::duplex(BUFFER_BYTES);
        let from = SocketAddr::new(address.ip(), port);
        match incoming.send((Box::new(far), from)) {
            Ok(()) => Ok(Box::new(near)),
            Err(_) => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }

    pub(super) fn bind(
        self: &Arc<Network>,
        mut address: SocketAddr,
    ) -> io::Result<Box<dyn Listener>> {
        let mut state = self.0.lock();
        if address.port() == 0 {
            address.set_port(state.free_port());
        }
        if state.listeners.contains_key(&address) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        state.listeners.insert(address, sender);
        Ok(Box::new(Bound {
            network: self.clone(),
            address,
            incoming: tokio::sync::Mutex::new(receiver),
        }))
    }
}

impl State {
    fn free_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(FREE_PORT_FIRST);
        port
    }
}

struct Bound {
    network: Arc<Network>,
    address: SocketAddr,
    incoming: tokio::sync::Mutex<mpsc::UnboundedReceiver<(Stream, SocketAddr)>>,
}

impl Listener for Bound {
    fn accept(&self) -> BoxFuture<'_, io::Result<(Stream, SocketAddr)>> {
        async {
            self.incoming
                .lock()
                .await
                .recv()
                .await
                .ok_or_else(|| io::ErrorKind::NotConnected.into())
        }
        .boxed()
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.network.0.lock().listeners.remove(&self.address);
    }
}
