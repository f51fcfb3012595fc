//! The map as SVG: one shape for each kind, one line style for each way of knowing.
use evenkeel_config::map::Kind;
use evenkeel_config::record::Relation;
use maud::{Markup, html};

use super::fold::Folded;
use super::layout::{self, Places};
use super::net::{Edge, Node, What};
use crate::html::{marks, words};

/// Middle of the first row's marks from the top, in px.
const TOP: f64 = 50.0;
/// From one row's marks to the next one's.
const ROW: f64 = 134.0;
/// From the middle of a mark to the ends of the lines above it.
const HEAD: f64 = 18.0;
/// From the middle of a mark to the lines below its words.
const FOOT: f64 = 52.0;
/// Height of one more line of words under a mark.
const LINE: f64 = 18.0;
/// Space left and right of the picture.
const MARGIN: f64 = 24.0;
/// A name longer than this is cut; the table has it whole.
const LONGEST: usize = 24;
/// The picture is at least as wide as the page.
const LEAST_WIDTH: f64 = 1100.0;
/// A narrow picture is spread by so much at most to fill the page.
const MOST_SPREAD: f64 = 1.7;
/// Root text size, for lengths that grow with the reader's own.
const REM: f64 = 16.0;

/// Draws what is shown; `describe` is its content in a sentence, `links` the
/// page on which each node's deeper part is shown.
pub(super) fn draw(folded: &Folded, describe: &str, links: &[Option<String>]) -> Markup {
    let scene = Scene::new(folded, links);
    let (width, height) = (scene.width, scene.height);
    html! {
        svg class="net" width=(format!("{}rem", width / REM)) height=(format!("{}rem", height / REM))
            viewBox=(format!("0 0 {width} {height}")) role="group" aria-labelledby="map-title map-about" {
            title id="map-title" { "The picture" }
            desc id="map-about" { (describe) }
            g role="img" aria-label=(describe) {
                @for (at, edge) in folded.edges.iter().enumerate() { (scene.edge(at, edge)) }
                @for (at, node) in folded.nodes.iter().enumerate() { (scene.node(at, node)) }
            }
            @for (at, link) in links.iter().enumerate() { (scene.deeper(at, link.as_deref())) }
        }
    }
}

/// Where everything stands.
struct Scene<'a> {
    folded: &'a Folded,
    places: Places,
    y: Vec<f64>,
    left: f64,
    width: f64,
    height: f64,
}

impl<'a> Scene<'a> {
    fn new(folded: &'a Folded, links: &[Option<String>]) -> Self {
        let pairs: Vec<(usize, usize)> =
            folded.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        let widths: Vec<f64> = folded.nodes.iter().map(width).collect();
        let places = spread(layout::place(&widths, &folded.rows, &pairs));
        let last = folded.rows.iter().copied().max().unwrap_or(0);
        // A row is higher where more is written under its marks.
        let lines = |row: usize| {
            let of_row = (0..folded.nodes.len()).filter(|&at| folded.rows[at] == row);
            let count = of_row
                .map(|at| folded.nodes[at].notes.len().min(2) + usize::from(links[at].is_some()));
            count.max().unwrap_or(0) as f64 * LINE
        };
        let mut y = vec![TOP];
        for row in 0..last {
            y.push(y[row] + ROW + lines(row));
        }
        let width = (places.width + 2.0 * MARGIN).max(LEAST_WIDTH);
        let left = ((width - places.width) / 2.0).floor();
        let height = y[last] + FOOT + lines(last) + 18.0;
        Self { folded, places, y, left, width, height }
    }

    fn x(&self, node: usize) -> f64 {
        self.left + self.places.x[node]
    }

    fn top(&self, node: usize) -> f64 {
        self.y[self.folded.rows[node]] - HEAD
    }

    /// Where lines leave a node: under its last line of words.
    fn bottom(&self, node: usize) -> f64 {
        let lines =
            self.folded.nodes[node].notes.len().min(2) + usize::from(self.folded.deeper[node] > 0);
        self.y[self.folded.rows[node]] + FOOT + lines as f64 * LINE
    }

