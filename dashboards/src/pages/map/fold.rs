//! Keeps a picture readable: like siblings become one mark, the deeper part a count.
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::map::Kind;
use evenkeel_config::record::Relation;

use super::layout;
use super::net::{Edge, Net, Node, What};

/// Rows of a picture: the function, and five layers below it.
pub(super) const MOST_ROWS: usize = 6;
/// Marks of a picture.
pub(super) const MOST_NODES: usize = 40;
/// From so many on, like siblings are drawn as one.
const ALIKE: usize = 4;
/// So many names stand under a mark for several.
const NAMES: usize = 2;

/// What is drawn, and what is left to the table.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded {
    /// The marks, the function first.
    pub nodes: Vec<Node>,
    /// The row of each mark, without gaps, the function's 0.
    pub rows: Vec<usize>,
    /// The lines, in the order of the table.
    pub edges: Vec<Edge>,
    /// For each mark, how many components lie folded below it.
    pub deeper: Vec<usize>,
    /// Lines with an end that is folded, between nodes of the net.
    pub hidden: Vec<Edge>,
}

/// Folds a net.
pub(super) fn fold(net: &Net) -> Folded {
    if net.nodes.is_empty() {
        return Folded::default();
    }
    let merged = merge_alike(net);
    let mut rows = layout::rows(merged.net.nodes.len(), &downwards(&merged.net), 0);
    let shown = choose(&merged.net, &mut rows);
    let mut folded = keep(&merged.net, &rows, &shown);
    let stands = |node: usize| shown.contains(&merged.stand_in[node]) && !merged.is_member[node];
    folded.hidden =
        net.edges.iter().copied().filter(|edge| !stands(edge.from) || !stands(edge.to)).collect();
    folded
}

/// The lines that put their lower end into a lower row. What is needed to run
/// decides first, so that a copy or a vault, needed to recover, does not push
/// down what it needs itself.
fn downwards(net: &Net) -> Vec<(usize, usize)> {
    let mut out = vec![Vec::new(); net.nodes.len()];
    for edge in net.edges.iter().filter(|edge| edge.relation == Relation::ToRun) {
        out[edge.from].push(edge.to);
    }
    let mut runs = BTreeSet::from([0]);
    let mut next = vec![0];
    while let Some(at) = next.pop() {
        next.extend(out[at].iter().filter(|to| runs.insert(**to)));
    }
    let counts = |edge: &&Edge| {
        let to_run = edge.relation == Relation::ToRun && runs.contains(&edge.from);
        to_run || !runs.contains(&edge.to)
    };
    net.edges.iter().filter(counts).map(|edge| (edge.from, edge.to)).collect()
}

struct Merged {
    net: Net,
    /// The node of the merged net that stands for each node.
    stand_in: Vec<usize>,
    /// Whether a node shares its mark with others.
    is_member: Vec<bool>,
}

/// Draws components that need and are needed by the same others as one mark
/// with a count. What has something to say of its own stays by itself.
fn merge_alike(net: &Net) -> Merged {
    type Ends = BTreeSet<(usize, Relation, bool)>;
    let mut ends: Vec<(Ends, Ends)> = vec![Default::default(); net.nodes.len()];
    for edge in &net.edges {
        ends[edge.from].1.insert((edge.to, edge.relation, edge.seen));
        ends[edge.to].0.insert((edge.from, edge.relation, edge.seen));
    }
    let in_finding: BTreeSet<usize> = net
        .edges
        .iter()
        .filter(|edge| edge.finding.is_some())
        .flat_map(|e| [e.from, e.to])
        .collect();
    let mut alike: BTreeMap<(Kind, &Ends, &Ends), Vec<usize>> = BTreeMap::new();
    for (at, node) in net.nodes.iter().enumerate().skip(1) {
        let plain = node.mark.is_none() && node.notes.is_empty() && !in_finding.contains(&at);
        if let (true, What::Component(_, kind) | What::Stranger(_, kind)) = (plain, &node.what) {
            alike.entry((*kind, &ends[at].0, &ends[at].1)).or_default().push(at);
        }
    }
    let mut leader: Vec<usize> = (0..net.nodes.len()).collect();
    let mut members: BTreeMap<usize, (Kind, Vec<usize>)> = BTreeMap::new();
    for ((kind, ..), group) in alike.into_iter().filter(|(_, group)| group.len() >= ALIKE) {
        group.iter().for_each(|&at| leader[at] = group[0]);
        members.insert(group[0], (kind, group));
    }
    let mut merged = Net::default();
    let mut stand_in = vec![0; net.nodes.len()];
    for (at, node) in net.nodes.iter().enumerate().filter(|(at, _)| leader[*at] == *at) {
        stand_in[at] = merged.nodes.len();
        merged.nodes.push(match members.get(&at) {
            Some((kind, group)) => several(net, *kind, group),
            None => node.clone(),
        });
    }
    for at in 0..net.nodes.len() {
        stand_in[at] = stand_in[leader[at]];
    }
    let mut known = BTreeSet::new();
    for edge in &net.edges {
        let edge = Edge { from: stand_in[edge.from], to: stand_in[edge.to], ..*edge };
        if known.insert((edge.from, edge.to, edge.relation)) {
            merged.edges.push(edge);
        }
    }
    let joined: BTreeSet<usize> = members.into_values().flat_map(|(_, group)| group).collect();
    let is_member = (0..net.nodes.len()).map(|at| joined.contains(&at)).collect();
    Merged { net: merged, stand_in, is_member }
}

