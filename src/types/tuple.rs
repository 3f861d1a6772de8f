//! The wire form of tuples and user-defined types: per component a length of 4 bytes (negative: null) and the bytes.
//!
//! Fewer components than the type has are allowed: the missing ones are null.

use crate::Error;

/// Appends one component.
pub fn put(out: &mut Vec<u8>, component: Option<&[u8]>) {
    match component {
        None => out.extend((-1i32).to_be_bytes()),
        Some(bytes) => {
            let len = i32::try_from(bytes.len())
                .expect("a value is bounded by the frame limit, far below 2 GiB");
            out.extend(len.to_be_bytes());
            out.extend(bytes);
        }
    }
}

/// A tuple of these components.
pub fn encode<'a>(components: impl IntoIterator<Item = Option<&'a [u8]>>) -> Vec<u8> {
    let mut out = Vec::new();
    components
        .into_iter()
        .for_each(|component| put(&mut out, component));
    out
}

/// Walks the components of a tuple's bytes.
#[derive(Debug, Clone)]
pub struct Components<'a> {
    rest: &'a [u8],
    index: usize,
}

/// The components of `value`: stops after the first one that is damaged.
pub fn components(value: &[u8]) -> Components<'_> {
    Components {
        rest: value,
        index: 0,
    }
}

/// The components of `value`, filled up with nulls to `count`.
pub fn split(value: &[u8], count: usize) -> Result<Vec<Option<&[u8]>>, Error> {
    let mut parts = Vec::with_capacity(count.min(value.len() / 4 + 1));
    for component in components(value) {
        parts.push(component?);
    }
    if parts.len() > count {
        let noun = if count == 1 { "value" } else { "values" };
        return Err(Error::value(format!(
            "Expected {count} {noun} but got more"
        )));
    }
    parts.resize(count, None);
    Ok(parts)
}

/// Component `index` of `value`: `None` when it is null or missing.
pub fn component(value: &[u8], index: usize) -> Result<Option<&[u8]>, Error> {
    components(value)
        .nth(index)
        .transpose()
        .map(Option::flatten)
}

impl<'a> Components<'a> {
    /// The bytes not walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Components<'a> {
    type Item = Result<Option<&'a [u8]>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let index = self.index;
        self.index += 1;
        let whole = std::mem::take(&mut self.rest);
        let Some((size, rest)) = whole.split_first_chunk() else {
            return Some(Err(Error::value(format!(
                "Not enough bytes to read size of {index}th component"
            ))));
        };
        let Ok(len) = usize::try_from(i32::from_be_bytes(*size)) else {
            self.rest = rest;
            return Some(Ok(None));
        };
        let Some((component, rest)) = rest.split_at_checked(len) else {
            return Some(Err(Error::value(format!(
                "Not enough bytes to read {index}th component"
            ))));
        };
        self.rest = rest;
        Some(Ok(Some(component)))
    }
}
