//! The row image: one row as one byte string, from the client's bind to the result.
//!
//! [`format`](mod@format) is the byte table. One logical row has exactly one image, so equal rows are equal bytes and a digest
//! hashes images as they are. To that end an image is always *normal*: nothing in it is covered by its own deletions,
//! columns and paths ascend without duplicates, and a collection without deletion or elements is absent.
//!
//! - [`View`] looks into one, [`Builder`] makes one, [`check()`] judges bytes from elsewhere.
//! - [`merge()`] joins two, [`shadow()`] applies a deletion from outside, [`purge()`] is what compaction may drop,
//!   [`project()`] keeps some columns.
//! - [`collect()`] turns the cells of a collection or user-defined type into the value that a client sees.
//!
//! All that write go through one encoder, which walks its input twice: once to find the smallest timestamp and whether
//! one timestamp serves all cells, once to write. Walking costs less than keeping a list.

mod builder;
mod check;
mod collect;
mod encode;
pub mod format;
mod merge;
mod project;
mod purge;
mod shadow;
mod view;

pub use builder::Builder;
pub use check::check;
pub use collect::{collect, list_path};
pub(crate) use encode::insert_varint;
pub use merge::merge;
pub use project::project;
pub use purge::{Purge, purge};
pub use shadow::shadow;
pub use view::{Column, ColumnIter, Complex, Elements, View};

#[cfg(test)]
pub(crate) mod model;
#[cfg(test)]
mod tests;
