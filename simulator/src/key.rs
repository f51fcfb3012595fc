//! Keyed luck: every draw is a pure function of (seed, trial, what it is for, attempt).
//!
//! The name of a purpose (component, step, law) is hashed to 64 bits with XXH3;
//! Philox4x32-10 then turns (purpose, trial, attempt) under the seed into random
//! bits. Nothing depends on the order in which draws are made, so two variants
//! of a map share their luck, and a component more changes nobody else's draws.
//!
//! A block of Philox is 128 bits and a draw needs 64, so trials 2k and 2k + 1
//! share the block of counter (purpose, k, attempt): the even trial reads its
//! first two words, the odd one its last two. `fast::lanes` computes the same
//! bits for many trials at once.
use std::collections::HashMap;
use std::convert::Infallible;

use rand::TryRng;
use xxhash_rust::xxh3::xxh3_64;

use crate::draw::normal;

/// The name of the hash, as printed in results.
pub const HASH: &str = "xxh3-64";
/// The name of the generator, as printed in results.
pub const GENERATOR: &str = "philox4x32-10/2";

/// What a draw is for, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Purpose(u64);

impl Purpose {
    /// The hash itself: the first two words of the counter.
    pub(crate) fn word(self) -> u64 {
        self.0
    }

    /// A key of its own for other luck of the same purpose.
    pub(crate) fn other(self) -> Self {
        Self(self.0 ^ 0x9E37_79B9_7F4A_7C15)
    }
}

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

    /// A uniform number strictly between 0 and 1, of 52 bits.
    pub fn uniform(self, purpose: Purpose, attempt: u32) -> f64 {
        unit(self.bits(purpose, attempt))
    }

    /// The same luck as a standard normal number, rising with [`Luck::uniform`].
    pub fn normal(self, purpose: Purpose, attempt: u32) -> f64 {
        normal(self.uniform(purpose, attempt))
    }

    /// Whether something of this probability happens.
    pub fn happens(self, probability: f64, purpose: Purpose, attempt: u32) -> bool {
        probability >= 1.0 || probability > 0.0 && self.uniform(purpose, attempt) < probability
    }

    /// 64 random bits.
    pub fn bits(self, purpose: Purpose, attempt: u32) -> u64 {
        let [low, high] = words(purpose.0);
        let out = philox([low, high, self.trial >> 1, attempt], words(self.seed));
        let [low, high] = if self.trial & 1 == 0 { [out[0], out[1]] } else { [out[2], out[3]] };
        let bits = u64::from(high) << 32 | u64::from(low);
        #[cfg(test)]
        dump::add(purpose, attempt, bits);
        bits
    }

    /// All draws of one purpose, attempt by attempt, as a generator of the
    /// `rand` crates: its n-th word is `bits(purpose, n)`.
    pub fn stream(self, purpose: Purpose) -> Stream {
        Stream { luck: self, purpose, attempt: 0 }
    }
}

/// The attempts of one trial and purpose, in order, for whatever samples
/// through the traits of `rand`.
#[derive(Debug, Clone)]
pub struct Stream {
    luck: Luck,
    purpose: Purpose,
    attempt: u32,
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        // The upper half: generators differ most in their upper bits.
        self.try_next_u64().map(|word| (word >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let word = self.luck.bits(self.purpose, self.attempt);
        self.attempt = self.attempt.wrapping_add(1);
        Ok(word)
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        for part in target.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            part.copy_from_slice(&word[..part.len()]);
        }
        Ok(())
    }
}

/// The uniform number of 64 random bits: the middle of one of 2^52 equal cells,
/// exact, so neither 0 nor 1.
#[inline(always)]
pub(crate) fn unit(bits: u64) -> f64 {
    const HALF_CELL: f64 = 1.0 / 9_007_199_254_740_992.0;
    f64::from_bits(bits >> 12 | 1.0_f64.to_bits()) - 1.0 + HALF_CELL
}

/// A 64-bit number as two words, the lower first.
#[inline(always)]
pub(crate) fn words(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

/// The multipliers of Philox4x32.
pub(crate) const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What is added to the key after each round.
pub(crate) const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
/// Rounds.
pub(crate) const ROUNDS: usize = 10;

/// Philox4x32 with ten rounds (Salmon, Moraes, Dror and Shaw: "Parallel random
/// numbers: as easy as 1, 2, 3", SC 2011).
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let first = u64::from(counter[0]) * u64::from(MULTIPLIERS[0]);
        let second = u64::from(counter[2]) * u64::from(MULTIPLIERS[1]);
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// Every draw that a test's own thread makes, while it asks for them.
#[cfg(test)]
pub(crate) mod dump {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::Purpose;

    /// Values by purpose and attempt.
    pub(crate) type Drawn = BTreeMap<(Purpose, u32), u64>;

    thread_local! {
        static DRAWN: RefCell<Option<Drawn>> = const { RefCell::new(None) };
    }

    pub(super) fn add(purpose: Purpose, attempt: u32, bits: u64) {
        DRAWN.with_borrow_mut(|drawn| {
            if let Some(drawn) = drawn {
                drawn.insert((purpose, attempt), bits);
            }
        });
    }

    /// What `work` draws.
    pub(crate) fn of(work: impl FnOnce()) -> Drawn {
        DRAWN.set(Some(Drawn::new()));
        work();
        DRAWN.take().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

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
            Luck::new(1, 2).bits(a, 0),
            Luck::new(1, 3).bits(a, 0),
            Luck::new(1, 0).bits(b, 0),
            Luck::new(1, 0).bits(a, 1),
        ];
        for (i, one) in draws.iter().enumerate() {
            assert!(draws.iter().skip(i + 1).all(|other| other != one));
        }
        assert!(purposes.collision().is_none());
    }

    #[test]
    fn uniform_numbers_stay_strictly_inside() {
        assert!(unit(0) > 0.0 && unit(u64::MAX) < 1.0);
        assert_eq!(unit(0), 1.0 - unit(u64::MAX));
        assert!(unit(u64::MAX / 2) < 0.5 && unit(u64::MAX / 2 + 1) > 0.5);
    }

    #[test]
    fn a_stream_is_the_attempts_in_order() {
        let purpose = Purposes::default().of("a", "b", "c");
        let luck = Luck::new(7, 3);
        let mut stream = luck.stream(purpose);
        assert_eq!(stream.next_u64(), luck.bits(purpose, 0));
        assert_eq!(stream.next_u32(), (luck.bits(purpose, 1) >> 32) as u32);
        let mut bytes = [0; 11];
        stream.fill_bytes(&mut bytes);
        assert_eq!(bytes[..8], luck.bits(purpose, 2).to_le_bytes());
        assert_eq!(bytes[8..], luck.bits(purpose, 3).to_le_bytes()[..3]);
    }
}
