//! The Map page: what hangs on what, as a layered picture and as a table.
mod detail;
mod draw;
mod fold;
mod layout;
mod net;

use std::collections::BTreeSet;

use evenkeel_config::id::Id;
use evenkeel_config::map::Kind;
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{Relation, Status};
use maud::{Markup, html};

use self::fold::{Folded, fold};
use self::net::{Edge, Net, Node, What};
use crate::html::layout::{Page, page as layout_page};
use crate::html::names::Names;
use crate::html::{marks, words};
use crate::picture::{Ask, MapFinding, Picture};

/// The page for one function, or for any other component asked for.
pub fn page(picture: &Picture, ask: &Ask) -> Markup {
    let Some(start) = start(picture, ask) else {
        return layout_page(picture, Page::Map, "Map", nothing_yet());
    };
    let names = Names::new(&picture.map);
    let name = names.component(&start);
    let net = Net::below(&start, picture);
    let folded = fold(&net);
    let told = Told::new(picture, &net);
    let body = html! {
        (form(picture, &names, &start))
        h1 { (headline(&name, &net, &told)) }
        p.lede { (lede(&name, &net, &told, picture)) }
        (picture_section(&name, &folded, picture))
        (table_section(&net, &folded, picture))
        (findings_section(&told))
    };
    layout_page(picture, Page::Map, &format!("What {name} hangs on"), body)
}

/// The component asked for, if the map has it; else the function of the worst
/// finding; else the first function, life safety first; else anything.
fn start(picture: &Picture, ask: &Ask) -> Option<Id> {
    let components = &picture.map.components;
    let asked = ask.function.as_deref().and_then(|text| text.parse::<Id>().ok());
    if let Some(id) = asked.filter(|id| components.contains_key(id)) {
        return Some(id);
    }
    let functions = functions(picture);
    let touched = |id: &&Id| {
        let net = Net::below(id, picture);
        let told = Told::new(picture, &net);
        told.here.iter().any(|finding| finding.critical)
    };
    let hit = functions.iter().copied().find(touched);
    let first = functions.first().copied();
    hit.or(first).or_else(|| components.keys().next()).cloned()
}

/// Functions in the order of every page: life safety first, then by id.
fn functions(picture: &Picture) -> Vec<&Id> {
    let of_kind = picture.map.components.values().filter(|one| one.kind == Kind::Function);
    let mut functions: Vec<(bool, &Id)> = of_kind
        .map(|one| match &one.details {
            evenkeel_config::map::Details::Function(function) => (!function.life_safety, &one.id),
            _ => (true, &one.id),
        })
        .collect();
    functions.sort();
    functions.into_iter().map(|(_, id)| id).collect()
}

/// The findings, those about this part of the map first.
struct Told<'a> {
    here: Vec<&'a MapFinding>,
    elsewhere: Vec<&'a MapFinding>,
}

impl<'a> Told<'a> {
    fn new(picture: &'a Picture, net: &Net) -> Self {
        let shown: BTreeSet<&Id> = net
            .nodes
            .iter()
            .filter_map(|node| match &node.what {
                What::Component(id, _) => Some(id),
                _ => None,
            })
            .collect();
        let about = |finding: &&MapFinding| finding.components.iter().any(|id| shown.contains(id));
        let (mut here, mut elsewhere): (Vec<_>, Vec<_>) =
            picture.map_findings.iter().partition(about);
        here.sort_by_key(|finding| !finding.critical);
        elsewhere.sort_by_key(|finding| !finding.critical);
        Self { here, elsewhere }
    }

    fn critical(&self) -> u64 {
        self.here.iter().filter(|finding| finding.critical).count() as u64
    }
}

