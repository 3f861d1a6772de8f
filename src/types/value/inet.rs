//! `inet`: an IPv4 or IPv6 address, 4 or 16 bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads an `inet`.
pub fn read(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => <[u8; 4]>::try_from(value)
            .ok()
            .map(|bytes| Ipv4Addr::from(bytes).into()),
        _ => <[u8; 16]>::try_from(value)
            .ok()
            .map(|bytes| Ipv6Addr::from(bytes).into()),
    }
}

/// The bytes of an address.
pub fn write(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// A numeric address; names are not looked up. An IPv4 address mapped into IPv6 becomes IPv4, and one of fewer than
/// four parts has a last part of several bytes, as in Java.
pub fn parse(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    match bare.parse() {
        Ok(IpAddr::V6(address)) => Some(
            address
                .to_ipv4_mapped()
                .map_or(IpAddr::V6(address), IpAddr::V4),
        ),
        Ok(address) => Some(address),
        Err(_) => parse_short(text).map(IpAddr::V4),
    }
}

/// An IPv4 address of one to four decimal parts, of which the last fills the bytes that are left.
fn parse_short(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = text.split('.').collect();
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || text.len() > SHORT_CHARS_MAX {
        return None;
    }
    let number = |part: &str| {
        let is_digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u64>().ok().filter(|_| is_digits)
    };
    let mut address = 0;
    for part in first {
        let byte = number(part).filter(|byte| *byte <= u64::from(u8::MAX))?;
        address = address << 8 | byte;
    }
    let bits = 8 * (4 - first.len());
    let last = number(last).filter(|last| *last < 1 << bits)?;
    u32::try_from(address << bits | last)
        .ok()
        .map(Ipv4Addr::from)
}

/// The longest text that Java takes for an IPv4 address.
const SHORT_CHARS_MAX: usize = 15;

/// The text as Java prints it: the groups of an IPv6 address are never shortened.
pub fn text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address
            .segments()
            .map(|group| format!("{group:x}"))
            .join(":"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        for (input, expected) in [
            ("127.0.0.1", Some("127.0.0.1")),
            ("::1", Some("0:0:0:0:0:0:0:1")),
            ("2001:DB8::a", Some("2001:db8:0:0:0:0:0:a")),
            ("[::1]", Some("0:0:0:0:0:0:0:1")),
            ("::ffff:10.0.0.1", Some("10.0.0.1")),
            ("localhost", None),
            ("1.2.3", Some("1.2.0.3")),
            ("1.65535", Some("1.0.255.255")),
            ("1", Some("0.0.0.1")),
            ("4294967295", Some("255.255.255.255")),
            ("010.1.1.1", Some("10.1.1.1")),
            ("4294967296", None),
            ("1.2.65536", None),
            ("256.1", None),
            ("1..2", None),
            ("1.2.3.4.5", None),
            ("+1", None),
            ("", None),
        ] {
            assert_eq!(parse(input).map(text).as_deref(), expected, "{input}");
        }
        let address = parse("2001:db8::a").expect("address");
        assert_eq!(read(&write(address)), Some(address));
    }
}