    fn edge(&self, at: usize, edge: &Edge) -> Markup {
        let class = match edge {
            Edge { finding: Some(_), .. } => "ed-x",
            Edge { relation: Relation::ToRecover, .. } => "ed-r",
            Edge { seen: true, .. } => "ed",
            Edge { seen: false, .. } => "ed-d",
        };
        let (path, tip, up) = self.path(at, edge);
        let falls = self.folded.rows[edge.from] < self.folded.rows[edge.to];
        let arrow = match edge {
            Edge { finding: Some(_), .. } => Some("ar-x"),
            Edge { relation: Relation::ToRecover, .. } => Some("ar"),
            // Down is the rule; any other direction is shown.
            _ if !falls => Some("ar-n"),
            _ => None,
        };
        html! {
            path class=(class) d=(path) {}
            @if let Some(arrow) = arrow {
                path class=(arrow) d=(format!("M{} {}l-4.5 {}h9z", tip.0, tip.1, if up { 9 } else { -9 })) {}
            }
        }
    }

    /// The line of an edge, where its arrow head stands, and whether it runs
    /// upwards.
    fn path(&self, at: usize, edge: &Edge) -> (String, (f64, f64), bool) {
        let rows = &self.folded.rows;
        let (from, to) = (edge.from, edge.to);
        if rows[from] == rows[to] {
            return self.sideways(from, to);
        }
        let up = rows[from] > rows[to];
        let (upper, lower) = if up { (to, from) } else { (from, to) };
        let shift = self.shift(edge);
        let start = (self.x(upper) + shift, self.bottom(upper));
        let end = (self.x(lower) + shift, self.top(lower));
        let mut path = format!("M{} {}", start.0, start.1);
        let mut pen = start;
        for (step, bend) in self.places.bends[at].iter().enumerate() {
            let row = rows[upper] + 1 + step;
            let x = self.left + bend;
            path += &curve(pen, (x, self.y[row] - HEAD));
            pen = (x, self.y[row] + FOOT);
            path += &format!("L{} {}", pen.0, pen.1);
        }
        path += &curve(pen, end);
        if up {
            (path, (start.0, start.1 - 2.0), true)
        } else {
            (path, (end.0, end.1 + 2.0), false)
        }
    }

    /// Lines between the same two nodes stand side by side.
    fn shift(&self, edge: &Edge) -> f64 {
        let same = |other: &&Edge| {
            (other.from, other.to) == (edge.from, edge.to)
                || (other.from, other.to) == (edge.to, edge.from)
        };
        let siblings: Vec<&Edge> = self.folded.edges.iter().filter(same).collect();
        let own = siblings.iter().position(|other| *other == edge).unwrap_or(0);
        (own as f64 - (siblings.len() as f64 - 1.0) / 2.0) * 13.0
    }

    /// Within a row a line arches over what stands between.
    fn sideways(&self, from: usize, to: usize) -> (String, (f64, f64), bool) {
        let y = self.top(from);
        let way = if self.x(from) < self.x(to) { 1.0 } else { -1.0 };
        let (start, end) = (self.x(from) + 10.0 * way, self.x(to) - 10.0 * way);
        let high = y - 40.0;
        (format!("M{start} {y}C{start} {high} {end} {high} {end} {y}"), (end, y + 2.0), false)
    }

    fn node(&self, at: usize, node: &Node) -> Markup {
        let (x, y) = (self.x(at), self.y[self.folded.rows[at]]);
        let title = words::shortened(&node.title, LONGEST);
        html! {
            g transform=(format!("translate({x} {y})")) {
                (shape(node))
                text class="nt m halo" y="30" { (title) }
                text class="nd m halo" y="46" { (words::shortened(&node.detail, LONGEST + 4)) }
                @for (line, note) in node.notes.iter().take(2).enumerate() {
                    text class="fi m halo" y=(64.0 + line as f64 * LINE) { (words::shortened(note, 34)) }
                }
                @if let Some(status) = node.mark { (marks::state_at(status, 20.0, -21.0, 20.0)) }
            }
        }
    }

