//! Clustering keys: one byte string per row, whose plain order is the order of the table.
//!
//! Each component is a header byte and, if a value is present, its byte-comparable form ([`types::comparable`]). A
//! descending component is inverted as a whole, header included, which reverses its order exactly.
//!
//! | header | ascending | descending |
//! |---|---|---|
//! | null | 0x40 | 0xbf |
//! | empty (zero bytes) | 0x41 | 0xbe |
//! | present | 0x42 | 0xbd |
//!
//! - Null sorts before empty before present, or all the other way round.
//! - No component is a prefix of another, so no key of a table is a prefix of another, and nothing ends a key.
//! - A prefix sorts before all keys that begin with it, because it is shorter; the prefix with [`ABOVE`], a byte above
//!   every header, sorts after them. So bounds are bytes like keys, and a slice is a byte range.

use base::bytes::Reader;
use base::limits::KEPT_BUFFER_BYTES;
use smallvec::SmallVec;
use types::{Type, comparable};

use super::KeyBytes;
use crate::Damage;

/// Above every header. Nothing is needed below them: see the module.
pub const ABOVE: u8 = 0xff;

const NULL: u8 = 0x40;
const EMPTY: u8 = 0x41;
const PRESENT: u8 = 0x42;

/// The direction of a clustering column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Order {
    /// Smallest first.
    #[default]
    Asc,
    /// Largest first.
    Desc,
}

/// One component of a key as CQL bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component<'a> {
    /// No value.
    Null,
    /// A value of zero bytes.
    Empty,
    /// A value.
    Value(&'a [u8]),
}

impl<'a> Component<'a> {
    /// From a value that may be null.
    pub fn of(value: Option<&'a [u8]>) -> Component<'a> {
        match value {
            None => Component::Null,
            Some([]) => Component::Empty,
            Some(value) => Component::Value(value),
        }
    }

    /// The CQL bytes; `None` for null.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Component::Null => None,
            Component::Empty => Some(&[]),
            Component::Value(value) => Some(value),
        }
    }
}

/// Appends a component; nothing on an error, which a value that is valid for the type does not give.
pub fn push(
    ty: &Type,
    order: Order,
    component: Component<'_>,
    key: &mut Vec<u8>,
) -> Result<(), types::Error> {
    let start = key.len();
    match component {
        Component::Null => key.push(NULL),
        Component::Empty | Component::Value([]) => key.push(EMPTY),
        Component::Value(value) => {
            key.push(PRESENT);
            if let Err(error) = comparable::encode(ty, value, key) {
                key.truncate(start);
                return Err(error);
            }
        }
    }
    if order == Order::Desc {
        key[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    Ok(())
}

/// Makes a prefix (or a complete key) the bound after everything that begins with it. Without this it is the bound
/// before everything that begins with it.
pub fn above(prefix: &mut Vec<u8>) {
    prefix.push(ABOVE);
}

/// The bound before everything that begins with `prefix`.
pub fn before(prefix: &[u8]) -> KeyBytes {
    KeyBytes::from(prefix)
}

/// The bound after everything that begins with `prefix`.
pub fn after(prefix: &[u8]) -> KeyBytes {
    let mut bound = KeyBytes::from(prefix);
    bound.push(ABOVE);
    bound
}

/// What a component is, when its bytes went elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No value.
    Null,
    /// A value of zero bytes.
    Empty,
    /// A value, appended.
    Value,
}

/// Takes the first component off `key` and appends its CQL bytes to `out`.
pub fn take(ty: &Type, order: Order, key: &mut &[u8], out: &mut Vec<u8>) -> Result<State, Damage> {
    let damage = |what| Damage { offset: 0, what };
    let (&header, rest) = key
        .split_first()
        .ok_or(damage("clustering key is too short"))?;
    let header = if order == Order::Desc {
        !header
    } else {
        header
    };
    match header {
        NULL | EMPTY => {
            *key = rest;
            return Ok(if header == NULL {
                State::Null
            } else {
                State::Empty
            });
        }
        PRESENT => {}
        _ => return Err(damage("unknown header in a clustering key")),
    }
    let taken = match order {
        Order::Asc => decode_value(ty, rest, out)?,
        Order::Desc => {
            let upright: SmallVec<[u8; 128]> = rest.iter().map(|byte| !byte).collect();
            decode_value(ty, &upright, out)?
        }
    };
    *key = rest
        .get(taken..)
        .ok_or(damage("clustering key is too short"))?;
    Ok(State::Value)
}

/// Decodes the value that `bytes` begin with; how many bytes it took.
fn decode_value(ty: &Type, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Damage> {
    let mut reader = Reader::new(bytes);
    match comparable::decode(ty, &mut reader, out) {
        Ok(()) => Ok(reader.position() as usize),
        Err(_) => Err(reader.error("damaged value in a clustering key")),
    }
}

/// The components of a key, decoded one after the other into one buffer that is kept for the next key.
#[derive(Debug, Default)]
pub struct Decoded {
    bytes: Vec<u8>,
    components: Vec<(State, usize)>,
}

impl Decoded {
    /// Decodes `key`, which may be a prefix.
    pub fn decode(&mut self, columns: &[(Type, Order)], key: &[u8]) -> Result<(), Damage> {
        self.bytes.clear();
        self.components.clear();
        let mut rest = key;
        for (ty, order) in columns {
            if rest.is_empty() {
                return Ok(());
            }
            let state = take(ty, *order, &mut rest, &mut self.bytes)?;
            self.components.push((state, self.bytes.len()));
        }
        match rest {
            [] => Ok(()),
            _ => Err(Damage {
                offset: (key.len() - rest.len()) as u64,
                what: "clustering key is too long",
            }),
        }
    }

    /// Forgets everything but a little memory.
    pub fn release(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BUFFER_BYTES);
        self.components.clear();
    }

    /// How many components the key had.
    pub fn count(&self) -> usize {
        self.components.len()
    }

    /// One component; null beyond the last.
    pub fn component(&self, index: usize) -> Component<'_> {
        let Some(&(state, end)) = self.components.get(index) else {
            return Component::Null;
        };
        let start = index
            .checked_sub(1)
            .map_or(0, |before| self.components[before].1);
        match state {
            State::Null => Component::Null,
            State::Empty => Component::Empty,
            State::Value => Component::Value(&self.bytes[start..end]),
        }
    }
}

/// Decodes all components of a key; `None` is null.
pub fn decode(columns: &[(Type, Order)], key: &[u8]) -> Result<Vec<Option<Vec<u8>>>, Damage> {
    let mut decoded = Decoded::default();
    decoded.decode(columns, key)?;
    Ok((0..columns.len())
        .map(|index| decoded.component(index).bytes().map(<[u8]>::to_vec))
        .collect())
}

/// Whether `key` is a complete key of these columns.
pub fn is_complete(columns: &[(Type, Order)], key: &[u8], decoded: &mut Decoded) -> bool {
    decoded.decode(columns, key).is_ok() && decoded.count() == columns.len()
}

#[cfg(test)]
mod tests;
