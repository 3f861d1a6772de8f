//! Network streams and listeners, boxed once per connection.
//!
//! The box costs one indirect call per read or write, and those carry batches of requests. Vectored writes pass
//! through the box.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};

use super::BoxFuture;

/// What a connection can do: anything that reads and writes asynchronously, TLS or plain, real or simulated.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// An open connection.
pub type Stream = Box<dyn Connection>;

/// A listening socket; dropping it stops listening.
pub trait Listener: Send + Sync {
    /// The next connection and the address it came from. Cancelling the future loses no connection.
    fn accept(&self) -> BoxFuture<'_, io::Result<(Stream, SocketAddr)>>;

    /// The address in use, with the port that was chosen.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}
