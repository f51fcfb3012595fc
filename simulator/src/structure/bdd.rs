//! Reduced ordered binary decision diagrams of monotone functions: a cap instead of an explosion.
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A function in a [`Bdd`]: equal functions have equal numbers.
pub(super) type Ref = u32;

/// Never holds: down.
pub(super) const DOWN: Ref = 0;
/// Always holds: up.
pub(super) const UP: Ref = 1;

/// More nodes than this are refused.
const MOST_NODES: usize = 1 << 20;
/// More steps than this are refused: a few seconds of work.
const MOST_STEPS: u64 = 1 << 26;
/// Results of operations that are remembered; older ones give way.
const REMEMBERED: usize = 1 << 18;

/// The needs are too entangled: the diagram would outgrow its cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// A test of one variable. Nodes are numbered after both of their successors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Node {
    /// The variable tested; smaller ones are tested earlier.
    pub(super) level: u32,
    /// What remains when it is down.
    pub(super) low: Ref,
    /// What remains when it is up.
    pub(super) high: Ref,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    And,
    Or,
}

/// Work of an operation, kept on a stack of its own: a chain of needs may be
/// longer than the thread's stack is deep.
enum Task {
    Join(Ref, Ref),
    Make(u32, Ref, Ref),
}

/// A shared diagram of many functions over the same variables.
pub(super) struct Bdd {
    nodes: Vec<Node>,
    known: HashMap<Node, Ref, BuildHasherDefault<Mixer>>,
    remembered: Vec<(Operation, Ref, Ref, Ref)>,
    steps: u64,
}

impl Bdd {
    pub(super) fn new() -> Self {
        let end = Node { level: u32::MAX, low: DOWN, high: UP };
        Self {
            nodes: vec![end, end],
            known: HashMap::default(),
            remembered: vec![(Operation::And, DOWN, DOWN, DOWN); REMEMBERED],
            steps: 0,
        }
    }

    /// The test behind a function; for [`UP`] and [`DOWN`] one of no variable,
    /// later than all others.
    pub(super) fn node(&self, function: Ref) -> Node {
        self.nodes[function as usize]
    }

    /// How many nodes there are, of all functions.
    pub(super) fn size(&self) -> usize {
        self.nodes.len()
    }

    /// "If the variable is up then `high`, else `low`"; the variable comes
    /// before all that both test.
    pub(super) fn make(&mut self, level: u32, low: Ref, high: Ref) -> Result<Ref, TooLarge> {
        if low == high {
            return Ok(low);
        }
        let node = Node { level, low, high };
        if let Some(known) = self.known.get(&node) {
            return Ok(*known);
        }
        if self.nodes.len() >= MOST_NODES {
            return Err(TooLarge);
        }
        let new = self.nodes.len() as Ref;
        self.nodes.push(node);
        self.known.insert(node, new);
        Ok(new)
    }

    /// Both hold.
    pub(super) fn and(&mut self, a: Ref, b: Ref) -> Result<Ref, TooLarge> {
        self.apply(Operation::And, a, b)
    }

    /// At least one holds.
    pub(super) fn or(&mut self, a: Ref, b: Ref) -> Result<Ref, TooLarge> {
        self.apply(Operation::Or, a, b)
    }

    /// All variables of a list in rising order are up, and the function holds.
    pub(super) fn all_up(&mut self, levels: &[u32], function: Ref) -> Result<Ref, TooLarge> {
        let mut chain = UP;
        for level in levels.iter().rev() {
            chain = self.make(*level, DOWN, chain)?;
        }
        self.and(chain, function)
    }

    /// At least `least` of the parts hold.
    pub(super) fn at_least(&mut self, least: usize, parts: &[Ref]) -> Result<Ref, TooLarge> {
        // `reached[j]`: at least j of the parts seen so far hold. Later parts
        // test later variables, as a rule: they are joined first.
        let mut reached = vec![DOWN; least + 1];
        reached[0] = UP;
        for part in parts.iter().rev() {
            for count in (1..=least).rev() {
                let with = self.and(*part, reached[count - 1])?;
                reached[count] = self.or(with, reached[count])?;
            }
        }
        Ok(reached[least])
    }

    /// Every node of a function, successors first.
    pub(super) fn below(&self, function: Ref) -> Vec<Ref> {
        let mut seen = vec![false; function as usize + 1];
        seen[function as usize] = true;
        for at in (2..=function as usize).rev() {
            if seen[at] {
                seen[self.nodes[at].low as usize] = true;
                seen[self.nodes[at].high as usize] = true;
            }
        }
        (2..=function).filter(|at| seen[*at as usize]).collect()
    }

    fn apply(&mut self, operation: Operation, a: Ref, b: Ref) -> Result<Ref, TooLarge> {
        let mut open = vec![Task::Join(a, b)];
        let mut done: Vec<Ref> = Vec::new();
        while let Some(task) = open.pop() {
            match task {
                Task::Join(a, b) => {
                    let (a, b) = (a.min(b), a.max(b));
                    if let Some(known) = self.at_once(operation, a, b) {
                        done.push(known);
                        continue;
                    }
                    self.steps += 1;
                    if self.steps > MOST_STEPS {
                        return Err(TooLarge);
                    }
                    let (first, second) = (self.node(a), self.node(b));
                    let level = first.level.min(second.level);
                    let split = |function: Ref, node: Node| {
                        if node.level == level {
                            (node.low, node.high)
                        } else {
                            (function, function)
                        }
                    };
                    let (low_a, high_a) = split(a, first);
                    let (low_b, high_b) = split(b, second);
                    open.push(Task::Make(level, a, b));
                    open.push(Task::Join(high_a, high_b));
                    open.push(Task::Join(low_a, low_b));
                }
                Task::Make(level, a, b) => {
                    // The low side was joined first and lies below the high one.
                    let high = done.pop().unwrap_or(DOWN);
                    let low = done.pop().unwrap_or(DOWN);
                    let made = self.make(level, low, high)?;
                    self.remembered[slot(operation, a, b)] = (operation, a, b, made);
                    done.push(made);
                }
            }
        }
        Ok(done.pop().unwrap_or(DOWN))
    }

    fn at_once(&self, operation: Operation, a: Ref, b: Ref) -> Option<Ref> {
        if a == b {
            return Some(a);
        }
        // `a` is the smaller number: one of the ends, if either is.
        match (operation, a) {
            (Operation::And, DOWN) | (Operation::Or, UP) => return Some(a),
            (Operation::And, UP) | (Operation::Or, DOWN) => return Some(b),
            _ => {}
        }
        let (of, left, right, result) = self.remembered[slot(operation, a, b)];
        ((of, left, right) == (operation, a, b)).then_some(result)
    }
}

fn slot(operation: Operation, a: Ref, b: Ref) -> usize {
    let mut mixer = Mixer::default();
    mixer.write_u32(a);
    mixer.write_u32(b);
    mixer.write_u32(operation as u32);
    mixer.finish() as usize % REMEMBERED
}

/// A hash of a few numbers: they are ours, so nobody can choose them to collide.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        let mixed = (self.0 ^ u64::from(value)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
