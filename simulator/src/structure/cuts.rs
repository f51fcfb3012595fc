//! Minimal cut sets: the smallest combinations of failures that take a function down.
use super::bdd::{Bdd, DOWN, Ref, UP};

/// More combinations than this nobody reads.
const MOST_SETS: usize = 100_000;
/// More steps than this are refused: a second or two of work.
const MOST_STEPS: u64 = 1 << 27;

/// The cut sets of a function up to some order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cuts {
    /// By order, then in the order of tests.
    pub(super) sets: Vec<Vec<u32>>,
    /// The first order that was given up, being too many.
    pub(super) given_up: Option<u32>,
    /// The least number of failures that takes the function down, if any does.
    pub(super) fewest: Option<u32>,
}

/// Every minimal cut set of at most `order` events.
///
/// On the way to [`DOWN`] on which exactly the members of a cut set are down,
/// every member of a minimal one is tested; so all ways with at most `order`
/// members down are walked, and those are kept whose members cannot be fewer.
pub(super) fn cuts(bdd: &Bdd, function: Ref, order: u32) -> Cuts {
    let fewest = fewest(bdd, function);
    let mut cuts = Cuts { fewest: known(fewest[function as usize]), ..Cuts::default() };
    let mut walk = Walk { bdd, function, fewest, sets: Vec::new(), down: Vec::new(), steps: 0 };
    for members in 1..=order {
        walk.sets.clear();
        if walk.ways(function, members).is_err() {
            cuts.given_up = Some(members);
            break;
        }
        cuts.sets.append(&mut walk.sets);
    }
    cuts
}

const NEVER: u32 = u32::MAX;

fn known(fewest: u32) -> Option<u32> {
    (fewest != NEVER).then_some(fewest)
}

/// For each node, with how few failures it comes to [`DOWN`].
fn fewest(bdd: &Bdd, function: Ref) -> Vec<u32> {
    let mut fewest = vec![NEVER; function.max(UP) as usize + 1];
    fewest[DOWN as usize] = 0;
    for at in bdd.below(function) {
        let node = bdd.node(at);
        let (low, high) = (fewest[node.low as usize], fewest[node.high as usize]);
        fewest[at as usize] = high.min(low.saturating_add(1));
    }
    fewest
}

struct GivenUp;

struct Walk<'a> {
    bdd: &'a Bdd,
    function: Ref,
    fewest: Vec<u32>,
    sets: Vec<Vec<u32>>,
    /// What is down on the way so far.
    down: Vec<u32>,
    steps: u64,
}

impl Walk<'_> {
    /// All ways to [`DOWN`] with exactly `left` more failures.
    fn ways(&mut self, from: Ref, left: u32) -> Result<(), GivenUp> {
        let mut at = from;
        while self.fewest[at as usize] <= left {
            if at == DOWN {
                if left == 0 && self.is_minimal()? {
                    self.sets.push(self.down.clone());
                    if self.sets.len() > MOST_SETS {
                        return Err(GivenUp);
                    }
                }
                return Ok(());
            }
            self.step()?;
            let node = self.bdd.node(at);
            if left > 0 {
                self.down.push(node.level);
                let below = self.ways(node.low, left - 1);
                self.down.pop();
                below?;
            }
            at = node.high;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), GivenUp> {
        self.steps += 1;
        if self.steps > MOST_STEPS { Err(GivenUp) } else { Ok(()) }
    }

    /// Whether the function is up again as soon as any member is.
    fn is_minimal(&mut self) -> Result<bool, GivenUp> {
        for spared in 0..self.down.len() {
            if self.is_down(spared)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the function is down when all but one of the members are.
    fn is_down(&mut self, spared: usize) -> Result<bool, GivenUp> {
        let mut at = self.function;
        while at != DOWN && at != UP {
            self.step()?;
            let node = self.bdd.node(at);
            // The members stand in the order in which they are tested.
            let member = self.down.binary_search(&node.level);
            at = if member.is_ok_and(|member| member != spared) { node.low } else { node.high };
        }
        Ok(at == DOWN)
    }
}
