//! A range of clustering keys.

use base::bytes::{Reader, put_varint_bytes};

use super::{KeyBytes, clustering};
use crate::Damage;

/// The keys from `start` on, up to but without `end`, as plain bytes.
///
/// A bound is a key or the prefix of one, alone or followed by [`clustering::above`]'s byte: alone it lies before all
/// keys that begin with it (and is the key itself if complete), with the byte after all of them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The first key that is inside, if it exists.
    pub start: KeyBytes,
    /// The first key that is no longer inside.
    pub end: KeyBytes,
}

impl Clone for Slice {
    fn clone(&self) -> Slice {
        Slice {
            start: self.start.clone(),
            end: self.end.clone(),
        }
    }

    fn clone_from(&mut self, source: &Slice) {
        self.start.clone_from(&source.start);
        self.end.clone_from(&source.end);
    }
}

impl Slice {
    /// Every key.
    pub fn all() -> Slice {
        Slice {
            start: KeyBytes::new(),
            end: KeyBytes::from(&[clustering::ABOVE]),
        }
    }

    /// Every key that begins with `prefix`; a complete key is the one row.
    pub fn prefix(prefix: &[u8]) -> Slice {
        Slice {
            start: KeyBytes::from(prefix),
            end: clustering::after(prefix),
        }
    }

    /// Becomes every key that begins with `prefix`, in the memory that it has.
    pub fn set_prefix(&mut self, prefix: &[u8]) {
        self.start.set(prefix);
        self.end.set(prefix);
        self.end.push(clustering::ABOVE);
    }

    /// From `start` to before `end`.
    pub fn new(start: impl Into<KeyBytes>, end: impl Into<KeyBytes>) -> Slice {
        Slice {
            start: start.into(),
            end: end.into(),
        }
    }

    /// Whether it is every key.
    #[inline]
    pub fn is_all(&self) -> bool {
        self.start.is_empty() && self.end[..] == [clustering::ABOVE]
    }

    /// Whether no key can be inside.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Whether `key` is inside.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.start[..] <= *key && *key < self.end[..]
    }

    /// The keys that are in both.
    pub fn intersect(&self, other: &Slice) -> Slice {
        Slice {
            start: (&self.start).max(&other.start).clone(),
            end: (&self.end).min(&other.end).clone(),
        }
    }

    /// Sorts slices and joins those that meet, so that they are disjoint and ascending; empty ones go.
    pub fn normalize(slices: &mut Vec<Slice>) {
        slices.retain(|slice| !slice.is_empty());
        slices.sort_by(|a, b| a.start.cmp(&b.start));
        slices.dedup_by(|next, kept| {
            let meets = next.start <= kept.end;
            if meets && kept.end < next.end {
                kept.end = next.end.clone();
            }
            meets
        });
    }

    /// Appends both bounds with their lengths.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint_bytes(out, &self.start);
        put_varint_bytes(out, &self.end);
    }

    /// Reads what [`Slice::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Slice, Damage> {
        let at = reader.clone();
        let start = KeyBytes::from(reader.varint_bytes()?);
        let end = KeyBytes::from(reader.varint_bytes()?);
        if start >= end {
            return Err(at.error("slice without keys"));
        }
        Ok(Slice { start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_has_the_empty_key_of_tables_without_clustering_columns() {
        assert!(Slice::all().contains(b""));
        assert!(Slice::all().contains(&[0xbf; 9]));
        assert!(Slice::all().is_all());
        assert!(!Slice::prefix(b"a").is_all());
    }

    #[test]
    fn a_prefix_has_its_extensions_and_itself() {
        let slice = Slice::prefix(b"ab");
        assert!(slice.contains(b"ab") && slice.contains(b"ab\xbf\xff"));
        assert!(!slice.contains(b"aa\xbf") && !slice.contains(b"ac") && !slice.contains(b"a"));
    }

    fn keys() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(0u8..4, 0..4)
    }

    proptest! {
        #[test]
        fn normal_slices_have_the_same_keys(bounds in proptest::collection::vec((keys(), keys()), 0..6), key in keys()) {
            let mut slices: Vec<Slice> = bounds.into_iter().map(|(start, end)| Slice::new(start, end)).collect();
            let inside = slices.iter().any(|slice| slice.contains(&key));
            Slice::normalize(&mut slices);
            prop_assert_eq!(slices.iter().any(|slice| slice.contains(&key)), inside);
            prop_assert!(slices.is_sorted_by(|a, b| a.end < b.start));
            prop_assert!(slices.iter().all(|slice| !slice.is_empty()));
        }

        #[test]
        fn an_intersection_has_the_keys_of_both(a in (keys(), keys()), b in (keys(), keys()), key in keys()) {
            let (a, b) = (Slice::new(a.0, a.1), Slice::new(b.0, b.1));
            prop_assert_eq!(a.intersect(&b).contains(&key), a.contains(&key) && b.contains(&key));
        }
    }
}
