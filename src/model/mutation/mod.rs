//! The change of one partition, as the commit log, the memtable and other nodes receive it.
//!
//! [`format`](mod@format) is the byte table. [`Encoder`] appends one to a buffer that may hold others; [`View`] walks
//! one; [`check()`] judges bytes from elsewhere.

mod check;
mod encoder;
pub mod format;
mod view;

pub use check::check;
pub use encoder::Encoder;
pub use view::{Element, Elements, View};

/// A mutation that cannot be made. The client sends something smaller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The partition key, or the clustering key, is beyond its limit.
    #[error("Key length of {bytes} is longer than maximum of {max}")]
    KeyTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The whole mutation is beyond its limit.
    #[error("Mutation of {bytes} bytes is too large for the maximum size of {max}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

#[cfg(test)]
mod tests;
