//! The byte-comparable form of values, version 1: clustering keys in memtables and SSTables are made of it.
//!
//! The plain order of the bytes is the order of [`crate::Type::compare`]; equal values have equal bytes; no form is
//! a prefix of another of the same type, so forms can be strung together. Integers are big-endian.
//!
//! | Type | Form |
//! |---|---|
//! | tinyint, smallint, int, bigint, counter, timestamp | the value, its sign bit inverted |
//! | boolean | 0 or 1 |
//! | date, time | the value |
//! | float, double | sign bit inverted, or all bits when it was set; every NaN as the quiet positive one |
//! | uuid | version (4 bits); the rest of the high word, for version 1 the time from its highest bits; the low word |
//! | timeuuid | 1 (4 bits), time from its highest bits; the low word, the sign bit of each byte inverted |
//! | ascii, text, blob, inet, duration | the bytes, each 0 as [`ESCAPED_ZERO`], then [`TEXT_END`] |
//! | varint | below |
//! | decimal | below |
//! | list, set | per element [`PRESENT`] and its form, or [`EMPTY`]; then [`END`] |
//! | map | the same, keys and values in turn |
//! | tuple, udt | the same, null components [`NULL`], trailing ones left out; then [`END`] |
//! | vector | the forms of elements of fixed length; others with [`PRESENT`] or [`EMPTY`] before each |
//!
//! *Varint*, not negative: a length byte and the magnitude without leading zeros. The length byte is
//! [`VARINT_ZERO`] + length up to [`VARINT_SHORT_MAX`]; for longer ones [`VARINT_ZERO`] + [`VARINT_SHORT_MAX`] + the
//! number of bytes of the length (1 to 4), then the length. Negative: the form of `-1 - number`, all bits inverted.
//!
//! *Decimal*, positive, as `0.digits * 10^exponent` with digits without zeros at either end: the exponent, then the
//! digits in pairs, each pair as a byte of its number + 1 (an odd last digit is followed by 0), then 0. The exponent
//! is one byte, [`DECIMAL_ONE`] + exponent, from -[`DECIMAL_SHORT_MAX`] to [`DECIMAL_SHORT_MAX`]; a smaller one is
//! [`DECIMAL_TINY`] and a larger one [`DECIMAL_HUGE`], then the exponent + 2^39 in 5 bytes. Zero: [`DECIMAL_ZERO`].
//! Negative: the form of the positive number, all bits inverted.
//!
//! Decoding refuses bytes that encoding does not produce.

/// How a zero byte inside a byte string is written.
pub const ESCAPED_ZERO: [u8; 2] = [0x00, 0xff];
/// The end of a byte string.
pub const TEXT_END: [u8; 2] = [0x00, 0x00];

/// The end of a composed value.
pub const END: u8 = 0;
/// A null component.
pub const NULL: u8 = 1;
/// A part of zero bytes.
pub const EMPTY: u8 = 2;
/// A part with a form.
pub const PRESENT: u8 = 3;

/// The first byte of the varint 0.
pub const VARINT_ZERO: u8 = 0x80;
/// The most magnitude bytes whose count fits in the first byte.
pub const VARINT_SHORT_MAX: u8 = 100;

/// The form of the decimal 0.
pub const DECIMAL_ZERO: u8 = 0x80;
/// The first byte of a positive decimal with an exponent below the short ones.
pub const DECIMAL_TINY: u8 = 0x81;
/// The first byte of a positive decimal with an exponent of 0.
pub const DECIMAL_ONE: u8 = DECIMAL_TINY + 1 + DECIMAL_SHORT_MAX;
/// The first byte of a positive decimal with an exponent above the short ones.
pub const DECIMAL_HUGE: u8 = DECIMAL_ONE + DECIMAL_SHORT_MAX + 1;
/// The largest exponent, of either sign, that fits in the first byte.
pub const DECIMAL_SHORT_MAX: u8 = 60;
/// What makes a long exponent unsigned.
pub const DECIMAL_BIAS: i64 = 1 << 39;
