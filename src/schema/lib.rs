//! The catalog and its changes as pure steps; DESCRIBE; system table definitions.
//!
//! - [`Catalog`] is one immutable snapshot of all keyspaces, tables and types. Whoever holds it sees one schema.
//! - [`Change`] is one step from a snapshot to the next. [`ddl::resolve`] makes it from a statement, and
//!   [`Catalog::apply`] carries it out: pure and total, so every node that applies the same changes in the same order
//!   has the same catalog, and [`Catalog::version`] says so.
//! - [`types::resolve`] turns a type as written into a type.
//! - [`describe`] prints a catalog as the statements that make it again.
//! - [`system`] defines the tables every node has, [`virtual_table`] is how their rows are computed, and
//!   [`system_schema`] computes those that show the catalog itself.
//!
//! What always holds: a column id is never used twice in a table, and a catalog decoded from its encoding equals it.
//!
//! The crate knows no log, no node and no client: who decides the order of changes, where replicas live and how an
//! error is worded on the wire are others' business.

mod catalog;
mod class;
mod codec;
mod content;
mod error;
mod keyspace;

pub mod change;
pub mod ddl;
pub mod describe;
pub mod property;
pub mod system;
pub mod system_schema;
pub mod table;
pub mod types;
pub mod virtual_table;

pub use catalog::Catalog;
pub use change::{Change, Effect, Outcome, Topology};
pub use codec::DecodeError;
pub use error::Error;
pub use keyspace::{Keyspace, Replication};
pub use table::{Column, Table};
