//! The protocol's notation: integers big-endian, and the length-prefixed shapes built from them.
//!
//! | Notation | Layout |
//! |---|---|
//! | `[byte]` `[short]` `[int]` `[long]` | 1, 2 (unsigned), 4, 8 bytes |
//! | `[string]` | `[short]` n, n bytes of UTF-8 |
//! | `[long string]` | `[int]` n, n bytes of UTF-8 |
//! | `[bytes]` | `[int]` n, n bytes; negative n is null |
//! | `[value]` | `[int]` n, n bytes; -1 is null, -2 is unset |
//! | `[short bytes]` | `[short]` n, n bytes |
//! | `[uuid]` | 16 bytes |
//! | `[inet]` | `[byte]` 4 or 16, the address, `[int]` port |
//! | `[inetaddr]` | `[byte]` 4 or 16, the address |
//! | `[string list]`, `[string map]`, `[string multimap]`, `[bytes map]` | `[short]` n, n entries |
//!
//! - `Reader` never reads past its end, never panics, and never allocates more than the bytes that are left can justify.
//! - A `[string]` longer than a `[short]` can say is cut at a character's edge when written: only texts meant for people get that long.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{BufMut, BytesMut};
use uuid::Uuid;

/// Bytes that do not follow the protocol, in words for the person who wrote the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(Box<str>);

impl Malformed {
    /// A complaint in these words.
    pub fn new(text: impl Into<Box<str>>) -> Malformed {
        Malformed(text.into())
    }

    /// The words.
    pub fn into_text(self) -> String {
        self.0.into()
    }
}

/// A bound value of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// No value: the cell is deleted.
    Null,
    /// Nothing was bound: the cell is left alone.
    Unset,
    /// A value in CQL's serialized form, possibly of zero length.
    Set(&'a [u8]),
}

/// A `[bytes map]`, in the order of the wire; a value may be null.
pub type BytesMap<'a> = Vec<(&'a str, Option<&'a [u8]>)>;

