//! The native protocol in both directions, v4 and v5, and its errors.
//!
//! Everything here is a step from bytes to values or back; nothing opens a socket, knows a clock or a statement. A message goes
//! through these modules, from the socket up:
//!
//! 1. `segment`: v5's checksummed carriers;
//! 2. `frame`: envelopes, with `compress` for v4's bodies; `frame::Decoder` and `frame::Encoder` are a connection's two ends;
//! 3. `request`: what clients ask, borrowed from the envelope;
//! 4. `response`, with `result`, `event` and `error`: what servers answer; rows are written straight into the output.
//!
//! `wire` has the notation that all of them share, `client` a small client for simulation, tests and tools.
//!
//! - Whatever bytes arrive, the worst is an error: no panic, and no memory beyond the frame limit.
//! - What is written can be read back by the other direction to the same value, on both versions.

pub mod digest;
pub mod version;
pub mod wire;

pub mod compress;
pub mod frame;
pub mod segment;

pub mod consistency;
pub mod error;
pub mod event;
pub mod request;
pub mod response;
pub mod result;

pub mod client;

pub use consistency::Consistency;
pub use digest::{digest128, prepared_id};
pub use error::Error;
pub use event::Event;
pub use version::Version;
