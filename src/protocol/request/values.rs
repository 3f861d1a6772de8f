//! Bound values: `[short]` n, then n times an optional `[string]` name and a `[value]`.
//!
//! `Values` is a window onto the body. It is walked once when it is decoded, so that iterating it afterwards cannot meet a
//! malformed byte; should it all the same, the iterator ends. `Bindings` is the buffer in which a client gathers values.

use bytes::{BufMut, BytesMut};

use crate::wire::{self, Malformed, Reader, Value};

/// The values of one statement, still in the bytes that they came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values<'a> {
    count: u16,
    named: bool,
    bytes: &'a [u8],
}

impl<'a> Values<'a> {
    /// No values.
    pub fn empty() -> Values<'a> {
        Values {
            count: 0,
            named: false,
            bytes: &[],
        }
    }

    /// Reads the count and goes over the values, checking each.
    pub(super) fn decode(named: bool, reader: &mut Reader<'a>) -> Result<Values<'a>, Malformed> {
        let count = reader.short("the number of values")?;
        let start = reader.rest();
        for _ in 0..count {
            if named {
                reader.string("a value's name")?;
            }
            reader.value("a value")?;
        }
        let bytes = &start[..start.len() - reader.remaining()];
        Ok(Values {
            count,
            named,
            bytes,
        })
    }

    /// Writes count and values.
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u16(self.count);
        out.put_slice(self.bytes);
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether each value has a name.
    pub fn are_named(&self) -> bool {
        self.named
    }

    /// The values in the order of the wire.
    pub fn iter(&self) -> ValuesIter<'a> {
        ValuesIter(self.with_names())
    }

    /// The values in the order of the wire, each with its name if it has one.
    pub fn with_names(&self) -> NamedValues<'a> {
        NamedValues {
            left: self.count,
            named: self.named,
            reader: Reader::new(self.bytes),
        }
    }

    /// The value of this name: the first one, if it was bound twice.
    pub fn by_name(&self, name: &str) -> Option<Value<'a>> {
        self.with_names()
            .find(|(bound, _)| *bound == Some(name))
            .map(|(_, value)| value)
    }
}

impl<'a> IntoIterator for Values<'a> {
    type Item = Value<'a>;
    type IntoIter = ValuesIter<'a>;

    fn into_iter(self) -> ValuesIter<'a> {
        self.iter()
    }
}

/// The values of one statement, one after the other.
#[derive(Debug, Clone)]
pub struct ValuesIter<'a>(NamedValues<'a>);

impl<'a> Iterator for ValuesIter<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        self.0.next().map(|(_, value)| value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for ValuesIter<'_> {}

/// The values of one statement with their names.
#[derive(Debug, Clone)]
pub struct NamedValues<'a> {
    left: u16,
    named: bool,
    reader: Reader<'a>,
}

impl<'a> Iterator for NamedValues<'a> {
    type Item = (Option<&'a str>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = if self.named {
            Some(self.reader.string("a value's name").ok()?)
        } else {
            None
        };
        Some((name, self.reader.value("a value").ok()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

impl ExactSizeIterator for NamedValues<'_> {}

/// Values as a client gathers them, in the form that requests carry.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    count: u16,
    named: bool,
    bytes: BytesMut,
}

impl Bindings {
    /// No values yet.
    pub fn new() -> Bindings {
        Bindings::default()
    }

    /// These values, in order.
    pub fn of<'v>(values: impl IntoIterator<Item = Value<'v>>) -> Bindings {
        let mut bindings = Bindings::new();
        for value in values {
            bindings.push(value);
        }
        bindings
    }

    /// Adds the next value.
    ///
    /// # Panics
    /// If there are 65535 already, or if values with names went before.
    pub fn push(&mut self, value: Value<'_>) -> &mut Bindings {
        assert!(!self.named, "values with and without names do not mix");
        self.add(value)
    }

    /// Adds a value with its name.
    ///
    /// # Panics
    /// If there are 65535 already, or if values without names went before.
    pub fn push_named(&mut self, name: &str, value: Value<'_>) -> &mut Bindings {
        assert!(
            self.named || self.count == 0,
            "values with and without names do not mix"
        );
        self.named = true;
        wire::put_string(&mut self.bytes, name);
        self.add(value)
    }

    fn add(&mut self, value: Value<'_>) -> &mut Bindings {
        self.count = self
            .count
            .checked_add(1)
            .expect("a statement has at most 65535 values");
        wire::put_value(&mut self.bytes, value);
        self
    }

    /// The values, as requests take them.
    pub fn values(&self) -> Values<'_> {
        Values {
            count: self.count,
            named: self.named,
            bytes: &self.bytes,
        }
    }
}