fn form(picture: &Picture, names: &Names<'_>, start: &Id) -> Markup {
    let functions = functions(picture);
    html! {
        form.ask method="get" action="/map" {
            label for="fn" { "What hangs on what, for" }
            select #fn name="function" {
                @if !functions.contains(&start) {
                    option value=(start) selected { (in_menu(names, start)) }
                }
                @for id in &functions {
                    option value=(id) selected[*id == start] { (in_menu(names, id)) }
                }
            }
            button type="submit" { "Show" }
        }
    }
}

fn in_menu(names: &Names<'_>, id: &Id) -> String {
    words::shortened(&words::mid_sentence(&names.component(id)), 60)
}

fn headline(name: &str, net: &Net, told: &Told<'_>) -> String {
    if let Some(worst) = told.here.first() {
        return format!("{}.", words::sentence_case(&words::plain(&worst.sentence)));
    }
    let name = words::sentence_case(&words::shortened(name, 80));
    match net.components() as u64 {
        0 => format!("{name} rests on nothing that the map knows of."),
        1 => format!("{name} rests on one other thing."),
        count => format!("{name} rests on {} other things.", words::count(count)),
    }
}

fn lede(name: &str, net: &Net, told: &Told<'_>, picture: &Picture) -> String {
    let rests = net.components() as u64;
    let all = picture.map.components.len() as u64;
    let mut lede = format!(
        "{} rests on {}; {} {} on the whole map.",
        words::sentence_case(&words::shortened(name, 80)),
        words::counted(rests, "other component"),
        words::count(all),
        if all == 1 { "is" } else { "are" },
    );
    let (critical, others) = (told.critical(), told.here.len() as u64 - told.critical());
    match critical {
        0 => {}
        1 => lede += " One finding stops recovery before it starts.",
        more => {
            lede += &format!(" {} findings stop recovery before it starts.", words::spelled(more));
        }
    }
    match (critical, others) {
        (_, 0) => {}
        (0, 1) => lede += " One finding is worth a look.",
        (0, more) => lede += &format!(" {} findings are worth a look.", words::spelled(more)),
        (_, 1) => lede += " One more is worth a look.",
        (_, more) => lede += &format!(" {} more are worth a look.", words::spelled(more)),
    }
    if told.here.is_empty() && !told.elsewhere.is_empty() {
        let count = told.elsewhere.len() as u64;
        lede += &format!(
            " On other parts of the map there {} {}.",
            if count == 1 { "is" } else { "are" },
            words::counted(count, "finding")
        );
    }
    lede
}

fn picture_section(name: &str, folded: &Folded, picture: &Picture) -> Markup {
    let describe = describe(name, folded);
    let links = links(folded, picture);
    let heading = format!("{} and all it needs", words::sentence_case(name));
    html! {
        section aria-labelledby="h-m" {
            h2 #h-m { (heading) }
            p.note {
                "Read from the top: each thing needs those below it. Of people, those are shown who are \
                 named, and those who alone can do a step."
                @if folded.deeper.iter().any(|count| *count > 0) {
                    " What lies deeper is folded: the count leads to it."
                }
            }
            (draw::keys(folded))
            div.scroll tabindex="0" role="region" aria-label="Dependency map, scrolls sideways" {
                (draw::draw(folded, &describe, &links))
            }
        }
    }
}

fn describe(name: &str, folded: &Folded) -> String {
    let layers = folded.rows.iter().max().map_or(0, |last| last + 1) as u64;
    let found = folded.edges.iter().filter(|edge| edge.finding.is_some()).count() as u64;
    let mut text = format!(
        "What {name} hangs on: {} in {} and {} between them. Every one is listed in the table below.",
        words::counted(folded.nodes.len() as u64, "mark"),
        words::counted(layers, "layer"),
        words::counted(folded.edges.len() as u64, "line"),
    );
    if found > 0 {
        text += &format!(
            " {} part of a finding.",
            if found == 1 { "One is".to_owned() } else { format!("{} are", words::spelled(found)) }
        );
    }
    text
}

