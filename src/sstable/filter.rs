//! Bloom filters by token, so that a point read skips files that do not have its partition.
//!
//! A filter block covers the partitions of consecutive tokens. It is *blocked*: all bits of one token lie in one line
//! of 512 bits, so a test touches one cache line. A token is already a hash of its key, but tokens of one filter are
//! neighbours and share their high bits, so they are mixed once more:
//!
//! 1. `h = mix(token)`, the 64-bit finalizer of Murmur3;
//! 2. the line is the high half of `h` scaled to the number of lines: `(h >> 32) * lines >> 32`;
//! 3. probe *i* is bit `(mix(h) >> 9 * i) & 511` of the line, for at most seven probes.
//!
//! At 10 bits a partition and seven probes about 1 % of the tests for absent partitions say "maybe". Two keys of one
//! token are one member.
//!
//! A [`Directory`] of all filter blocks stays in memory: 20 bytes for some 13,000 partitions.

use base::bytes::{self, Reader};
use types::token::Token;

use crate::format::Handle;

/// Bytes of a line.
const LINE_BYTES: usize = 64;
/// Bytes before the lines.
const PREFIX_BYTES: usize = 4;
/// Nine bits a probe: seven fit into 64.
const PROBES_MAX: u8 = 7;
/// What a filter block aims at.
pub const BLOCK_BYTES: usize = 16 * 1024;

/// A decoded filter block.
#[derive(Debug)]
pub struct Filter {
    plain: Vec<u8>,
    probes: u8,
    lines: u64,
}

impl Filter {
    /// Takes the contents of a filter block.
    pub fn decode(plain: Vec<u8>) -> Result<Filter, bytes::Error> {
        let mut input = Reader::new(&plain);
        let probes = input.u8()?;
        let zeros = input.fixed::<3>()?;
        let line_bytes = input.remaining();
        if probes == 0 || probes > PROBES_MAX || zeros != [0; 3] {
            return Err(input.error("impossible filter"));
        }
        if line_bytes == 0 || !line_bytes.is_multiple_of(LINE_BYTES) {
            return Err(input.error("filter of broken lines"));
        }
        Ok(Filter {
            probes,
            lines: (line_bytes / LINE_BYTES) as u64,
            plain,
        })
    }

    /// Whether a partition of this token may be there; false is certain.
    #[inline]
    pub fn may_contain(&self, token: Token) -> bool {
        let (start, bits) = place(token, self.lines);
        let Some(line) = self.plain.get(start..start + LINE_BYTES) else {
            return true;
        };
        probes(bits, self.probes).all(|bit| line[bit / 8] & (1 << (bit % 8)) != 0)
    }

    /// Bytes of memory.
    pub fn weight(&self) -> usize {
        self.plain.len()
    }
}

/// Where a token's line starts, and the bits its probes come from.
#[inline]
fn place(token: Token, lines: u64) -> (usize, u64) {
    let hash = mix(token.0 as u64);
    let line = ((hash >> 32) * lines) >> 32;
    (PREFIX_BYTES + line as usize * LINE_BYTES, mix(hash))
}

#[inline]
fn probes(bits: u64, count: u8) -> impl Iterator<Item = usize> {
    (0..count).map(move |probe| (bits >> (9 * probe)) as usize & 511)
}

