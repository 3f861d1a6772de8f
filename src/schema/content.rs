//! A hash of content: the same bytes give the same identifier on every node and in every build.
//!
//! 128-bit FNV-1a. It tells schemas apart and names built-in tables; nobody attacks it, and a version that moved
//! between builds would look like disagreement between nodes.

use uuid::Uuid;

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// The hash of these bytes.
pub(crate) fn hash(bytes: &[u8]) -> u128 {
    bytes.iter().fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

/// A hash as a UUID of version 8 (the version that promises nothing about its bits).
pub(crate) fn uuid(hash: u128) -> Uuid {
    let (version, variant) = (0x8_u128 << 76, 0x2_u128 << 62);
    Uuid::from_u128(hash & !(0xf << 76) & !(0x3 << 62) | version | variant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_fnv_1a() {
        assert_eq!(hash(b""), OFFSET);
        assert_eq!(hash(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

    #[test]
    fn uuid_has_version_and_variant() {
        let id = super::uuid(u128::MAX);
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
    }
}
