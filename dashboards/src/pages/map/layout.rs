//! Layered layout: rows by longest path, order by barycentre, places by least squares.
//!
//! After Sugiyama, Tagawa and Toda (1981). Every step is deterministic: the same
//! nodes and edges in the same order give the same picture.

/// Space between two neighbours of a row, in px.
const GAP: f64 = 22.0;
/// Width of the lane that an edge takes when it passes through a row, in px.
const LANE: f64 = 18.0;
/// How often the rows are put in order, downwards and upwards in turn.
const ORDER_SWEEPS: usize = 16;
/// How often the places are fitted, downwards and upwards in turn.
const PLACE_SWEEPS: usize = 24;

/// The result of [`place`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Places {
    /// Middle of each node from the left edge, in px.
    pub x: Vec<f64>,
    /// For each edge, where it crosses the rows between its ends, from the upper
    /// row to the lower, in px.
    pub bends: Vec<Vec<f64>>,
    /// Width of the whole, in px.
    pub width: f64,
}

/// The row of each node: the longest path from `root`, leaving out edges that
/// would close a cycle. Nodes that cannot be reached stay in row 0.
///
/// Edges are followed in the order given, so the one that closes a cycle is the
/// later one.
pub(super) fn rows(nodes: usize, edges: &[(usize, usize)], root: usize) -> Vec<usize> {
    let mut out = vec![Vec::new(); nodes];
    for &(from, to) in edges {
        out[from].push(to);
    }
    let (closing, finished) = depth_first(&out, root);
    let mut row = vec![0; nodes];
    for &from in finished.iter().rev() {
        for &to in &out[from] {
            if !closing.contains(&(from, to)) {
                row[to] = row[to].max(row[from] + 1);
            }
        }
    }
    row
}

/// The edges that close a cycle, and the nodes in the order in which they are
/// left for good; without recursion, since a chain may be thousands long.
fn depth_first(
    out: &[Vec<usize>],
    root: usize,
) -> (std::collections::BTreeSet<(usize, usize)>, Vec<usize>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Open,
        Done,
    }
    let mut seen = vec![Seen::No; out.len()];
    let mut closing = std::collections::BTreeSet::new();
    let mut finished = Vec::new();
    let mut stack = Vec::new();
    if root < out.len() {
        seen[root] = Seen::Open;
        stack.push((root, 0));
    }
    while let Some((node, next)) = stack.pop() {
        let Some(&to) = out[node].get(next) else {
            seen[node] = Seen::Done;
            finished.push(node);
            continue;
        };
        stack.push((node, next + 1));
        match seen[to] {
            Seen::No => {
                seen[to] = Seen::Open;
                stack.push((to, 0));
            }
            Seen::Open => {
                closing.insert((node, to));
            }
            Seen::Done => {}
        }
    }
    (closing, finished)
}

/// Places the nodes of each row side by side, so that few edges cross and most
/// run straight.
pub(super) fn place(widths: &[f64], rows: &[usize], edges: &[(usize, usize)]) -> Places {
    let mut net = Net::new(widths, rows, edges);
    net.order();
    net.fit();
    net.into_places(widths.len())
}

/// Nodes and lanes in rows, with edges between neighbouring rows alone.
struct Net {
    width: Vec<f64>,
    order: Vec<Vec<usize>>,
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
    lanes: Vec<Vec<usize>>,
    x: Vec<f64>,
}

impl Net {
    fn new(widths: &[f64], rows: &[usize], edges: &[(usize, usize)]) -> Self {
        let last = rows.iter().copied().max().unwrap_or(0);
        let mut net = Self {
            width: widths.to_vec(),
            order: vec![Vec::new(); last + 1],
            above: vec![Vec::new(); widths.len()],
            below: vec![Vec::new(); widths.len()],
            lanes: Vec::with_capacity(edges.len()),
            x: Vec::new(),
        };
        for (node, &row) in rows.iter().enumerate() {
            net.order[row].push(node);
        }
        for &(from, to) in edges {
            let (upper, lower) = if rows[from] <= rows[to] { (from, to) } else { (to, from) };
            let lanes = net.thread(upper, lower, rows);
            net.lanes.push(lanes);
        }
        net
    }

    /// Lays a chain of lanes through the rows between two nodes.
    fn thread(&mut self, upper: usize, lower: usize, rows: &[usize]) -> Vec<usize> {
        let mut lanes = Vec::new();
        let mut last = upper;
        for row in rows[upper] + 1..rows[lower] {
            let lane = self.width.len();
            self.width.push(LANE);
            self.above.push(Vec::new());
            self.below.push(Vec::new());
            self.order[row].push(lane);
            self.join(last, lane);
            lanes.push(lane);
            last = lane;
        }
        if rows[upper] < rows[lower] {
            self.join(last, lower);
        }
        lanes
    }

