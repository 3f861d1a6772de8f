//! What an operator may tune, and how long a client may take.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use base::limits::{FRAME_BYTES_MAX, MIB};

/// The listener's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Connections at one time; more are closed at once. Each costs a few KiB when idle.
    pub connections_max: usize,
    /// Connections at one time from one address; none for no limit.
    pub connections_per_address_max: Option<usize>,
    /// Bytes of requests and answers that all connections together may hold before requests are refused as OVERLOADED:
    /// a fifth of the memory limit of a small node.
    pub in_flight_bytes_max: usize,
    /// The body of one request; a larger one is answered with an error.
    pub frame_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 9042)),
            connections_max: 16_384,
            connections_per_address_max: None,
            in_flight_bytes_max: 64 * MIB,
            frame_bytes_max: FRAME_BYTES_MAX,
        }
    }
}

/// Time for a client to open its connection with STARTUP. Drivers take milliseconds.
pub(crate) const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(60);
/// Time for the rest of a frame once it began: 16 MiB at 1 Mbit/s.
pub(crate) const FRAME_TIME_MAX: Duration = Duration::from_secs(140);
/// Time without any progress in sending answers, after which nobody is thought to be there.
pub(crate) const STALL_TIME_MAX: Duration = Duration::from_secs(120);
/// Quiet time after which a connection gives back its buffers.
pub(crate) const QUIET_TIME: Duration = Duration::from_secs(10);
/// Time for requests that still wait when a connection is to be closed.
pub(crate) const FINISH_TIME_MAX: Duration = Duration::from_secs(10);
/// Time for a client to notice the end and close its side. Closing at once could destroy the last answer on its way.
pub(crate) const LINGER_TIME_MAX: Duration = Duration::from_secs(1);
/// Pause after the operating system refused to accept, for lack of file handles usually.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