    /// The link to what is folded below a node.
    fn deeper(&self, at: usize, link: Option<&str>) -> Markup {
        let notes = self.folded.nodes[at].notes.len().min(2) as f64;
        let y = self.y[self.folded.rows[at]] + 64.0 + notes * LINE;
        let count = self.folded.deeper[at];
        html! {
            @if let Some(link) = link {
                a href=(link) {
                    rect fill="transparent" x=(self.x(at) - 45.0) y=(y - 16.0) width="90" height="24" {}
                    text class="more m halo" x=(self.x(at)) y=(y) { (count) " more below" }
                }
            }
        }
    }
}

/// Uses the width of the page, and no more.
fn spread(mut places: Places) -> Places {
    let room = LEAST_WIDTH - 2.0 * MARGIN;
    let factor = (room / places.width.max(1.0)).clamp(1.0, MOST_SPREAD);
    let all = places.x.iter_mut().chain(places.bends.iter_mut().flatten());
    all.for_each(|x| *x = (*x * factor).round());
    places.width *= factor;
    places
}

fn curve(from: (f64, f64), to: (f64, f64)) -> String {
    let middle = ((from.1 + to.1) / 2.0).round();
    format!("C{} {middle} {} {middle} {} {}", from.0, to.0, to.0, to.1)
}

/// Width of a node with its words, by the usual width of a letter.
fn width(node: &Node) -> f64 {
    let letters = |text: &str, longest: usize| text.chars().count().min(longest) as f64;
    let notes = node.notes.iter().map(|note| letters(note, 34) * 6.6);
    let text = (letters(&node.title, LONGEST) * 7.4).max(letters(&node.detail, LONGEST + 4) * 6.4);
    notes.fold(text.max(64.0), f64::max)
}

/// The mark of a node.
fn shape(node: &Node) -> Markup {
    match &node.what {
        What::Group => {
            html! { circle class="nk" cx="0" cy="0" r="11" {} path class="nk" d="M-5 0h10M0-5v10" {} }
        }
        What::Alike(kind, _) => {
            html! { g transform="translate(5 -4)" { (glyph(*kind)) } (glyph(*kind)) }
        }
        What::Component(_, kind) | What::Stranger(_, kind) => glyph(*kind),
    }
}

/// The shape of a kind, around the origin, 40 px wide and 26 high.
fn glyph(kind: Kind) -> Markup {
    let line = match kind {
        Kind::Function => {
            return html! { rect class="nk nk-f" x="-20" y="-11" width="40" height="22" rx="11" {} };
        }
        Kind::Service => {
            return html! { rect class="nk" x="-18" y="-11" width="36" height="22" rx="6" {} };
        }
        Kind::Vm => {
            return html! { path class="nk" d="M-18-11h36v22h-36z" {} path class="nk" d="M-14-7h28v14h-28z" {} };
        }
        Kind::Fleet => {
            return html! {
                path class="nk" d="M-12-13h30v16h-30z" {}
                path class="nk" d="M-15-10h30v16h-30z" {}
                path class="nk" d="M-18-7h30v16h-30z" {}
            };
        }
        Kind::Dataset => {
            return html! {
                path class="nk" d="M-15-8v16c0 6 30 6 30 0v-16" {}
                ellipse class="nk" cx="0" cy="-8" rx="15" ry="4.5" {}
            };
        }
        Kind::Copy => {
            return html! {
                path class="nk" d="M-6-10v14c0 5 24 5 24 0v-14" {}
                ellipse class="nk" cx="6" cy="-10" rx="12" ry="3.5" {}
                path class="nk" d="M-18-5v14c0 5 24 5 24 0v-14" {}
                ellipse class="nk" cx="-6" cy="-5" rx="12" ry="3.5" {}
            };
        }
        Kind::Person | Kind::Team => {
            return html! { circle class="nk" cx="0" cy="-6" r="6.5" {} path class="nk" d="M-13 12c0-14 26-14 26 0z" {} };
        }
        Kind::Host => "M-18-11h36v22h-36zM-18-4h36M-18 4h36",
        Kind::Storage => "M-14-13h28v26h-28zM-14-4h28M-14 5h28",
        Kind::Link => "M-19 0-11-11H11L19 0 11 11H-11z",
        Kind::Voice => "M-15-11h30v17h-19l-7 7v-7h-4z",
        Kind::Site => "M0-14 15-3v15h-30V-3z",
        Kind::Power => "M0-13 15 0 0 13-15 0z",
        Kind::DnsZone => "M0-12c16 0 16 24 0 24s-16-24 0-24zM-12 0h24M0-12v24",
        Kind::Certificate | Kind::Credential | Kind::Document => "M-11-13H5l6 6v20h-22zM5-13v6h6",
        Kind::Vendor => "M-12-11H20L12 11H-20z",
        Kind::Spare => "M-14-8 0-14 14-8v16L0 14-14 8zM-14-8 0-2l14-6M0-2v16",
    };
    html! { path class="nk" d=(line) {} }
}

