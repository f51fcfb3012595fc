//! First attempts of a batch of trials, drawn sixteen at a time when the first trial asks.
use super::lanes::{Batch, LANES};
use super::level::Level;
use crate::key::Purpose;
use crate::model::Draw;

/// The draws that the trials of one batch made so far. Slots number the draws
/// and the yes/no questions of a model; who uses a slot decides which.
#[derive(Debug, Clone)]
pub struct Block {
    level: Level,
    batch: Batch,
    /// The batch in which a slot was filled last.
    filled: Vec<u32>,
    number: u32,
    spans: Vec<[i64; LANES]>,
    shares: Vec<[f64; LANES]>,
}

impl Block {
    /// Room for `draws` spans and `questions` shares of a batch.
    pub fn new(level: Level, batch: Batch, draws: usize, questions: usize) -> Self {
        Self {
            level,
            batch,
            filled: vec![0; draws + questions],
            number: 1,
            spans: vec![[0; LANES]; draws],
            shares: vec![[0.0; LANES]; questions],
        }
    }

    /// Goes on to another batch; what was drawn for the one before is void.
    pub fn begin(&mut self, batch: Batch) {
        self.batch = batch;
        self.number = self.number.wrapping_add(1);
        if self.number == 0 {
            self.filled.fill(0);
            self.number = 1;
        }
    }

    /// The batch at hand.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// A lane's span of a draw at attempt 0.
    #[inline]
    pub fn span(&mut self, slot: usize, draw: &Draw, lane: usize) -> i64 {
        if self.filled[slot] != self.number {
            self.filled[slot] = self.number;
            let draws = std::slice::from_ref(draw);
            let row = std::slice::from_mut(&mut self.spans[slot]);
            self.level.fill(&self.batch, draws, 0, row);
        }
        self.spans[slot][lane]
    }

    /// A lane's uniform number of a purpose at attempt 0.
    #[inline]
    pub fn share(&mut self, slot: usize, purpose: Purpose, lane: usize) -> f64 {
        let mark = self.spans.len() + slot;
        if self.filled[mark] != self.number {
            self.filled[mark] = self.number;
            self.shares[slot] = self.level.uniform(&self.batch, purpose, 0);
        }
        self.shares[slot][lane]
    }
}
