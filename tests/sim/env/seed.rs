//! Seeds from seeds: one number starts a run, and everything in it draws from a generator of its own.

use base::env::Rng;

/// A seed for the `count`th thing called `label` in a run of `seed`.
pub fn derive(seed: u64, label: &str, count: u64) -> u64 {
    // FNV-1a over the parts, then the finisher of SplitMix64 so that near inputs give far outputs.
    let bytes = seed
        .to_le_bytes()
        .into_iter()
        .chain(label.bytes())
        .chain(count.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(hash)
}

/// A generator for the `count`th thing called `label` in a run of `seed`.
pub fn rng(seed: u64, label: &str, count: u64) -> Rng {
    Rng::from_seed(derive(seed, label, count))
}

/// The finisher of SplitMix64: every input bit moves every output bit.
pub(crate) fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
