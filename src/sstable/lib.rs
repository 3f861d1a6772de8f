//! One immutable sorted file: format, writer, reader, block cache. Knows no table's history.
//!
//! - [`format`](mod@format) is the file, byte by byte, with [`position`] (the order of entries as bytes), [`data`], [`index`],
//!   [`filter`] and [`statistics`] for the contents of its blocks.
//! - [`Writer`] makes a file from entries in order; [`Reader`] answers from one, through the block [`Cache`]: a
//!   [`Cursor`] is a `model` stream of keys, key ranges and slices, a [`Lookup`] finds one row.
//! - [`inspect`] reads a file that lies in memory as plain bytes, checks all of it, and prints it.
//!
//! What always holds:
//! - A file under its final name was complete and synced before it got that name.
//! - A damaged byte anywhere gives [`Error::Corrupt`] with file and offset, when it is read; never a panic, never
//!   other data.
//! - No lock is held while a cursor waits, and reading a block waits for the disk in the read pool only.
//!
//! Which files are live, what they replace, and what to do with a damaged one is for `storage` to know.

mod error;

pub mod data;
pub mod filter;
pub mod format;
pub mod index;
pub mod position;
pub mod statistics;

mod writer;

mod blocks;
mod cache;
mod reader;

mod cursor;
mod lookup;
mod walk;

pub mod inspect;

pub use blocks::Load;
pub use cache::{Cache, Usage};
pub use cursor::{Cursor, Scan};
pub use error::Error;
pub use lookup::{Found, Lookup};
pub use reader::{Expected, Reader};
pub use statistics::Statistics;
pub use writer::{Options, Pull, Summary, Writer};

/// The number of a file, never used again in a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u64);

impl std::fmt::Display for FileId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
