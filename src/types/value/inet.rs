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

/// A numeric address; names are not looked up. An IPv4 address mapped into IPv6 becomes IPv4, as in Java.
pub fn parse(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    Some(match bare.parse().ok()? {
        IpAddr::V6(address) => address
            .to_ipv4_mapped()
            .map_or(IpAddr::V6(address), IpAddr::V4),
        address => address,
    })
}

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
            ("1.2.3", None),
            ("", None),
        ] {
            assert_eq!(parse(input).map(text).as_deref(), expected, "{input}");
        }
        let address = parse("2001:db8::a").expect("address");
        assert_eq!(read(&write(address)), Some(address));
    }
}
