//! Reading: one stream over a table's memtables and files.
//!
//! - [`Cursor`] goes through a command's partitions: a list key by key, in the list's order; a range in one merge.
//! - `point` reads single rows without a merge, newest files first, and stops when nothing older can matter.
//! - `source` is what a merge joins.
//!
//! A cursor holds the memtables and files of its beginning alive, but no lock. Files that cannot hold anything of what
//! is asked for, by token, clustering key or filter, are not looked into.

mod cursor;
mod point;
pub(crate) mod source;

pub use self::cursor::Cursor;
