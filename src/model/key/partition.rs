//! Partition keys: CQL bytes in token order.
//!
//! One component is its own bytes. Several are, each, a length of 2 bytes, the bytes, and a zero byte: Cassandra's
//! form, which drivers hash too.

use std::cmp::Ordering;

use base::bytes::{Reader, put_varint_bytes};
use base::limits::KEY_BYTES_MAX;
use types::Token;

use super::KeyBytes;
use crate::Damage;

/// A partition's key and token. Ordered by token, then bytes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey {
    /// The token of `bytes`.
    pub token: Token,
    /// The components as above.
    pub bytes: KeyBytes,
}

/// A borrowed [`PartitionKey`], in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKeyRef<'a> {
    /// The token of `bytes`.
    pub token: Token,
    /// The components as above.
    pub bytes: &'a [u8],
}

impl PartitionKey {
    /// The key of these bytes.
    pub fn new(bytes: impl Into<KeyBytes>) -> PartitionKey {
        let bytes = bytes.into();
        PartitionKey {
            token: Token::of(&bytes),
            bytes,
        }
    }

    /// Becomes the key of these bytes, in the memory that it has.
    pub fn set(&mut self, bytes: &[u8]) {
        self.token = Token::of(bytes);
        self.bytes.set(bytes);
    }

    /// Borrowed.
    #[inline]
    pub fn as_ref(&self) -> PartitionKeyRef<'_> {
        PartitionKeyRef {
            token: self.token,
            bytes: &self.bytes,
        }
    }

    /// Compares with a borrowed key.
    #[inline]
    pub fn compare(&self, other: PartitionKeyRef<'_>) -> Ordering {
        self.as_ref().cmp(&other)
    }
}

impl Clone for PartitionKey {
    fn clone(&self) -> PartitionKey {
        PartitionKey {
            token: self.token,
            bytes: self.bytes.clone(),
        }
    }

    fn clone_from(&mut self, source: &PartitionKey) {
        self.token = source.token;
        self.bytes.clone_from(&source.bytes);
    }
}

impl<'a> PartitionKeyRef<'a> {
    /// The key of these bytes.
    pub fn new(bytes: &'a [u8]) -> PartitionKeyRef<'a> {
        PartitionKeyRef {
            token: Token::of(bytes),
            bytes,
        }
    }

    /// A copy.
    pub fn to_owned(self) -> PartitionKey {
        PartitionKey {
            token: self.token,
            bytes: KeyBytes::from(self.bytes),
        }
    }

    /// Appends the key: length and bytes. The token is computed again by the reader.
    pub fn encode(self, out: &mut Vec<u8>) {
        put_varint_bytes(out, self.bytes);
    }

    /// Reads what [`PartitionKeyRef::encode`] wrote.
    pub fn decode(reader: &mut Reader<'a>) -> Result<PartitionKeyRef<'a>, Damage> {
        let start = reader.clone();
        let bytes = reader.varint_bytes()?;
        if bytes.len() > KEY_BYTES_MAX {
            return Err(start.error("partition key beyond its limit"));
        }
        Ok(PartitionKeyRef::new(bytes))
    }
}

/// Appends the key of these components, each at most 64 KiB; longer ones are for the caller to refuse, by the length
/// of the whole ([`KEY_BYTES_MAX`]).
pub fn encode<'a>(
    components: impl IntoIterator<Item = &'a [u8], IntoIter: ExactSizeIterator>,
    out: &mut Vec<u8>,
) {
    let components = components.into_iter();
    let single = components.len() == 1;
    for component in components {
        if single {
            out.extend_from_slice(component);
        } else {
            push(component, out);
        }
    }
}

/// What a component of a key of several takes beside its value: two bytes of length and a zero.
pub const COMPONENT_OVERHEAD: usize = 3;

/// Appends one component of a key of several. A component beyond 64 KiB makes the key longer than the limit, whatever
/// its two length bytes say.
pub fn push(component: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(component.len() as u16).to_be_bytes());
    out.extend_from_slice(component);
    out.push(0);
}

/// The components of a key of `count` components. Ends early on damage.
pub fn components(key: &[u8], count: usize) -> Components<'_> {
    Components {
        rest: key,
        left: count,
        single: count == 1,
    }
}

/// The components of a key: see [`components`].
#[derive(Debug, Clone)]
pub struct Components<'a> {
    rest: &'a [u8],
    left: usize,
    single: bool,
}

impl<'a> Iterator for Components<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        if self.single {
            return Some(std::mem::take(&mut self.rest));
        }
        let (len, rest) = self.rest.split_first_chunk()?;
        let (component, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
        self.rest = rest.split_first()?.1;
        Some(component)
    }
}

/// Whether `key` has exactly `count` components.
pub fn check(key: &[u8], count: usize) -> Result<(), Damage> {
    let mut reader = Reader::new(key);
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(reader.error("partition key empty or beyond its limit"));
    }
    if count == 1 {
        return Ok(());
    }
    for _ in 0..count {
        let len = reader.u16_be()?;
        reader.skip(usize::from(len))?;
        if reader.u8()? != 0 {
            return Err(reader.error("component of a partition key without its end"));
        }
    }
    reader.expect_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_component_is_its_bytes_and_several_are_framed() {
        let mut key = Vec::new();
        encode([&b"ab"[..]], &mut key);
        assert_eq!(key, b"ab");
        key.clear();
        encode([&b"ab"[..], b""], &mut key);
        assert_eq!(key, b"\0\x02ab\0\0\0\0");
    }

    #[test]
    fn order_is_token_then_bytes() {
        let low = PartitionKey {
            token: Token(-5),
            bytes: KeyBytes::from(b"z"),
        };
        let high = PartitionKey {
            token: Token(5),
            bytes: KeyBytes::from(b"a"),
        };
        let same = PartitionKey {
            token: Token(5),
            bytes: KeyBytes::from(b"b"),
        };
        assert!(low < high && high < same);
        assert_eq!(high.compare(same.as_ref()), Ordering::Less);
    }

    proptest! {
        #[test]
        fn components_come_back(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 1..5)) {
            let mut key = Vec::new();
            encode(parts.iter().map(|part| &part[..]), &mut key);
            let back: Vec<&[u8]> = components(&key, parts.len()).collect();
            prop_assert_eq!(&back, &parts.iter().map(|part| &part[..]).collect::<Vec<_>>());
            prop_assert_eq!(check(&key, parts.len()).is_ok(), !key.is_empty());
        }

        #[test]
        fn any_bytes_are_judged(key in proptest::collection::vec(any::<u8>(), 0..20), count in 1usize..4) {
            if check(&key, count).is_ok() {
                prop_assert_eq!(components(&key, count).count(), count);
            } else {
                components(&key, count).count();
            }
        }
    }
}
