//! Reads, writes and paging at a consistency level, from storage or a virtual source.
//!
//! A [`Coordinator`] carries out what `query` has planned: it finds where the rows of a table come
//! from, gives writes their timestamps, and knows how far a read has come. On a single node every
//! consistency level is met by this node alone; what differs is refused where it must be.
//!
//! - [`Turn`] is one turn of a connection: the storage turn with one reading of the clock.
//! - [`Promise`] is at which level a request is carried out, and until when.
//! - [`Read`] yields the live rows of a command, one step at a time.
//! - [`paging`] is the state between two pages, which any node can continue.
//! - [`Queues`] are the lines in which operations that read before they write wait.
//! - [`clock`] keeps the hybrid clock from repeating a time across restarts.
//!
//! What always holds: a timestamp that this node issues is larger than all it issued before, in this
//! life and earlier ones; a read holds no lock between two steps.
//!
//! The crate knows no statement, no column name and no client.

pub mod clock;
mod coordinator;
mod error;
mod options;
pub mod paging;
mod promise;
mod queue;
mod read;
mod registry;
mod turn;

pub use coordinator::Coordinator;
pub use error::Error;
pub use options::Options;
pub use promise::Promise;
pub use queue::{Guard, Queues};
pub use read::{LiveRow, Read};
pub use registry::Registry;
pub use turn::Turn;
