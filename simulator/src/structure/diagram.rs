//! From needs to one diagram: what stands alone is taken out, circles settle from above.
use super::bdd::{Bdd, Ref, TooLarge, UP};
use super::bits::Bits;
use super::system::{Need, System};

/// Larger than this is refused before it is tried: sets of that many members
/// for that many components would fill the memory.
const MOST_COMPONENTS: usize = 20_000;

/// What takes each component down alone.
///
/// Every event is tried at once, one to a bit: all of several falls when any
/// does, k of n when more than n - k do. Circles of needs to run hold each
/// other up (the greatest fixed point), so falls spread from nothing upwards.
pub(super) struct Alone {
    /// For each component, the events that take it down.
    falls: Vec<Bits>,
    bound: usize,
}

impl Alone {
    /// # Errors
    /// More components than can be held in memory.
    pub(super) fn of(system: &System<'_>) -> Result<Self, TooLarge> {
        if system.nodes.len() > MOST_COMPONENTS {
            return Err(TooLarge);
        }
        let bound = system.events.len();
        let mut alone = Self { falls: vec![Bits::none(bound); system.nodes.len()], bound };
        settle(system, |node| {
            let mut falls = alone.falls[node].clone();
            system.nodes[node].own.iter().for_each(|event| falls.add(*event));
            for need in &system.nodes[node].needs {
                falls.join(&alone.of_need(need));
            }
            let more = falls != alone.falls[node];
            alone.falls[node] = falls;
            Ok(more)
        })?;
        Ok(alone)
    }

    fn of_need(&self, need: &Need) -> Bits {
        match need {
            Need::Node(node) => self.falls[*node as usize].clone(),
            Need::AtLeast(least, parts) => {
                let parts: Vec<Bits> = parts.iter().map(|part| self.of_need(part)).collect();
                Bits::in_at_least(parts.len() + 1 - least, &parts, self.bound)
            }
        }
    }

    /// The events that take the function down, in the order of tests.
    pub(super) fn of_function(&self) -> Vec<u32> {
        self.falls[0].without(&Bits::none(self.bound))
    }
}

/// A function as a diagram, and what it is when nothing has happened that takes
/// it down alone.
#[derive(Clone, Copy)]
pub(super) struct Drawn {
    pub(super) function: Ref,
    pub(super) rest: Ref,
}

/// The function as a diagram over the system's events.
///
/// A component is up when everything is that takes it down alone, and the rest
/// of its needs holds. Only where several stand in for each other does that
/// list become part of a diagram, and what takes the function down alone does
/// so above all, once: chains of needs cost nothing.
///
/// # Errors
/// The needs are too entangled.
pub(super) fn diagram(
    system: &System<'_>,
    alone: &Alone,
    bdd: &mut Bdd,
) -> Result<Drawn, TooLarge> {
    let mut build = Build { alone, rest: vec![UP; system.nodes.len()], bdd };
    settle(system, |node| {
        let mut rest = UP;
        for need in &system.nodes[node].needs {
            let part = match need {
                Need::Node(used) => build.rest[*used as usize],
                choice @ Need::AtLeast(..) => build.whole(choice)?,
            };
            rest = build.bdd.and(rest, part)?;
        }
        let less = rest != build.rest[node];
        build.rest[node] = rest;
        Ok(less)
    })?;
    let rest = build.rest[0];
    Ok(Drawn { function: bdd.all_up(&alone.of_function(), rest)?, rest })
}

struct Build<'a> {
    alone: &'a Alone,
    /// For each component what it needs beyond what takes it down alone.
    rest: Vec<Ref>,
    bdd: &'a mut Bdd,
}

impl Build<'_> {
    /// A need, given that nothing has happened that takes the function down alone.
    fn whole(&mut self, need: &Need) -> Result<Ref, TooLarge> {
        match need {
            Need::Node(node) => {
                let node = *node as usize;
                let own = self.alone.falls[node].without(&self.alone.falls[0]);
                self.bdd.all_up(&own, self.rest[node])
            }
            Need::AtLeast(least, parts) => {
                let parts: Vec<Ref> =
                    parts.iter().map(|part| self.whole(part)).collect::<Result<_, _>>()?;
                self.bdd.at_least(*least, &parts)
            }
        }
    }
}

/// Works out every component, those that others need first, and again those
/// that need a component which has changed, until nothing changes any more.
fn settle(
    system: &System<'_>,
    mut work: impl FnMut(usize) -> Result<bool, TooLarge>,
) -> Result<(), TooLarge> {
    let users = users(system);
    let order = needed_first(system);
    let mut stale = vec![true; system.nodes.len()];
    let mut again = true;
    while again {
        again = false;
        for node in &order {
            if !std::mem::replace(&mut stale[*node], false) {
                continue;
            }
            if work(*node)? {
                for user in &users[*node] {
                    stale[*user] = true;
                }
                again = true;
            }
        }
    }
    Ok(())
}

fn users(system: &System<'_>) -> Vec<Vec<usize>> {
    let mut users = vec![Vec::new(); system.nodes.len()];
    for (user, node) in system.nodes.iter().enumerate() {
        for need in &node.needs {
            need.each(&mut |used| users[used as usize].push(user));
        }
    }
    users
}

/// The components in an order in which, circles aside, what is needed comes first.
fn needed_first(system: &System<'_>) -> Vec<usize> {
    let mut order = Vec::with_capacity(system.nodes.len());
    let mut met = vec![false; system.nodes.len()];
    let mut open = vec![(0, false)];
    while let Some((node, leaving)) = open.pop() {
        if leaving {
            order.push(node);
        } else if !std::mem::replace(&mut met[node], true) {
            open.push((node, true));
            for need in &system.nodes[node].needs {
                need.each(&mut |used| {
                    if !met[used as usize] {
                        open.push((used as usize, false));
                    }
                });
            }
        }
    }
    order
}
