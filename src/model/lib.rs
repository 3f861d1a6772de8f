//! Rows as bytes: images, keys, merging, streams; mutations, read commands and filters.
//!
//! What the layers above store, send and answer is bytes with an order and a join, and this crate is where both are
//! defined. It has no clock, no file and no thread: "now" comes in with each call.
//!
//! - [`id`], [`deletion`], [`liveness`], [`cell`]: the atoms, and for each the total order by which two versions merge.
//! - [`image`]: a row as one canonical byte string, and what can be done to it: build, look, merge, shadow, purge.
//! - [`key`]: partition keys in token order, clustering keys whose plain byte order is the table's order, slices and
//!   range tombstones between them.
//! - [`mutation`]: the change of one partition, as the commit log and other nodes receive it.
//! - [`stream`]: partitions, rows and range tombstones in order, one step at a time; [`stream::Merge`] joins several.
//! - [`filter`], [`read`]: what a query asks of a stream, and the live rows that come of it.
//!
//! What always holds: merging is commutative, associative and idempotent, and one logical row has exactly one
//! encoding. Functions named `check` take any bytes and never panic; views take bytes that were checked, or that this
//! crate made, and answer damage with a wrong row rather than a panic.
//!
//! The crate knows no table definition, no replica and no consistency level.

pub mod cell;
pub mod deletion;
pub mod id;
pub mod liveness;

pub mod image;
pub mod key;

pub mod mutation;
pub mod stream;

pub mod filter;
pub mod read;

pub use cell::Cell;
pub use deletion::Deletion;
pub use id::{ColumnId, Columns, TableId, Timestamp};
pub use key::{PartitionKey, PartitionKeyRef};
pub use liveness::Liveness;

/// Bytes that are not what this crate writes: where, and what is wrong there.
pub use base::bytes::Error as Damage;