/// The one mark for several nodes.
fn several(net: &Net, kind: Kind, group: &[usize]) -> Node {
    let names: Vec<&str> =
        group.iter().take(NAMES).map(|&at| net.nodes[at].title.as_str()).collect();
    Node {
        what: What::Alike(kind, group.len()),
        title: format!("{} {}", group.len(), super::detail::plural(kind)),
        detail: format!("{} and {} more", names.join(", "), group.len() - names.len()),
        mark: None,
        notes: Vec::new(),
    }
}

/// Which nodes are drawn: the first rows, and whatever a finding is about,
/// which moves up into the last row; if these are too many, fewer rows.
fn choose(net: &Net, rows: &mut [usize]) -> BTreeSet<usize> {
    let told: BTreeSet<usize> = net
        .edges
        .iter()
        .filter(|edge| edge.finding.is_some())
        .flat_map(|e| [e.from, e.to])
        .collect();
    let mut shown: Vec<usize> = Vec::new();
    for (at, row) in rows.iter_mut().enumerate() {
        if *row < MOST_ROWS || told.contains(&at) {
            *row = (*row).min(MOST_ROWS - 1);
            shown.push(at);
        }
    }
    if shown.len() > MOST_NODES {
        shown.sort_by_key(|&at| (at != 0, !told.contains(&at), rows[at], at));
        shown.truncate(MOST_NODES);
    }
    shown.into_iter().collect()
}

/// The chosen nodes with new numbers, and the lines between them.
fn keep(net: &Net, rows: &[usize], shown: &BTreeSet<usize>) -> Folded {
    let number: BTreeMap<usize, usize> =
        shown.iter().enumerate().map(|(new, &old)| (old, new)).collect();
    let used: BTreeSet<usize> = shown.iter().map(|&old| rows[old]).collect();
    let row_of: BTreeMap<usize, usize> =
        used.into_iter().enumerate().map(|(new, old)| (old, new)).collect();
    let mut edges: Vec<Edge> = net
        .edges
        .iter()
        .filter_map(|edge| {
            let (from, to) = (*number.get(&edge.from)?, *number.get(&edge.to)?);
            Some(Edge { from, to, ..*edge })
        })
        .collect();
    let new_rows: Vec<usize> = shown.iter().map(|old| row_of[&rows[*old]]).collect();
    edges.sort_by_key(|edge| {
        (edge.finding.is_some(), edge.relation, new_rows[edge.from], edge.from, edge.to)
    });
    Folded {
        nodes: shown.iter().map(|&old| net.nodes[old].clone()).collect(),
        rows: new_rows,
        edges,
        deeper: hidden_below(net, shown),
        hidden: Vec::new(),
    }
}

/// How many components can be reached from each shown node through folded ones
/// alone.
fn hidden_below(net: &Net, shown: &BTreeSet<usize>) -> Vec<usize> {
    let mut out = vec![Vec::new(); net.nodes.len()];
    for edge in net.edges.iter().filter(|edge| !shown.contains(&edge.to)) {
        out[edge.from].push(edge.to);
    }
    let reached = |start: usize| {
        let mut met = BTreeSet::new();
        let mut next = vec![start];
        while let Some(at) = next.pop() {
            next.extend(out[at].iter().filter(|to| met.insert(**to)));
        }
        met.iter().map(|&at: &usize| net.nodes[at].count()).sum()
    };
    shown.iter().map(|&old| reached(old)).collect()
}

impl Node {
    /// How many components the mark stands for.
    pub(super) fn count(&self) -> usize {
        match self.what {
            What::Group => 0,
            What::Alike(_, count) => count,
            What::Component(..) | What::Stranger(..) => 1,
        }
    }
}