/// A checked cursor over a message's body.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of these bytes.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The bytes that are left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes; `what` names them in the error.
    pub fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(not_enough(count, self.rest.len(), what)),
        }
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(not_enough(N, self.rest.len(), what)),
        }
    }

    /// `[byte]`
    pub fn byte(&mut self, what: &'static str) -> Result<u8, Malformed> {
        Ok(self.array::<1>(what)?[0])
    }

    /// `[short]`
    pub fn short(&mut self, what: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array(what)?))
    }

    /// `[int]`
    pub fn int(&mut self, what: &'static str) -> Result<i32, Malformed> {
        Ok(i32::from_be_bytes(self.array(what)?))
    }

    /// `[long]`
    pub fn long(&mut self, what: &'static str) -> Result<i64, Malformed> {
        Ok(i64::from_be_bytes(self.array(what)?))
    }

    /// `[uuid]`
    pub fn uuid(&mut self, what: &'static str) -> Result<Uuid, Malformed> {
        Ok(Uuid::from_bytes(self.array(what)?))
    }

    /// `[string]`
    pub fn string(&mut self, what: &'static str) -> Result<&'a str, Malformed> {
        let length = self.short(what)?;
        text(self.take(usize::from(length), what)?)
    }

    /// `[long string]`
    pub fn long_string(&mut self, what: &'static str) -> Result<&'a str, Malformed> {
        let length = self.int(what)?;
        let length = usize::try_from(length).map_err(|_| negative(length, what))?;
        text(self.take(length, what)?)
    }

    /// `[bytes]`
    pub fn bytes(&mut self, what: &'static str) -> Result<Option<&'a [u8]>, Malformed> {
        match usize::try_from(self.int(what)?) {
            Ok(length) => self.take(length, what).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// `[value]`
    pub fn value(&mut self, what: &'static str) -> Result<Value<'a>, Malformed> {
        let length = self.int(what)?;
        match usize::try_from(length) {
            Ok(length) => self.take(length, what).map(Value::Set),
            Err(_) if length == -1 => Ok(Value::Null),
            Err(_) if length == -2 => Ok(Value::Unset),
            Err(_) => Err(Malformed::new(format!("Invalid ByteBuf length {length}"))),
        }
    }

    /// `[short bytes]`
    pub fn short_bytes(&mut self, what: &'static str) -> Result<&'a [u8], Malformed> {
        let length = self.short(what)?;
        self.take(usize::from(length), what)
    }

    /// `[inetaddr]`
    pub fn inet_address(&mut self, what: &'static str) -> Result<IpAddr, Malformed> {
        match self.byte(what)? {
            4 => Ok(IpAddr::V4(Ipv4Addr::from(self.array::<4>(what)?))),
            16 => Ok(IpAddr::V6(Ipv6Addr::from(self.array::<16>(what)?))),
            length => Err(Malformed::new(format!(
                "Invalid address length {length} for {what}: must be 4 or 16"
            ))),
        }
    }

    /// `[inet]`
    pub fn inet(&mut self, what: &'static str) -> Result<SocketAddr, Malformed> {
        let address = self.inet_address(what)?;
        let port = self.int(what)?;
        match u16::try_from(port) {
            Ok(port) => Ok(SocketAddr::new(address, port)),
            Err(_) => Err(Malformed::new(format!("Invalid port {port} for {what}"))),
        }
    }

    /// `[string list]`
    pub fn string_list(&mut self, what: &'static str) -> Result<Vec<&'a str>, Malformed> {
        let count = usize::from(self.short(what)?);
        let mut list = Vec::with_capacity(self.count_within(count, 2, what)?);
        for _ in 0..count {
            list.push(self.string(what)?);
        }
        Ok(list)
    }

    /// `[string map]`, in the order of the wire.
    pub fn string_map(&mut self, what: &'static str) -> Result<Vec<(&'a str, &'a str)>, Malformed> {
        let count = usize::from(self.short(what)?);
        let mut map = Vec::with_capacity(self.count_within(count, 4, what)?);
        for _ in 0..count {
            map.push((self.string(what)?, self.string(what)?));
        }
        Ok(map)
    }

    /// `[bytes map]`, in the order of the wire.
    pub fn bytes_map(&mut self, what: &'static str) -> Result<BytesMap<'a>, Malformed> {
        let count = usize::from(self.short(what)?);
        let mut map = Vec::with_capacity(self.count_within(count, 6, what)?);
        for _ in 0..count {
            map.push((self.string(what)?, self.bytes(what)?));
        }
        Ok(map)
    }

    /// Goes past a `[bytes map]`.
    pub fn skip_bytes_map(&mut self, what: &'static str) -> Result<(), Malformed> {
        for _ in 0..self.short(what)? {
            let length = self.short(what)?;
            self.take(usize::from(length), what)?;
            self.bytes(what)?;
        }
        Ok(())
    }

    /// The count, if that many entries of at least `entry_bytes_min` can follow: to be asked before room is made for them.
    pub fn count_within(
        &self,
        count: usize,
        entry_bytes_min: usize,
        what: &'static str,
    ) -> Result<usize, Malformed> {
        match count.checked_mul(entry_bytes_min) {
            Some(needed) if needed <= self.remaining() => Ok(count),
            needed => Err(not_enough(
                needed.unwrap_or(usize::MAX),
                self.remaining(),
                what,
            )),
        }
    }
}

#[cold]
fn not_enough(needed: usize, left: usize, what: &'static str) -> Malformed {
    Malformed::new(format!(
        "Not enough bytes to read {what}: {needed} needed, {left} left"
    ))
}

#[cold]
fn negative(length: i32, what: &'static str) -> Malformed {
    Malformed::new(format!("Invalid length {length} for {what}"))
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| {
        Malformed::new(format!(
            "Cannot decode string as UTF8: '{}'",
            Excerpt(bytes)
        ))
    })
}

/// The first bytes of something, in hex.
struct Excerpt<'a>(&'a [u8]);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_BYTES_MAX: usize = 32;
        for byte in self.0.iter().take(SHOWN_BYTES_MAX) {
            write!(f, "{byte:02x}")?;
        }
        if self.0.len() > SHOWN_BYTES_MAX {
            f.write_str("...")
        } else {
            Ok(())
        }
    }
}

/// Writes a `[string]`, cut at a character's edge if it is longer than 65535 bytes.
pub fn put_string(out: &mut BytesMut, text: &str) {
    let text = &text[..text.floor_char_boundary(usize::from(u16::MAX))];
    out.put_u16(text.len() as u16);
    out.put_slice(text.as_bytes());
}

/// Writes a `[long string]`.
pub fn put_long_string(out: &mut BytesMut, text: &str) {
    put_length(out, text.len());
    out.put_slice(text.as_bytes());
}

/// Writes `[bytes]`.
pub fn put_bytes(out: &mut BytesMut, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            put_length(out, bytes.len());
            out.put_slice(bytes);
        }
        None => out.put_i32(-1),
    }
}

/// Writes a `[value]`.
pub fn put_value(out: &mut BytesMut, value: Value<'_>) {
    match value {
        Value::Null => out.put_i32(-1),
        Value::Unset => out.put_i32(-2),
        Value::Set(bytes) => put_bytes(out, Some(bytes)),
    }
}

/// Writes `[short bytes]`. Only ids are written so, and those are short.
pub fn put_short_bytes(out: &mut BytesMut, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).expect(
        "an id has at most 65535 bytes, since it was made here or read from a [short bytes]",
    );
    out.put_u16(length);
    out.put_slice(bytes);
}

/// Writes an `[inetaddr]`.
pub fn put_inet_address(out: &mut BytesMut, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            out.put_u8(4);
            out.put_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            out.put_u8(16);
            out.put_slice(&address.octets());
        }
    }
}