/// Where each node's folded part is shown: on its own page, or, below the first
/// node, in the table.
fn links(folded: &Folded, picture: &Picture) -> Vec<Option<String>> {
    let link = |(at, node): (usize, &Node)| match &node.what {
        _ if folded.deeper[at] == 0 => None,
        What::Component(id, kind)
            if at > 0 && *kind != Kind::Person && picture.map.components.contains_key(id) =>
        {
            Some(format!("/map?function={id}"))
        }
        _ => Some("#folded".to_owned()),
    };
    folded.nodes.iter().enumerate().map(link).collect()
}

fn table_section(net: &Net, folded: &Folded, picture: &Picture) -> Markup {
    let caption = format!(
        "{} among {}; the picture shows the same rows",
        counted_dependencies(folded.edges.len()),
        words::counted(
            folded.nodes.iter().filter(|node| node.what != What::Group).count() as u64,
            "component"
        ),
    );
    html! {
        section aria-labelledby="h-t" {
            h2 #h-t { "The same as a table" }
            @if folded.edges.is_empty() {
                p.note { "No dependency is on the map yet." }
            } @else {
                (table("Dependencies, table", &caption, &folded.nodes, &folded.edges, picture))
            }
            @if !folded.hidden.is_empty() {
                details {
                    summary { "Show " (counted_dependencies(folded.hidden.len())) " of the folded part" }
                    div #folded {
                        (table("Folded dependencies, table", "Each line of the folded part by itself",
                            &net.nodes, &folded.hidden, picture))
                    }
                }
            }
        }
    }
}

fn counted_dependencies(count: usize) -> String {
    let word = if count == 1 { "dependency" } else { "dependencies" };
    format!("{}{}{word}", words::count(count as u64), words::JOIN)
}

fn table(label: &str, caption: &str, nodes: &[Node], edges: &[Edge], picture: &Picture) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.tight {
                caption { (caption) }
                thead { tr {
                    @for head in ["This", "needs", "that", "How we know", "Finding"] {
                        th scope="col" { (head) }
                    }
                } }
                tbody { @for edge in edges { (row(nodes, edge, picture)) } }
            }
        }
    }
}

fn row(nodes: &[Node], edge: &Edge, picture: &Picture) -> Markup {
    let way = match edge.relation {
        Relation::ToRun => "to run",
        Relation::ToRecover => "to recover",
    };
    let (provenance, known) = match edge.seen {
        true => (Provenance::Measured, "seen on host"),
        false => (Provenance::Declared, "declared, not seen"),
    };
    let finding = edge.finding.and_then(|index| picture.map_findings.get(index));
    html! {
        tr {
            th scope="row" { (nodes[edge.from].title) }
            td.q { (way) }
            td { (nodes[edge.to].title) }
            td.q { (marks::provenance(provenance, known)) }
            td { @if let Some(finding) = finding { (marks::state(status(finding), &words::plain(&finding.short))) } }
        }
    }
}

fn status(finding: &MapFinding) -> Status {
    if finding.critical { Status::Critical } else { Status::Warning }
}

fn findings_section(told: &Told<'_>) -> Markup {
    let all: Vec<&MapFinding> = told.here.iter().chain(&told.elsewhere).copied().collect();
    let title = if told.elsewhere.is_empty() {
        "What stands out"
    } else {
        "What stands out on the whole map"
    };
    html! {
        @if !all.is_empty() {
            section aria-labelledby="h-f" {
                h2 #h-f { (title) }
                ul.plain { @for finding in all { li {
                    (marks::state(status(finding), status(finding).word())) " "
                    (words::sentence_case(&words::plain(&finding.sentence))) "."
                } } }
            }
        }
    }
}

fn nothing_yet() -> Markup {
    html! {
        h1 { "Nothing is on the map yet." }
        p.lede {
            "Run " code { "evenkeel-agent init" } " on a host: it looks around and writes a draft map, \
             with what it saw as components and dependencies."
        }
    }
}

#[cfg(test)]
mod tests;
