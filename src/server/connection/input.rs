//! What the socket has brought: bytes, and the requests in them.
//!
//! The buffer grows with the bytes that came, never with the length that a header announces, and is used again once its
//! requests are answered: their bodies are windows onto it. While a client is quiet there is none.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use base::env::Stream;
use base::limits::KIB;
use bytes::BytesMut;
use protocol::frame::{Decoder, Envelope, Failure};
use protocol::version::Version;
use tokio::io::AsyncReadExt;

use super::handshake::Wrapping;

/// Room for the first bytes after a pause, on the stack.
const FIRST_READ_BYTES: usize = 512;
/// Room for one read when little is to be expected.
const READ_BYTES_MIN: usize = 8 * KIB;
/// Room for one read of a client that fills each.
const READ_BYTES_MAX: usize = 256 * KIB;

/// The receiving half of a connection.
#[derive(Debug)]
pub(crate) struct Input {
    bytes: BytesMut,
    decoder: Decoder,
    /// Nothing whole is left: only more bytes can bring a request.
    is_hungry: bool,
    read_bytes: usize,
    /// The client has been quiet, or has not said anything yet: no memory is held for what it may send.
    is_quiet: bool,
    /// Nothing that comes is a request any more.
    is_over: bool,
}

impl Input {
    /// An empty one that takes frames with bodies of up to this many bytes.
    pub(crate) fn new(frame_bytes_max: usize) -> Input {
        Input {
            bytes: BytesMut::new(),
            decoder: Decoder::of_requests(frame_bytes_max),
            is_hungry: true,
            read_bytes: READ_BYTES_MIN,
            is_quiet: true,
            is_over: false,
        }
    }

    /// Whether only more bytes can bring a request.
    pub(crate) fn is_hungry(&self) -> bool {
        self.is_hungry
    }

    /// The version that the client speaks, once it has said so.
    pub(crate) fn version(&self) -> Option<Version> {
        self.decoder.version()
    }

    /// Bytes that were read and not taken.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.len() + self.decoder.pending_bytes()
    }

    /// From here on requests travel so.
    pub(crate) fn wrap(&mut self, wrapping: Wrapping) {
        self.decoder.settle_version();
        match wrapping {
            Wrapping::Plain => {}
            Wrapping::Bodies(compression) => self.decoder.use_compression(compression),
            Wrapping::Segments(format) => self.decoder.use_segments(format),
        }
    }

    /// The next whole request.
    pub(crate) fn next(&mut self) -> Result<Option<Envelope>, Failure> {
        if self.is_over {
            self.is_hungry = true;
            return Ok(None);
        }
        let next = self.decoder.decode(&mut self.bytes);
        if matches!(next, Ok(None)) {
            self.is_hungry = true;
        }
        next
    }

    /// Gives up the request that has begun, with its memory; its stream, if it is known.
    pub(crate) fn refuse(&mut self) -> Option<i16> {
        let stream = self.decoder.refuse(&mut self.bytes);
        self.release();
        stream
    }

    /// Reads what the socket has, in one call; the number of bytes, 0 at the end.
    pub(crate) fn poll_read(
        &mut self,
        stream: &mut Stream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.is_quiet {
            return self.poll_first_read(stream, context);
        }
        // A reservation that fits costs nothing; one that does not reuses the memory of requests that are gone.
        self.bytes.reserve(self.read_bytes);
        let room = self.bytes.capacity() - self.bytes.len();
        let read = pin!(stream.read_buf(&mut self.bytes)).poll(context);
        if let Poll::Ready(Ok(count)) = read {
            self.is_hungry = count == 0;
            self.adapt(count, room);
        }
        read
    }

    /// Reads the first bytes into the stack: only when there are some is a buffer made.
    fn poll_first_read(
        &mut self,
        stream: &mut Stream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut first = [0; FIRST_READ_BYTES];
        let read = pin!(stream.read(&mut first)).poll(context);
        if let Poll::Ready(Ok(count)) = read {
            self.is_hungry = count == 0;
            self.is_quiet = count == 0;
            self.bytes.extend_from_slice(&first[..count]);
        }
        read
    }

    /// Expects as much from the next read as from this one.
    fn adapt(&mut self, count: usize, room: usize) {
        if count == room {
            self.read_bytes = (2 * self.read_bytes).min(READ_BYTES_MAX);
        } else if count < self.read_bytes / 4 {
            self.read_bytes = (self.read_bytes / 2).max(READ_BYTES_MIN);
        }
    }

    /// Forgets what was read, and what will be: nothing of it can be trusted, or nobody wants it.
    pub(crate) fn discard(&mut self) {
        self.bytes.clear();
        self.is_hungry = true;
        self.is_over = true;
    }

    /// Gives the memory back if nothing is in it.
    pub(crate) fn release(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = BytesMut::new();
            self.read_bytes = READ_BYTES_MIN;
            self.is_quiet = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::io::AsyncWriteExt;

    use super::*;

    #[test]
    fn a_quiet_client_costs_no_buffer() {
        sim::local::block_on(1, |env| async move {
            let address = "127.0.0.1:1".parse().expect("an address");
            let listener = env.bind(address).await.expect("a free port");
            let mut client = env.connect(address).await.expect("it listens");
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut input = Input::new(1 << 20);
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..2 {
                assert!(input.poll_read(&mut stream, &mut context).is_pending());
                assert_eq!(input.bytes.capacity(), 0, "while it waits");
                let length = FIRST_READ_BYTES + 10;
                client
                    .write_all(&vec![4; length])
                    .await
                    .expect("it is sent");
                env.sleep(std::time::Duration::from_secs(1)).await;
                while input.held_bytes() < length {
                    assert!(input.poll_read(&mut stream, &mut context).is_ready());
                }
                input.bytes.clear();
                assert!(input.poll_read(&mut stream, &mut context).is_pending());
                assert!(input.bytes.capacity() > 0, "while it is busy");
                input.release();
            }
        });
    }
}
