//! Positions: the place of a row in a file, as bytes that compare in file order.
//!
//! ```text
//! position     token (8, big-endian, top bit flipped)  key (0x00 written as 0x00 0xff)  0x00 0x00  clustering
//! ```
//!
//! The key is escaped and ended so that no key's bytes run into a clustering key: 0x00 0x00 sorts below anything that
//! can follow in a longer key. With nothing after it, a position stands for the partition itself and sorts before all
//! of its rows.

use smallvec::SmallVec;
use types::token::Token;

/// A position: most are short enough to need no allocation.
pub type Position = SmallVec<[u8; 64]>;

/// Sets `out` to the position of the row or bound `clustering` of a partition.
pub fn set(out: &mut Position, token: Token, key: &[u8], clustering: &[u8]) {
    out.clear();
    out.reserve(8 + key.len() + 2 + clustering.len());
    put_token(out, token);
    put_key(out, key);
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(clustering);
}

/// Sets `out` to a string above all positions of a partition and not above any of a later one.
pub fn set_after(out: &mut Position, token: Token, key: &[u8]) {
    out.clear();
    put_token(out, token);
    put_key(out, key);
    out.extend_from_slice(&[0, 1]);
}

/// Sets `out` to a string that is not above any position of `token`, and above all smaller tokens' positions.
pub fn set_token(out: &mut Position, token: Token) {
    out.clear();
    put_token(out, token);
}

fn put_token(out: &mut Position, token: Token) {
    let flipped = token.0 as u64 ^ (1 << 63);
    out.extend_from_slice(&flipped.to_be_bytes());
}

fn put_key(out: &mut Position, key: &[u8]) {
    let mut rest = key;
    while let Some(zero) = rest.iter().position(|byte| *byte == 0) {
        out.extend_from_slice(&rest[..zero]);
        out.extend_from_slice(&[0, 0xff]);
        rest = &rest[zero + 1..];
    }
    out.extend_from_slice(rest);
}

/// The shortest string above `low` and not above `high`, which is above `low`: a part of `high`.
pub fn separator<'a>(low: &[u8], high: &'a [u8]) -> &'a [u8] {
    let shared = shared_len(low, high);
    &high[..high.len().min(shared + 1)]
}

/// How many bytes both begin with.
pub fn shared_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(token: i64, key: &[u8], clustering: &[u8]) -> Position {
        let mut out = Position::new();
        set(&mut out, Token(token), key, clustering);
        out
    }

    fn small_bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(vec![0u8, 1, 2, 0xfe, 0xff]), 0..5)
    }

    proptest! {
        #[test]
        fn positions_order_as_their_parts(
            a in (-2i64..2, small_bytes(), small_bytes()),
            b in (-2i64..2, small_bytes(), small_bytes()),
        ) {
            let (x, y) = (position(a.0, &a.1, &a.2), position(b.0, &b.1, &b.2));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            let mut after = Position::new();
            set_after(&mut after, Token(a.0), &a.1);
            prop_assert_eq!(after > y, (a.0, &a.1) >= (b.0, &b.1));
            set_token(&mut after, Token(a.0));
            prop_assert_eq!(after <= y, a.0 <= b.0);
        }

        #[test]
        fn separators_separate(a in small_bytes(), b in small_bytes()) {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            if low < high {
                let middle = separator(&low, &high);
                prop_assert!(low.as_slice() < middle && middle <= high.as_slice());
                prop_assert!(middle.len() <= shared_len(&low, &high) + 1);
            }
        }
    }
}
