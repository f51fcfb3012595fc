//! Draws of sixteen trials at once, bit for bit those of one trial at a time.
//!
//! Written as plain loops over fixed arrays, which compilers turn into vector
//! instructions of whatever width the caller was built for (see
//! `level`). Every operation is exact or correctly rounded in every lane, so the
//! width changes nothing.
use crate::draw::{BadDay, NORMAL_POINTS, Sampler, normal_by, normal_points, scaled};
use crate::key::{Luck, MULTIPLIERS, Purpose, ROUNDS, WEYL, unit, words};
use crate::model::Draw;

/// Trials in a batch.
pub const LANES: usize = 16;

/// Which trials a batch holds: `first`, `first + step` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trials {
    /// The number of the first.
    pub first: u32,
    /// From one to the next; not 1 where a shard takes every n-th.
    pub step: u32,
}

impl Trials {
    /// The trial of a lane.
    #[inline(always)]
    pub fn of(self, lane: usize) -> u32 {
        self.first.wrapping_add(self.step.wrapping_mul(lane as u32))
    }
}

/// Sixteen trials and what each one's draws share.
#[derive(Debug, Clone)]
pub struct Batch {
    seed: u64,
    trials: Trials,
    nights: [BadDay; LANES],
    /// What the night adds to an effort's luck, by lane.
    shared: [f64; LANES],
    own: f64,
}

impl Batch {
    /// A batch, with the luck of each trial's night at correlation `r`.
    pub fn new(seed: u64, trials: Trials, r: f64, night: Purpose) -> Self {
        let nights = std::array::from_fn(|lane| {
            BadDay::new(r, Luck::new(seed, trials.of(lane)).normal(night, 0))
        });
        let shared = nights.map(|night| night.mix(0.0));
        // All nights weigh an effort's own luck alike.
        let own = BadDay::new(r, 0.0).mix(1.0);
        Self { seed, trials, nights, shared, own }
    }

    /// Which trials these are.
    pub fn trials(&self) -> Trials {
        self.trials
    }

    /// The luck of a lane's trial.
    pub fn luck(&self, lane: usize) -> Luck {
        Luck::new(self.seed, self.trials.of(lane))
    }

    /// The night of a lane's trial.
    pub fn night(&self, lane: usize) -> BadDay {
        self.nights[lane]
    }
}

/// The draws of each law at an attempt: one row of lanes for each.
#[inline(always)]
pub(super) fn fill(batch: &Batch, draws: &[Draw], attempt: u32, rows: &mut [[i64; LANES]]) {
    let normals = normal_points();
    for (draw, row) in draws.iter().zip(rows) {
        if let Sampler::Fixed(ms) = &draw.sampler {
            *row = [*ms; LANES];
            continue;
        }
        let luck = normal_row(batch, normals, draw.purpose, attempt);
        let (shared, own) =
            if draw.bad_day { (&batch.shared, batch.own) } else { (&[0.0; LANES], 1.0) };
        match &draw.sampler {
            Sampler::Scaled { low, scale, table } => {
                let points = table.points();
                for lane in 0..LANES {
                    row[lane] = scaled(points, *low, *scale, shared[lane] + own * luck[lane]);
                }
            }
            sampler => {
                for lane in 0..LANES {
                    row[lane] = sampler.at(shared[lane] + own * luck[lane]);
                }
            }
        }
    }
}

/// Uniform numbers of one purpose, a row of lanes.
#[inline(always)]
pub(super) fn uniform(batch: &Batch, purpose: Purpose, attempt: u32, out: &mut [f64; LANES]) {
    let words = bits(batch, purpose, attempt);
    for lane in 0..LANES {
        out[lane] = unit(words[lane]);
    }
}

#[inline(always)]
fn normal_row(
    batch: &Batch,
    normals: &[f64; NORMAL_POINTS],
    purpose: Purpose,
    attempt: u32,
) -> [f64; LANES] {
    let words = bits(batch, purpose, attempt);
    let mut row = [0.0; LANES];
    for lane in 0..LANES {
        row[lane] = normal_by(normals, unit(words[lane]));
    }
    row
}

/// 64 random bits for each lane.
#[inline(always)]
fn bits(batch: &Batch, purpose: Purpose, attempt: u32) -> [u64; LANES] {
    const HALF: usize = LANES / 2;
    let Trials { first, step } = batch.trials;
    let mut row = [0; LANES];
    if step == 1 && first % 2 == 0 {
        let mut blocks = [0; HALF];
        for (index, block) in blocks.iter_mut().enumerate() {
            *block = u64::from((first >> 1).wrapping_add(index as u32));
        }
        let out = philox(batch.seed, purpose, attempt, blocks);
        for index in 0..HALF {
            row[2 * index] = out[0][index] | out[1][index] << 32;
            row[2 * index + 1] = out[2][index] | out[3][index] << 32;
        }
        return row;
    }
    let mut blocks = [0; LANES];
    for (lane, block) in blocks.iter_mut().enumerate() {
        *block = u64::from(batch.trials.of(lane) >> 1);
    }
    let out = philox(batch.seed, purpose, attempt, blocks);
    for lane in 0..LANES {
        let odd = (batch.trials.of(lane) & 1) as usize;
        row[lane] = out[2 * odd][lane] | out[2 * odd + 1][lane] << 32;
    }
    row
}

/// Philox4x32-10 on `N` counters that differ in their third word. Words are
/// kept in 64 bits, the width of their products.
#[inline(always)]
fn philox<const N: usize>(
    seed: u64,
    purpose: Purpose,
    attempt: u32,
    third: [u64; N],
) -> [[u64; N]; 4] {
    const LOW: u64 = 0xffff_ffff;
    let [low, high] = words(purpose.word());
    let [mut key0, mut key1] = words(seed);
    let mut a = [u64::from(low); N];
    let mut b = [u64::from(high); N];
    let mut c = third;
    let mut d = [u64::from(attempt); N];
    for _ in 0..ROUNDS {
        for lane in 0..N {
            let first = a[lane] * u64::from(MULTIPLIERS[0]);
            let second = c[lane] * u64::from(MULTIPLIERS[1]);
            a[lane] = second >> 32 ^ b[lane] ^ u64::from(key0);
            c[lane] = first >> 32 ^ d[lane] ^ u64::from(key1);
            b[lane] = second & LOW;
            d[lane] = first & LOW;
        }
        key0 = key0.wrapping_add(WEYL[0]);
        key1 = key1.wrapping_add(WEYL[1]);
    }
    [a, b, c, d]
}
