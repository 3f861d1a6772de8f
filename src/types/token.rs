//! The partition token: Murmur3 (x64, 128 bit, seed 0), first half, exactly as Cassandra computes it.
//!
//! Cassandra reads the bytes of the last, partial block as signed, so a byte of 0x80 or more there spreads ones over
//! all higher bits: this is not the published hash. `i64::MIN` is the ring's minimum and no key has it: a hash of
//! that value becomes `i64::MAX`. A key of no
//! bytes, which no table can hold, has the minimum: `token('')` is where a scan of all rows begins.

use std::fmt;

/// A place on the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub i64);

impl Token {
    /// The ring's minimum: below every key's token.
    pub const MIN: Token = Token(i64::MIN);
    /// The largest token.
    pub const MAX: Token = Token(i64::MAX);

    /// The token of a partition key's bytes.
    pub fn of(key: &[u8]) -> Token {
        if key.is_empty() {
            return Token::MIN;
        }
        match hash(key) {
            i64::MIN => Token::MAX,
            hash => Token(hash),
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

fn mix1(k1: u64) -> u64 {
    k1.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

fn mix2(k2: u64) -> u64 {
    k2.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

fn finish(mut k: u64) -> u64 {
    k ^= k >> 33;
    k = k.wrapping_mul(0xff51_afd7_ed55_8ccd);
    k ^= k >> 33;
    k = k.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    k ^ (k >> 33)
}

/// Up to eight bytes of the tail, least significant first, each sign-extended before it is shifted.
fn tail_word(bytes: &[u8]) -> u64 {
    let extended = |(index, byte): (usize, &u8)| ((*byte as i8) as i64 as u64) << (8 * index);
    bytes
        .iter()
        .enumerate()
        .map(extended)
        .fold(0, |word, byte| word ^ byte)
}

fn hash(key: &[u8]) -> i64 {
    let (mut h1, mut h2) = (0u64, 0u64);
    let (blocks, tail) = key.as_chunks::<16>();
    for block in blocks {
        let block = u128::from_le_bytes(*block);
        h1 ^= mix1(block as u64);
        h1 = h1
            .rotate_left(27)
            .wrapping_add(h2)
            .wrapping_mul(5)
            .wrapping_add(0x52dc_e729);
        h2 ^= mix2((block >> 64) as u64);
        h2 = h2
            .rotate_left(31)
            .wrapping_add(h1)
            .wrapping_mul(5)
            .wrapping_add(0x3849_5ab5);
    }
    let (low, high) = tail.split_at(tail.len().min(8));
    // A word of zero mixes to zero, so an absent half needs no branch.
    h2 ^= mix2(tail_word(high));
    h1 ^= mix1(tail_word(low));

    h1 ^= key.len() as u64;
    h2 ^= key.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    h1 = finish(h1);
    h2 = finish(h2);
    h1.wrapping_add(h2) as i64
}
