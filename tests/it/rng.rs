//! Reproducible randomness: numbers that only depend on a seed (`SplitMix64`).

/// A sequence of numbers that is the same for the same seed.
pub(crate) struct SeededRng(u64);

impl SeededRng {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// Of the seed in `OFFBOARDD_TEST_SEED`, else of one that it prints.
    pub(crate) fn from_environment() -> Self {
        let given = std::env::var("OFFBOARDD_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from_be_bytes(offboardd::clock::random()));
        println!("OFFBOARDD_TEST_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
