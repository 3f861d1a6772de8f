//! What a query asks of a stream, and the rows that come of it.
//!
//! A [`Command`] names a table, columns, partitions, slices and limits: all bytes and ids, so it can be sent to another
//! node as it is ([`Command::encode`]). Storage gives a stream for it; [`Rows`] makes live rows of that stream.

mod command;
pub mod format;
mod keys;
mod rows;

pub use crate::id::Columns;
pub use command::{Command, Limits};
pub use keys::{KeyEdge, KeyRange, Keys, Position};
pub use rows::{RowStep, Rows};

#[cfg(test)]
mod tests;
