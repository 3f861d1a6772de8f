//! Typed codecs of single values: what literals, printing, casts and functions share.
//!
//! Each module reads a type's bytes into a Rust value and writes it back. Readers answer `None` or an error for
//! bytes that [`crate::Type::validate`] refuses; zero bytes are never a value here, the caller sorts them out first.

pub mod number;
pub mod varint;

pub mod decimal;

pub mod date;
pub mod duration;
pub mod time;
pub mod timestamp;

pub mod hex;
pub mod inet;
pub mod uuid;
