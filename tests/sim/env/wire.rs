//! Connections of a simulated node: traced, and dead when the node is.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base::checksum::crc32;
use base::env::{BoxFuture, Listener, Stream};
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::disk::{Mount, power_failure_error};
use crate::node::Monitor;

/// What a node's connections need to know of it.
#[derive(Clone)]
pub(crate) struct Wires {
    pub(crate) mount: Mount,
    pub(crate) monitor: Arc<Monitor>,
}

impl Wires {
    /// Refuses the calls of a dead node.
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.mount.is_alive() {
            Ok(())
        } else {
            Err(power_failure_error())
        }
    }

    pub(crate) fn stream(&self, inner: Stream) -> Stream {
        let number = self.monitor.connection();
        Box::new(Wire {
            inner,
            number,
            wires: self.clone(),
        })
    }

    pub(crate) fn listener(&self, inner: Box<dyn Listener>) -> Box<dyn Listener> {
        Box::new(Watched {
            inner,
            wires: self.clone(),
        })
    }
}

struct Watched {
    inner: Box<dyn Listener>,
    wires: Wires,
}

impl Listener for Watched {
    fn accept(&self) -> BoxFuture<'_, io::Result<(Stream, SocketAddr)>> {
        async {
            self.wires.check()?;
            let (stream, from) = self.inner.accept().await?;
            Ok((self.wires.stream(stream), from))
        }
        .boxed()
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

struct Wire {
    inner: Stream,
    number: u64,
    wires: Wires,
}

impl Wire {
    fn record(&self, what: &'static str, bytes: &[u8]) {
        let figure = (bytes.len() as u64) << 32 | u64::from(crc32(bytes));
        self.wires.monitor.record(what, [self.number, figure]);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.wires.check()?;
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(context, buffer);
        if let Poll::Ready(Ok(())) = result {
            self.record("receive", &buffer.filled()[before..]);
        }
        result
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wires.check()?;
        let result = Pin::new(&mut self.inner).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = result {
            self.record("send", &bytes[..count]);
        }
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wires.check()?;
        let result = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        if let Poll::Ready(Ok(count)) = result {
            let bytes: Vec<u8> = slices
                .iter()
                .flat_map(|slice| slice.iter().copied())
                .take(count)
                .collect();
            self.record("send", &bytes);
        }
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wires.check()?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wires.check()?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
