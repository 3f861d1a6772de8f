//! CRC-32 (the one of zlib and Ethernet), plain or salted.
//!
//! A salt is hashed before the data. Commit log segments are recycled in place, so what a former life left behind has
//! valid checksums; salting with the segment's id makes them invalid without clearing the file.

/// The CRC-32 of `bytes`.
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// The CRC-32 of `salt` and then `bytes`.
pub fn crc32_salted(salt: u64, bytes: &[u8]) -> u32 {
    Crc32::with_salt(salt).update(bytes).finish()
}

/// A CRC-32 computed piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Crc32(crc32fast::Hasher);

impl Crc32 {
    /// Without salt: equal to [`crc32`] of all pieces.
    pub fn new() -> Crc32 {
        Crc32::default()
    }

    /// Starts with the eight bytes of `salt`, little-endian.
    pub fn with_salt(salt: u64) -> Crc32 {
        let mut crc = Crc32::new();
        crc.update(&salt.to_le_bytes());
        crc
    }

    /// Adds the next piece.
    pub fn update(&mut self, bytes: &[u8]) -> &mut Crc32 {
        self.0.update(bytes);
        self
    }

    /// The checksum of all pieces so far.
    pub fn finish(&self) -> u32 {
        self.0.clone().finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn pieces_add_up() {
        assert_eq!(
            Crc32::new().update(b"1234").update(b"56789").finish(),
            crc32(b"123456789")
        );
        assert_eq!(crc32_salted(7, b"abc"), crc32(b"\x07\0\0\0\0\0\0\0abc"));
    }

    #[test]
    fn salts_differ() {
        assert_ne!(crc32_salted(1, b"frame"), crc32_salted(2, b"frame"));
        assert_ne!(crc32_salted(0, b"frame"), crc32(b"frame"));
    }
}
