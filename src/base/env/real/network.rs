//! TCP by tokio, with `TCP_NODELAY`: a turn writes all its answers at once, so waiting for more gains nothing.

use std::io;
use std::net::SocketAddr;

use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::super::{BoxFuture, Listener, Stream};

/// Connections that may wait to be accepted; the kernel cuts it to its own limit.
const BACKLOG: u32 = 1024;

pub(super) async fn connect(address: SocketAddr) -> io::Result<Stream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

/// `SO_REUSEADDR` lets a restarted node take its port while old connections are in their final wait.
pub(super) async fn bind(address: SocketAddr) -> io::Result<Box<dyn Listener>> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(Box::new(Tcp(socket.listen(BACKLOG)?)))
}

struct Tcp(TcpListener);

impl Listener for Tcp {
    fn accept(&self) -> BoxFuture<'_, io::Result<(Stream, SocketAddr)>> {
        async {
            let (stream, peer) = self.0.accept().await?;
            stream.set_nodelay(true)?;
            Ok((Box::new(stream) as Stream, peer))
        }
        .boxed()
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}
