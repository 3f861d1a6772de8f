//! Effects and plain tools that every layer stands on.
//!
//! - [`env`](mod@env): the one door to clock, network, files, randomness and tasks; the real environment lives there,
//!   the simulated one is the crate `sim`.
//! - [`bytes`]: a checked cursor over untrusted bytes, and variable-length integers.
//! - [`checksum`], [`compress`]: crc32 with a salt; LZ4, Snappy and Zstandard as raw blocks with exact lengths.
//! - [`hybrid`]: timestamps that never repeat, even across restarts.
//! - [`meter`], [`limits`], [`counters`]: how much work a turn did, how much anything may be, how often it happened.
//! - [`text`]: the nearest known name, for errors that suggest one.
//!
//! Nothing here knows CQL, rows or nodes.

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!(
    "the feature `mutants` plants bugs for tests; nothing that is released is built with it"
);

pub mod bytes;
pub mod checksum;
pub mod compress;
pub mod counters;
pub mod env;
pub mod hybrid;
pub mod limits;
pub mod meter;
pub mod text;
