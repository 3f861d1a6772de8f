//! Keys: where a row is.
//!
//! - A partition is found by its token, then by the bytes of its key ([`partition`]).
//! - A row within it is found by its clustering key, made so that plain byte order is the table's order
//!   ([`clustering`]). A table without clustering columns has the empty key.
//! - A [`Slice`] is a range of clustering keys, a [`RangeTombstone`] the deletion of one; both are byte ranges, closed
//!   at the start and open at the end.
//! - [`originals`] keeps the client's own bytes of components that encode equal to others.

mod bytes;
pub mod clustering;
pub mod originals;
pub mod partition;
pub mod range;
mod slice;

pub use bytes::KeyBytes;
pub use clustering::{Component, Order};
pub use partition::{PartitionKey, PartitionKeyRef};
pub use range::{RangeTombstone, RangeTombstoneRef};
pub use slice::Slice;
