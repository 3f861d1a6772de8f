//! The client's own bytes of key components.
//!
//! Values that compare equal encode equally (decimal 1.0 and 1.00), so a clustering key cannot always give back what
//! the client wrote. The components that it would change ride in the row, in the column
//! [`crate::ColumnId::ORIGINALS`], whose value is a run of: the component's index as a varint, the length, the bytes.
//! Indexes ascend.

use base::bytes::{Reader, put_varint, put_varint_bytes};

/// Appends one component's bytes to the column's value.
pub fn put(index: usize, bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(out, index as u64);
    put_varint_bytes(out, bytes);
}

/// The components that a value of the column holds. Ends early on damage.
pub fn iter(value: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut reader = Reader::new(value);
    std::iter::from_fn(move || {
        let index = usize::try_from(reader.varint().ok()?).ok()?;
        Some((index, reader.varint_bytes().ok()?))
    })
}

/// One component's bytes.
pub fn find(value: &[u8], index: usize) -> Option<&[u8]> {
    iter(value)
        .find(|(found, _)| *found == index)
        .map(|(_, bytes)| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_back() {
        let mut value = Vec::new();
        put(0, b"one", &mut value);
        put(300, b"", &mut value);
        assert_eq!(
            iter(&value).collect::<Vec<_>>(),
            [(0, &b"one"[..]), (300, b"")]
        );
        assert_eq!(find(&value, 300), Some(&b""[..]));
        assert_eq!(find(&value, 1), None);
        assert_eq!(iter(&value[..3]).count(), 0);
    }
}
