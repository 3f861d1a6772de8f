//! The native protocol listener: connections, turns, events. Knows no table.
//!
//! - [`Server`] binds the port and starts a task per connection; it drains them too.
//! - `connection` is that task: the handshake, the turn loop over [`query::Service`], events, back-pressure.
//! - [`Clients`] lists the connections for `system_views.clients`; it is made before the services that read it.
//! - [`Metrics`] counts what happened; [`Budget`] is the memory that all connections share.
//!
//! What always holds:
//! - A request is answered once, whatever its bytes are; at worst its connection is closed after the answer.
//! - No task is started per request, no lock is held across an await, and nothing acts when it is dropped.
//! - What a connection holds is bounded: half a frame, 1 MiB of answers and 1,024 waiting requests, or its socket is not read.

mod budget;
mod clients;
mod connection;
mod listener;
mod metrics;
mod options;
mod seldom;

pub use budget::Budget;
pub use clients::Clients;
pub use listener::Server;
pub use metrics::{Metrics, Snapshot};
pub use options::Options;
