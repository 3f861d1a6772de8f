//! MD5, for ids that every node must compute alike.
//!
//! The id of a prepared statement is the digest of keyspace and text, that of result metadata the digest of its encoding. Neither
//! is a secret; it matters that a text cannot be made to fit the id of somebody else's statement, which a plain hash would allow
//! and MD5, for all its collisions, does not. It is also what Cassandra computes, so the ids agree with Cassandra's. RFC 1321.

/// Round shifts, four per round.
const SHIFTS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// Block length in bytes.
const BLOCK_BYTES: usize = 64;

const START: [u32; 4] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476];

/// The whole part of 2^32 times the sine of 1, 2, ... 64 radians.
const SINES: [u32; 64] = [
    0xD76A_A478,
    0xE8C7_B756,
    0x2420_70DB,
    0xC1BD_CEEE,
    0xF57C_0FAF,
    0x4787_C62A,
    0xA830_4613,
    0xFD46_9501,
    0x6980_98D8,
    0x8B44_F7AF,
    0xFFFF_5BB1,
    0x895C_D7BE,
    0x6B90_1122,
    0xFD98_7193,
    0xA679_438E,
    0x49B4_0821,
    0xF61E_2562,
    0xC040_B340,
    0x265E_5A51,
    0xE9B6_C7AA,
    0xD62F_105D,
    0x0244_1453,
    0xD8A1_E681,
    0xE7D3_FBC8,
    0x21E1_CDE6,
    0xC337_07D6,
    0xF4D5_0D87,
    0x455A_14ED,
    0xA9E3_E905,
    0xFCEF_A3F8,
    0x676F_02D9,
    0x8D2A_4C8A,
    0xFFFA_3942,
    0x8771_F681,
    0x6D9D_6122,
    0xFDE5_380C,
    0xA4BE_EA44,
    0x4BDE_CFA9,
    0xF6BB_4B60,
    0xBEBF_BC70,
    0x289B_7EC6,
    0xEAA1_27FA,
    0xD4EF_3085,
    0x0488_1D05,
    0xD9D4_D039,
    0xE6DB_99E5,
    0x1FA2_7CF8,
    0xC4AC_5665,
    0xF429_2244,
    0x432A_FF97,
    0xAB94_23A7,
    0xFC93_A039,
    0x655B_59C3,
    0x8F0C_CC92,
    0xFFEF_F47D,
    0x8584_5DD1,
    0x6FA8_7E4F,
    0xFE2C_E6E0,
    0xA301_4314,
    0x4E08_11A1,
    0xF753_7E82,
    0xBD3A_F235,
    0x2AD7_D2BB,
    0xEB86_D391,
];

/// The digest of these parts, one after the other.
pub fn digest128(parts: &[&[u8]]) -> [u8; 16] {
    let mut state = START;
    let mut block = [0; BLOCK_BYTES];
    let mut filled = 0;
    let mut length_bits: u64 = 0;
    for part in parts {
        length_bits = length_bits.wrapping_add(part.len() as u64 * 8);
        for byte in *part {
            block[filled] = *byte;
            filled += 1;
            if filled == BLOCK_BYTES {
                mix(&mut state, &block);
                filled = 0;
            }
        }
    }
    pad(&mut state, &mut block, filled, length_bits);
    let mut digest = [0; 16];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

/// The id of a prepared statement: the same on every node and after every start, and the same as Cassandra's.
pub fn prepared_id(keyspace: Option<&str>, text: &str) -> [u8; 16] {
    digest128(&[keyspace.unwrap_or_default().as_bytes(), text.as_bytes()])
}

/// Ends the input with one bit, zeros, and the length in bits.
fn pad(state: &mut [u32; 4], block: &mut [u8; BLOCK_BYTES], filled: usize, length_bits: u64) {
    const LENGTH_OFFSET: usize = BLOCK_BYTES - 8;
    block[filled] = 0x80;
    block[filled + 1..].fill(0);
    if filled + 1 > LENGTH_OFFSET {
        mix(state, block);
        block.fill(0);
    }
    block[LENGTH_OFFSET..].copy_from_slice(&length_bits.to_le_bytes());
    mix(state, block);
}

/// Four rounds of sixteen steps over one block.
fn mix(state: &mut [u32; 4], block: &[u8; BLOCK_BYTES]) {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    let [mut a, mut b, mut c, mut d] = *state;
    for step in 0..64 {
        let round = step / 16;
        let (chosen, word) = match round {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), 5 * step + 1),
            2 => (b ^ c ^ d, 3 * step + 5),
            _ => (c ^ (b | !d), 7 * step),
        };
        let sum = a
            .wrapping_add(chosen)
            .wrapping_add(SINES[step])
            .wrapping_add(words[word % 16]);
        (a, d, c, b) = (
            d,
            c,
            b,
            b.wrapping_add(sum.rotate_left(SHIFTS[round][step % 4])),
        );
    }
    for (word, change) in state.iter_mut().zip([a, b, c, d]) {
        *word = word.wrapping_add(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let hex: String = digest128(&[text.as_bytes()])
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, expected, "{text:?}");
    }

    #[test]
    fn digests_of_rfc_1321() {
        check("", "d41d8cd98f00b204e9800998ecf8427e");
        check("a", "0cc175b9c0f1b6a831c399e269772661");
        check("abc", "900150983cd24fb0d6963f7d28e17f72");
        check("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
        check(
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a",
        );
    }

    #[test]
    fn parts_count_as_one_text() {
        for length in 0..200 {
            let text = vec![b'x'; length];
            for cut in [0, length / 3, length] {
                assert_eq!(
                    digest128(&[&text]),
                    digest128(&[&text[..cut], &text[cut..]]),
                    "{length} cut at {cut}"
                );
            }
        }
        assert_eq!(prepared_id(Some("ks"), "SELECT"), digest128(&[b"ksSELECT"]));
    }
}