/// Writes an `[inet]`.
pub fn put_inet(out: &mut BytesMut, address: SocketAddr) {
    put_inet_address(out, address.ip());
    out.put_i32(i32::from(address.port()));
}

/// Writes a `[string list]` of at most 65535 entries.
pub fn put_string_list<T: AsRef<str>>(out: &mut BytesMut, list: &[T]) {
    let list = &list[..list.len().min(usize::from(u16::MAX))];
    out.put_u16(list.len() as u16);
    for text in list {
        put_string(out, text.as_ref());
    }
}

/// Writes a `[string map]` of at most 65535 entries.
pub fn put_string_map<K: AsRef<str>, V: AsRef<str>>(out: &mut BytesMut, map: &[(K, V)]) {
    let map = &map[..map.len().min(usize::from(u16::MAX))];
    out.put_u16(map.len() as u16);
    for (key, value) in map {
        put_string(out, key.as_ref());
        put_string(out, value.as_ref());
    }
}

/// Writes a `[bytes map]` of at most 65535 entries.
pub fn put_bytes_map(out: &mut BytesMut, map: &[(&str, Option<&[u8]>)]) {
    let map = &map[..map.len().min(usize::from(u16::MAX))];
    out.put_u16(map.len() as u16);
    for (key, value) in map {
        put_string(out, key);
        put_bytes(out, *value);
    }
}

/// Writes a length as `[int]`. Lengths come from buffers that hold one message, which the frame limits keep far below 2 GiB.
fn put_length(out: &mut BytesMut, length: usize) {
    out.put_i32(
        i32::try_from(length).expect("one value is smaller than the largest message, 256 MiB"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_cut_at_a_character() {
        let mut out = BytesMut::new();
        put_string(&mut out, &"é".repeat(40_000));
        assert_eq!(&out[..2], 65534u16.to_be_bytes());
        let mut reader = Reader::new(&out);
        assert_eq!(reader.string("a text").unwrap().chars().count(), 32_767);
        assert_eq!(reader.remaining(), 0);
    }

    #[test]
    fn complaints_name_what_is_missing() {
        let check = |result: Result<(), Malformed>, expected: &str| {
            assert_eq!(result.unwrap_err().to_string(), expected)
        };
        check(
            Reader::new(&[0, 3, b'a']).string("the name").map(drop),
            "Not enough bytes to read the name: 3 needed, 1 left",
        );
        check(
            Reader::new(&[]).int("the flags").map(drop),
            "Not enough bytes to read the flags: 4 needed, 0 left",
        );
        check(
            Reader::new(&[0, 2, 0xC3, 0x28])
                .string("the name")
                .map(drop),
            "Cannot decode string as UTF8: 'c328'",
        );
        check(
            Reader::new(&[0xFF; 4]).long_string("the query").map(drop),
            "Invalid length -1 for the query",
        );
        check(
            Reader::new(&[0xFF, 0xFF, 0xFF, 0xFD])
                .value("a value")
                .map(drop),
            "Invalid ByteBuf length -3",
        );
        check(
            Reader::new(&[5, 0, 0])
                .inet_address("the address")
                .map(drop),
            "Invalid address length 5 for the address: must be 4 or 16",
        );
        check(
            Reader::new(&[4, 1, 2, 3, 4, 0, 1, 0, 0])
                .inet("the node")
                .map(drop),
            "Invalid port 65536 for the node",
        );
        check(
            Reader::new(&[0xFF, 0xFF, 0]).string_list("names").map(drop),
            "Not enough bytes to read names: 131070 needed, 1 left",
        );
    }

    #[test]
    fn values_keep_null_unset_and_empty_apart() {
        for value in [Value::Null, Value::Unset, Value::Set(b""), Value::Set(b"x")] {
            let mut out = BytesMut::new();
            put_value(&mut out, value);
            assert_eq!(Reader::new(&out).value("a value"), Ok(value));
        }
    }
}
