//! The engine: commit log, memtables, SSTables, compaction. Has never heard of replicas.
//!
//! A write is encoded once, into a turn's frame ([`Turn`]). The frame goes to the [`commitlog`], the same bytes then to
//! `memtable`s; the answer waits for the log's sync. When memtables weigh enough they are flushed to files (crate
//! `sstable`), which the [`manifest`] lists; the log's segments are used again. Files are merged by [`compaction`]. A
//! read is one merged stream over memtables and files ([`Cursor`]).
//!
//! What always holds:
//! - An acknowledged write is in the synced part of the log, or in a live file, at every instant.
//! - Nothing is visible that the kernel does not hold, and a failed append has applied nothing.
//! - Damage is refused with file and offset. It never reads as other data, and is never skipped over.
//! - Nothing acts when a value is dropped: after a power failure, nothing happens.
//!
//! It knows tables, columns and options, but no statement, no replica and no consistency level. What a timestamp means,
//! and which writes must be ordered, is for its callers.

mod error;
mod facts;
mod options;

pub mod commitlog;
pub mod manifest;

mod generation;
mod large_rows;
mod memtable;
mod rest;
mod scan;
mod sieve;
mod table;

mod budget;
mod core;
mod open;
mod turn;

mod read;

pub mod compaction;
mod files;
mod flush;

mod change;
mod truncate;

mod engine;
mod status;

pub use commitlog::{Position, Synced};
pub use engine::Engine;
pub use error::Error;
pub use facts::{Facts, Truncations};
pub use open::{Paths, followed_epoch};
pub use options::{Options, SyncMode};
pub use read::Cursor;
pub use status::{Status, TableStatus};
pub use turn::{Turn, Write};
