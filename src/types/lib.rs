//! CQL types and values: wire form, text form, order, byte-comparable form, and the partition token.
//!
//! A value is bytes in CQL's serialized form from the client's bind to the result row; this crate knows what those
//! bytes mean. Nothing here allocates a tree of values: functions take a [`Type`] and a byte slice and answer.
//!
//! - [`Type`] names a type; its text is CQL's spelling, [`Type::encode`] its form in the catalog and in files.
//! - [`Type::validate`] judges a client's bytes, [`Type::compare`] orders two values as Cassandra does, and
//!   [`Type::format`] prints one as a CQL literal.
//! - [`literal`] turns constants of the language into bytes; [`cast`] converts between types.
//! - [`comparable`] maps values to bytes whose plain order is the type's order: clustering keys are made of them.
//! - [`collection`], [`mod@tuple`], [`udt`] and [`mod@vector`] read and write composed values.
//! - [`value`] has the typed codecs (decimal, varint, uuid, dates) that functions, casts and literals share.
//! - [`aggregate`] sums and averages numbers in their own types; [`token`] hashes a partition key.
//!
//! What always holds: no function panics or allocates beyond a small multiple of its input, whatever the bytes;
//! recursion follows the type, whose nesting is at most [`NESTING_MAX`] deep when it came from [`Type::decode`] or
//! passed [`Type::check_nesting`].
//!
//! The crate knows no table, no column name and no clock: the caller adds names to its errors and passes times in.

mod error;
mod kind;
mod marshal;
pub mod name;
mod spelling;

pub mod collection;
pub mod tuple;
pub mod udt;
pub mod vector;

mod compare;
mod format;
mod print;
mod validate;

pub mod value;

pub mod aggregate;
pub mod cast;
pub mod comparable;
pub mod literal;

pub mod token;

pub use error::Error;
pub use format::NESTING_MAX;
pub use kind::Type;
pub use token::Token;
