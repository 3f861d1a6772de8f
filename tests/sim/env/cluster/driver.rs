//! A host of turmoil as a node's driver: its runtime's paused time, its tasks, its network.

use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base::env::{BoxFuture, Listener, Stream};
use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::{TcpListener, TcpStream};

use super::links::{Line, Lines};
use crate::node::Driver;

pub(super) struct Host {
    address: IpAddr,
    lines: Lines,
    /// The latest time seen, for calls from outside of the host's runtime: while it is dropped, or by the harness.
    last: Mutex<Duration>,
}

impl Host {
    pub(super) fn new(address: IpAddr, lines: Lines, now: Duration) -> Arc<Host> {
        Arc::new(Host {
            address,
            lines,
            last: Mutex::new(now),
        })
    }
}

impl Driver for Host {
    /// turmoil measures from its runtime's paused clock; without that runtime it would read the real one.
    fn now(&self) -> Duration {
        let inside = tokio::runtime::Handle::try_current().is_ok();
        let now = if inside { turmoil::sim_elapsed() } else { None };
        let mut last = self.last.lock();
        *last = now.unwrap_or_default().max(*last);
        *last
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a host's runtime has virtual time"
    )]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a host's runtime is seeded and ends with the host"
    )]
    fn spawn(&self, _name: &'static str, body: BoxFuture<'static, ()>) {
        if tokio::runtime::Handle::try_current().is_ok() {
            drop(tokio::spawn(body));
        }
        // Otherwise the host is being dropped, and so is what it would start.
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Stream>> {
        let lines = self.lines.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            Ok(Box::new(Tcp::new(stream, &lines)?) as Stream)
        }
        .boxed()
    }

    /// turmoil listens on all addresses of a host or on loopback; a host has one address.
    fn bind(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Listener>>> {
        let (own, lines) = (self.address, self.lines.clone());
        async move {
            if address.ip() != own && !address.ip().is_unspecified() && !address.ip().is_loopback()
            {
                return Err(io::ErrorKind::AddrNotAvailable.into());
            }
            let everywhere = if address.ip() == own {
                IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            } else {
                address.ip()
            };
            let listener = TcpListener::bind((everywhere, address.port())).await?;
            let local = SocketAddr::new(address.ip(), listener.local_addr()?.port());
            Ok(Box::new(Bound {
                listener,
                local,
                lines,
            }) as Box<dyn Listener>)
        }
        .boxed()
    }
}

struct Bound {
    listener: TcpListener,
    local: SocketAddr,
    lines: Lines,
}

impl Listener for Bound {
    fn accept(&self) -> BoxFuture<'_, io::Result<(Stream, SocketAddr)>> {
        async {
            let (stream, from) = self.listener.accept().await?;
            Ok((Box::new(Tcp::new(stream, &self.lines)?) as Stream, from))
        }
        .boxed()
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

/// A connection that the harness can reset.
struct Tcp {
    stream: TcpStream,
    line: Arc<Line>,
}

impl Tcp {
    fn new(stream: TcpStream, lines: &Lines) -> io::Result<Tcp> {
        let line = lines.add(stream.local_addr()?.ip(), stream.peer_addr()?.ip());
        Ok(Tcp { stream, line })
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.line.check()?;
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if result.is_pending() {
            self.line.reader_waits(context.waker());
        }
        result
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.check()?;
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        if result.is_pending() {
            self.line.writer_waits(context.waker());
        }
        result
    }

    /// One segment for all slices, as a kernel would send them.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        self.poll_write(context, &bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