/// The keys above the picture: its lines, and those of its shapes that it has.
pub(super) fn keys(folded: &Folded) -> Markup {
    let lines = [
        ("ed", "needs it to run, seen on a host"),
        ("ed-d", "declared, not seen"),
        ("ed-r", "needs it to recover"),
        ("ed-x", "a finding"),
    ];
    let has = |kinds: &[Kind]| {
        folded.nodes.iter().any(|node| match &node.what {
            What::Component(_, kind) | What::Stranger(_, kind) | What::Alike(kind, _) => {
                kinds.contains(kind)
            }
            What::Group => false,
        })
    };
    let shapes: Vec<(Kind, &str)> = SHAPES
        .iter()
        .filter(|(kinds, _)| has(kinds))
        .map(|(kinds, word)| (kinds[0], *word))
        .collect();
    let groups = folded.nodes.iter().any(|node| node.what == What::Group);
    html! {
        ul class="key" aria-label="Lines" {
            @for (class, word) in lines {
                li { svg class="kx" aria-hidden="true" { path class=(class) d="M0 8H34" {} } (word) }
            }
        }
        ul class="key" aria-label="Shapes" {
            @for (kind, word) in shapes { (key(&glyph(kind), word)) }
            @if groups {
                (key(&html! { circle class="nk" cx="0" cy="0" r="11" {} path class="nk" d="M-5 0h10M0-5v10" {} }, "a choice"))
            }
        }
    }
}

/// Kinds that share a shape, and its word in the key.
const SHAPES: &[(&[Kind], &str)] = &[
    (&[Kind::Function], "function"),
    (&[Kind::Service], "service"),
    (&[Kind::Vm], "virtual machine"),
    (&[Kind::Host], "host"),
    (&[Kind::Fleet], "many PCs"),
    (&[Kind::Storage], "disk array, NAS"),
    (&[Kind::Dataset], "data"),
    (&[Kind::Copy], "backup copy"),
    (&[Kind::Link], "network link"),
    (&[Kind::Voice], "phones"),
    (&[Kind::Power], "power"),
    (&[Kind::DnsZone], "domain"),
    (&[Kind::Credential, Kind::Document, Kind::Certificate], "credential, document"),
    (&[Kind::Vendor], "outside party"),
    (&[Kind::Person, Kind::Team], "person, team"),
    (&[Kind::Site], "site, route"),
    (&[Kind::Spare], "spare parts"),
];

fn key(glyph: &Markup, word: &str) -> Markup {
    html! { li { svg class="kx" viewBox="-24 -15 48 30" aria-hidden="true" { (glyph) } (word) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_place_in_the_key() {
        for kind in Kind::ALL {
            assert!(SHAPES.iter().any(|(kinds, _)| kinds.contains(&kind)), "{kind:?}");
        }
    }
}