    fn join(&mut self, upper: usize, lower: usize) {
        self.below[upper].push(lower);
        self.above[lower].push(upper);
    }

    fn order(&mut self) {
        let mut best = (self.crossings(), self.order.clone());
        for sweep in 0..ORDER_SWEEPS {
            let last = self.order.len();
            if sweep.is_multiple_of(2) {
                (1..last).for_each(|row| self.sort_row(row, true));
            } else {
                (0..last.saturating_sub(1)).rev().for_each(|row| self.sort_row(row, false));
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.order.clone());
            }
        }
        self.order = best.1;
    }

    /// Sorts one row by the middle of each member's neighbours on one side;
    /// members without any keep their place in the order.
    fn sort_row(&mut self, row: usize, downwards: bool) {
        let position = self.positions();
        let neighbours = if downwards { &self.above } else { &self.below };
        let mut keyed: Vec<(f64, usize)> = self.order[row]
            .iter()
            .enumerate()
            .map(|(at, &item)| {
                let near: Vec<usize> =
                    neighbours[item].iter().map(|&other| position[other]).collect();
                (mean(&near).unwrap_or(at as f64), item)
            })
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.order[row] = keyed.into_iter().map(|(_, item)| item).collect();
    }

    fn positions(&self) -> Vec<usize> {
        let mut position = vec![0; self.width.len()];
        for row in &self.order {
            for (at, &item) in row.iter().enumerate() {
                position[item] = at;
            }
        }
        position
    }

    /// How many pairs of edges cross.
    fn crossings(&self) -> usize {
        let position = self.positions();
        let mut count = 0;
        for row in &self.order {
            let mut ends: Vec<(usize, usize)> = Vec::new();
            for &item in row {
                ends.extend(self.below[item].iter().map(|&to| (position[item], position[to])));
            }
            for (at, one) in ends.iter().enumerate() {
                let crosses = |other: &&(usize, usize)| (one.0 < other.0) != (one.1 < other.1);
                let apart = |other: &&(usize, usize)| one.0 != other.0 && one.1 != other.1;
                count += ends[at + 1..].iter().filter(apart).filter(crosses).count();
            }
        }
        count
    }

    /// Moves every member of a row as near to its neighbours as the order and
    /// the widths allow.
    fn fit(&mut self) {
        self.x = vec![0.0; self.width.len()];
        for row in 0..self.order.len() {
            let mut at = 0.0;
            for &item in &self.order[row] {
                self.x[item] = at + self.width[item] / 2.0;
                at += self.width[item] + GAP;
            }
            for &item in &self.order[row] {
                self.x[item] -= at / 2.0;
            }
        }
        for sweep in 0..PLACE_SWEEPS {
            let last = self.order.len();
            match sweep % 2 {
                0 => (0..last).for_each(|row| self.fit_row(row, sweep)),
                _ => (0..last).rev().for_each(|row| self.fit_row(row, sweep)),
            }
        }
    }

    /// Fits one row to the rows above (even sweeps) or below (odd ones), and
    /// to both in the last four.
    fn fit_row(&mut self, row: usize, sweep: usize) {
        let both = sweep + 4 >= PLACE_SWEEPS;
        let items = &self.order[row];
        let wish = |item: usize| {
            let above = self.above[item].iter().filter(|_| both || sweep.is_multiple_of(2));
            let below = self.below[item].iter().filter(|_| both || !sweep.is_multiple_of(2));
            let near: Vec<f64> = above.chain(below).map(|&other| self.x[other]).collect();
            let count = near.len();
            match count {
                0 => (self.x[item], 0.05),
                _ => (near.iter().sum::<f64>() / count as f64, (count as f64).sqrt()),
            }
        };
        let wishes: Vec<(f64, f64)> = items.iter().map(|&item| wish(item)).collect();
        let apart: Vec<f64> = items
            .windows(2)
            .map(|pair| (self.width[pair[0]] + self.width[pair[1]]) / 2.0 + GAP)
            .collect();
        let fitted = least_squares(&wishes, &apart);
        for (&item, x) in self.order[row].iter().zip(fitted) {
            self.x[item] = x;
        }
    }

    fn into_places(self, nodes: usize) -> Places {
        let edge = |side: f64| {
            let width = &self.width;
            self.x.iter().zip(width).map(move |(x, width)| x + side * width / 2.0)
        };
        let left = edge(-1.0).fold(f64::INFINITY, f64::min);
        let right = edge(1.0).fold(f64::NEG_INFINITY, f64::max);
        let left = if left.is_finite() { left } else { 0.0 };
        let x: Vec<f64> = self.x.iter().map(|x| (x - left).round()).collect();
        Places {
            bends: self
                .lanes
                .iter()
                .map(|lanes| lanes.iter().map(|&lane| x[lane]).collect())
                .collect(),
            x: x[..nodes].to_vec(),
            width: if right.is_finite() { (right - left).ceil() } else { 0.0 },
        }
    }
}