#[inline]
fn mix(mut value: u64) -> u64 {
    value ^= value >> 33;
    value = value.wrapping_mul(0xff51_afd7_ed55_8ccd);
    value ^= value >> 33;
    value = value.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

/// Collects tokens and writes filter blocks.
#[derive(Debug)]
pub struct Builder {
    bits_per_partition: u32,
    tokens: Vec<Token>,
}

impl Builder {
    /// A builder that spends this many bits on a partition; none at all makes no filter.
    pub fn new(bits_per_partition: u32) -> Builder {
        Builder {
            bits_per_partition,
            tokens: Vec::new(),
        }
    }

    /// Adds a partition; tokens ascend.
    pub fn add(&mut self, token: Token) {
        if self.bits_per_partition > 0 && self.tokens.last() != Some(&token) {
            self.tokens.push(token);
        }
    }

    /// Bytes of memory.
    pub fn weight(&self) -> usize {
        self.tokens.len() * size_of::<Token>()
    }

    /// Whether the tokens so far fill a block.
    pub fn is_full(&self) -> bool {
        self.tokens.len() as u64 * u64::from(self.bits_per_partition) >= BLOCK_BYTES as u64 * 8
    }

    /// Appends the contents of a block of all tokens so far to `out`, and forgets them; returns the first of them.
    pub fn take(&mut self, out: &mut Vec<u8>) -> Option<Token> {
        let first = *self.tokens.first()?;
        let bits = self.tokens.len() as u64 * u64::from(self.bits_per_partition);
        let lines = bits.div_ceil(LINE_BYTES as u64 * 8);
        let probe_count = probe_count(self.bits_per_partition);
        let start = out.len();
        out.extend_from_slice(&[probe_count, 0, 0, 0]);
        out.resize(start + PREFIX_BYTES + lines as usize * LINE_BYTES, 0);
        let plain = &mut out[start..];
        for token in self.tokens.drain(..) {
            let (line, bits) = place(token, lines);
            for bit in probes(bits, probe_count) {
                plain[line + bit / 8] |= 1 << (bit % 8);
            }
        }
        Some(first)
    }
}

/// The best number of probes is the bits a partition times ln 2.
fn probe_count(bits_per_partition: u32) -> u8 {
    let best = u64::from(bits_per_partition) * 693 / 1000;
    best.clamp(1, u64::from(PROBES_MAX)) as u8
}

/// Where the filter blocks of a file are, by their first tokens.
#[derive(Debug, Default)]
pub struct Directory {
    entries: Vec<(Token, Handle)>,
}

impl Directory {
    /// Decodes the contents of a directory; handles are checked against `file_len`.
    pub fn decode(plain: &[u8], file_len: u64) -> Result<Directory, bytes::Error> {
        let mut input = Reader::new(plain);
        let mut entries: Vec<(Token, Handle)> = Vec::new();
        while !input.is_empty() {
            let start = input.clone();
            let token = Token(input.i64_le()?);
            let handle = Handle {
                offset: input.u64_le()?,
                len: input.u32_le()?,
            };
            handle.check(file_len).map_err(|what| start.error(what))?;
            if entries.last().is_some_and(|(former, _)| *former > token) {
                return Err(start.error("filters out of order"));
            }
            entries.push((token, handle));
        }
        Ok(Directory { entries })
    }

    /// Adds a filter block.
    pub fn add(&mut self, first: Token, handle: Handle) {
        self.entries.push((first, handle));
    }

    /// Appends the contents of the directory.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for (token, handle) in &self.entries {
            out.extend_from_slice(&token.0.to_le_bytes());
            out.extend_from_slice(&handle.offset.to_le_bytes());
            out.extend_from_slice(&handle.len.to_le_bytes());
        }
    }

    /// The filter block that covers a token; `None` if the token is below all of them.
    pub fn find(&self, token: Token) -> Option<Handle> {
        let after = self.entries.partition_point(|(first, _)| *first <= token);
        let entry = self.entries.get(after.checked_sub(1)?)?;
        Some(entry.1)
    }

    /// Whether the file has no filter block.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All filter blocks with their first tokens.
    pub fn iter(&self) -> impl Iterator<Item = (Token, Handle)> + '_ {
        self.entries.iter().copied()
    }

    /// Bytes of memory.
    pub fn weight(&self) -> usize {
        self.entries.len() * size_of::<(Token, Handle)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(bits: u32, tokens: impl Iterator<Item = i64>) -> Filter {
        let mut builder = Builder::new(bits);
        tokens.for_each(|token| builder.add(Token(token)));
        let mut plain = Vec::new();
        builder.take(&mut plain).expect("not empty");
        Filter::decode(plain).expect("own filter")
    }

    #[test]
    fn members_are_found_and_others_seldom() {
        // Neighbouring tokens, as a filter of a large file has.
        let filter = filter(10, (0..13_000).map(|token| token * 2));
        assert!((0..13_000).all(|token| filter.may_contain(Token(token * 2))));
        let wrong = (0..13_000)
            .filter(|token| filter.may_contain(Token(token * 2 + 1)))
            .count();
        assert!((13..300).contains(&wrong), "{wrong} of 13000");
    }

    #[test]
    fn a_full_block_is_of_its_size() {
        let mut builder = Builder::new(10);
        let mut token = 0;
        while !builder.is_full() {
            builder.add(Token(token));
            token += 1;
        }
        let mut plain = Vec::new();
        assert_eq!(builder.take(&mut plain), Some(Token(0)));
        assert!(
            plain.len() >= BLOCK_BYTES && plain.len() <= BLOCK_BYTES + PREFIX_BYTES + LINE_BYTES
        );
        assert_eq!(builder.take(&mut plain), None, "it is empty again");
    }

    #[test]
    fn no_bits_no_filter() {
        let mut builder = Builder::new(0);
        builder.add(Token(1));
        assert_eq!(builder.take(&mut Vec::new()), None);
    }

    #[test]
    fn impossible_filters_are_refused() {
        for plain in [
            vec![],
            vec![7, 0, 0, 0],
            vec![7; 68],
            [vec![8, 0, 0, 0], vec![0; 64]].concat(),
            [vec![7, 0, 0, 0], vec![0; 63]].concat(),
        ] {
            assert!(Filter::decode(plain).is_err());
        }
    }

    #[test]
    fn directories_round_trip_and_find() {
        let handle = |at: u64| Handle {
            offset: 40 + at,
            len: 100,
        };
        let mut directory = Directory::default();
        directory.add(Token(-5), handle(0));
        directory.add(Token(10), handle(100));
        let mut plain = Vec::new();
        directory.encode(&mut plain);
        let directory = Directory::decode(&plain, 1_000).expect("valid");
        assert_eq!(directory.find(Token(-6)), None);
        assert_eq!(directory.find(Token(9)), Some(handle(0)));
        assert_eq!(directory.find(Token(10)), Some(handle(100)));
        assert!(Directory::decode(&plain[1..], 1_000).is_err());
        assert!(Directory::decode(&plain, 200).is_err());
    }
}
