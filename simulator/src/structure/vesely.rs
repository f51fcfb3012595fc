//! Fussell-Vesely importance on a diagram, exactly: how often a part has a share in a downtime.
//!
//! For a part it is the chance that all members of some smallest combination
//! with it are down, given that the function is. The members of the others are
//! then down in such a way that this part decides, or more are: so the states
//! in which it decides, `up and not down`, are widened by further failures and
//! their chance is read from the diagram (J. B. Fussell, "How to hand-calculate
//! system reliability and safety characteristics", 1975). The usual shortcut,
//! what the downtime shrinks by without the part, is smaller: where two
//! combinations are down at once, neither of their parts would end it.
use super::bdd::{Bdd, DOWN, Ref, TooLarge, UP};
use super::measures::Measures;

/// More looks at nodes than this, over all parts, are refused: a second or two.
const MOST_LOOKS: usize = 1 << 26;

/// For each event that `rest` tests, the chance that a smallest combination of
/// `rest` with it is down altogether; `None` for others.
///
/// # Errors
/// With what is known, when the rest is too large to be counted.
pub(super) fn shares(
    bdd: &mut Bdd,
    rest: Ref,
    down: &[f64],
) -> Result<Vec<Option<f64>>, Vec<Option<f64>>> {
    let mut shares = vec![None; down.len()];
    let mut tested: Vec<u32> = bdd.below(rest).into_iter().map(|at| bdd.node(at).level).collect();
    tested.sort_unstable();
    tested.dedup();
    let mut looks = 0;
    for event in tested {
        let Ok(having) = having_decided(bdd, rest, event) else { return Err(shares) };
        looks += bdd.size();
        if looks > MOST_LOOKS {
            return Err(shares);
        }
        let (_, chance) = Measures::of(bdd, having, down).down_and_up();
        shares[event as usize] = Some(down[event as usize] * chance);
    }
    Ok(shares)
}

/// The states of the other events in which those that are down hold a set with
/// which `event` decides.
fn having_decided(bdd: &mut Bdd, rest: Ref, event: u32) -> Result<Ref, TooLarge> {
    let up = given(bdd, rest, event, true)?;
    let down = given(bdd, rest, event, false)?;
    let not_down = opposite(bdd, down)?;
    let decides = bdd.and(up, not_down)?;
    widened(bdd, decides)
}

/// Rebuilds a function from its nodes, successors first.
fn rebuilt(
    bdd: &mut Bdd,
    function: Ref,
    ends: [Ref; 2],
    mut make: impl FnMut(&mut Bdd, Ref, Ref, Ref) -> Result<Ref, TooLarge>,
) -> Result<Ref, TooLarge> {
    let mut new = vec![DOWN; function.max(UP) as usize + 1];
    [new[DOWN as usize], new[UP as usize]] = ends;
    for at in bdd.below(function) {
        let node = bdd.node(at);
        new[at as usize] = make(bdd, at, new[node.low as usize], new[node.high as usize])?;
    }
    Ok(new[function as usize])
}

fn given(bdd: &mut Bdd, function: Ref, event: u32, up: bool) -> Result<Ref, TooLarge> {
    rebuilt(bdd, function, [DOWN, UP], |bdd, at, low, high| {
        let level = bdd.node(at).level;
        if level == event {
            return Ok(if up { high } else { low });
        }
        bdd.make(level, low, high)
    })
}

fn opposite(bdd: &mut Bdd, function: Ref) -> Result<Ref, TooLarge> {
    rebuilt(bdd, function, [UP, DOWN], |bdd, at, low, high| {
        let level = bdd.node(at).level;
        bdd.make(level, low, high)
    })
}

/// Holds wherever the function does after some of what is down were up.
fn widened(bdd: &mut Bdd, function: Ref) -> Result<Ref, TooLarge> {
    rebuilt(bdd, function, [DOWN, UP], |bdd, at, low, high| {
        let level = bdd.node(at).level;
        let either = bdd.or(low, high)?;
        bdd.make(level, either, high)
    })
}