fn mean(positions: &[usize]) -> Option<f64> {
    let sum: usize = positions.iter().sum();
    (!positions.is_empty()).then(|| sum as f64 / positions.len() as f64)
}

/// The places nearest to the wishes (value, weight) in the least-squares sense,
/// in the given order and at least `apart` from each other: isotonic regression
/// by pooling adjacent violators.
fn least_squares(wishes: &[(f64, f64)], apart: &[f64]) -> Vec<f64> {
    let mut offset = 0.0;
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    let mut offsets = Vec::with_capacity(wishes.len());
    for (at, &(wish, weight)) in wishes.iter().enumerate() {
        if at > 0 {
            offset += apart[at - 1];
        }
        offsets.push(offset);
        let mut pool = (wish - offset, weight, 1);
        while let Some(&(value, before, count)) = pools.last() {
            if value <= pool.0 {
                break;
            }
            pools.pop();
            let weight = before + pool.1;
            pool = ((value * before + pool.0 * pool.1) / weight, weight, count + pool.2);
        }
        pools.push(pool);
    }
    let values = pools.iter().flat_map(|&(value, _, count)| std::iter::repeat_n(value, count));
    values.zip(offsets).map(|(value, offset)| value + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIAMOND: [(usize, usize); 5] = [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)];

    #[test]
    fn a_row_is_the_longest_path() {
        assert_eq!(rows(4, &DIAMOND, 0), [0, 1, 1, 2]);
        assert_eq!(rows(3, &[(0, 1), (0, 2), (1, 2)], 0), [0, 1, 2]);
    }

    #[test]
    fn a_cycle_is_broken_at_its_last_edge() {
        assert_eq!(rows(3, &[(0, 1), (1, 2), (2, 1)], 0), [0, 1, 2]);
        assert_eq!(rows(1, &[(0, 0)], 0), [0]);
        assert_eq!(rows(0, &[], 0), Vec::<usize>::new());
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let edges: Vec<(usize, usize)> = (0..100_000).map(|at| (at, at + 1)).collect();
        assert_eq!(rows(100_001, &edges, 0)[100_000], 100_000);
    }

    #[test]
    fn neighbours_keep_their_distance() {
        let placed = place(&[100.0, 80.0, 80.0, 120.0], &[0, 1, 1, 2], &DIAMOND);
        assert!((placed.x[1] - placed.x[2]).abs() >= 80.0 + GAP);
        assert_eq!(placed.bends[4].len(), 1, "the long edge gets a lane through the middle row");
        assert!(placed.width >= 160.0 + GAP);
    }

    #[test]
    fn crossings_that_can_be_avoided_are() {
        // 1 needs 4 and 2 needs 3: drawn in the order of the input they would cross
        let edges = [(0, 1), (0, 2), (1, 4), (2, 3)];
        let placed = place(&[50.0; 5], &[0, 1, 1, 2, 2], &edges);
        assert_eq!(placed.x[1] < placed.x[2], placed.x[4] < placed.x[3]);
    }

    #[test]
    fn the_same_input_gives_the_same_picture() {
        let edges: Vec<(usize, usize)> = (1..60).map(|at| (at * 7 % at, at)).collect();
        let rows = rows(60, &edges, 0);
        let widths: Vec<f64> = (0..60).map(|at| 60.0 + f64::from(at % 5) * 10.0).collect();
        assert_eq!(place(&widths, &rows, &edges), place(&widths, &rows, &edges));
    }

    #[test]
    fn wishes_are_met_where_there_is_room() {
        assert_eq!(least_squares(&[(0.0, 1.0), (100.0, 1.0)], &[10.0]), [0.0, 100.0]);
        assert_eq!(least_squares(&[(50.0, 1.0), (50.0, 1.0)], &[10.0]), [45.0, 55.0]);
        assert!(least_squares(&[], &[]).is_empty());
    }
}
