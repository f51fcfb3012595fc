//! Keyed luck: every draw is a pure function of (seed, trial, what it is for, attempt).
//!
//! The name of a purpose (component, step, law) is hashed to 64 bits with XXH3;
//! Philox4x32-10 then turns (purpose, trial, attempt) under the seed into random
//! bits. Nothing depends on the order in which draws are made, so two variants
//! of a map share their luck, and a component more changes nobody else's draws.
use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

/// The name of the hash, as printed in results.
pub const HASH: &str = "xxh3-64";
/// The name of the generator, as printed in results.
pub const GENERATOR: &str = "philox4x32-10";

/// What a draw is for, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Purpose(u64);

/// Hands out purposes and notices when two different names share one hash.
#[derive(Debug, Default)]
pub struct Purposes {
    names: HashMap<u64, String>,
    collision: Option<(String, String)>,
}

impl Purposes {
    /// The purpose of a draw: which component, which step of it, which law.
    /// Edges use `from>to` as the component.
    pub fn of(&mut self, component: &str, step: &str, law: &str) -> Purpose {
        let name = format!("{component}\0{step}\0{law}");
        let hash = xxh3_64(name.as_bytes());
        let earlier = self.names.entry(hash).or_insert_with(|| name.clone());
        if *earlier != name && self.collision.is_none() {
            self.collision = Some((earlier.replace('\0', " "), name.replace('\0', " ")));
        }
        Purpose(hash)
    }

    /// Two names that collided, if any did: with 64 bits a matter of once in a
    /// billion maps, but never to be passed over in silence.
    pub fn collision(&self) -> Option<&(String, String)> {
        self.collision.as_ref()
    }
}

/// The luck of one trial.
#[derive(Debug, Clone, Copy)]
pub struct Luck {
    seed: u64,
    trial: u32,
}

impl Luck {
    /// The luck of a trial under a seed.
    pub fn new(seed: u64, trial: u32) -> Self {
        Self { seed, trial }
    }

    /// A uniform number strictly between 0 and 1, of 53 bits.
    pub fn uniform(self, purpose: Purpose, attempt: u32) -> f64 {
        let bits = self.bits(purpose, attempt);
        ((bits >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Whether something of this probability happens.
    pub fn happens(self, probability: f64, purpose: Purpose, attempt: u32) -> bool {
        probability >= 1.0 || probability > 0.0 && self.uniform(purpose, attempt) < probability
    }

    /// 64 random bits.
    pub fn bits(self, purpose: Purpose, attempt: u32) -> u64 {
        let low = |x: u64| (x & 0xffff_ffff) as u32;
        let counter = [low(purpose.0), low(purpose.0 >> 32), self.trial, attempt];
        let out = philox(counter, [low(self.seed), low(self.seed >> 32)]);
        u64::from(out[1]) << 32 | u64::from(out[0])
    }
}

/// Philox4x32 with ten rounds (Salmon, Moraes, Dror and Shaw: "Parallel random
/// numbers: as easy as 1, 2, 3", SC 2011).
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let first = u64::from(counter[0]) * 0xD251_1F53;
        let second = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
    #[test]
    fn philox_gives_the_published_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn each_part_of_the_key_matters() {
        let mut purposes = Purposes::default();
        let (a, b) =
            (purposes.of("erp", "install", "effort"), purposes.of("erp", "install", "wait"));
        let draws = [
            Luck::new(1, 0).bits(a, 0),
            Luck::new(2, 0).bits(a, 0),
            Luck::new(1, 1).bits(a, 0),
            Luck::new(1, 0).bits(b, 0),
            Luck::new(1, 0).bits(a, 1),
        ];
        for (i, one) in draws.iter().enumerate() {
            assert!(draws.iter().skip(i + 1).all(|other| other != one));
        }
        assert!(purposes.collision().is_none());
    }
}
