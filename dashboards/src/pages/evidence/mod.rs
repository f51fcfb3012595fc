//! The Evidence page: what we know of each host, and how old it is.
mod cells;
mod dates;
mod matrix;
mod restores;
mod rule;

use std::collections::BTreeMap;

use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{Status, Summary};
use maud::{Markup, html};

use self::matrix::Matrix;
use crate::html::layout::{Page, page as layout_page};
use crate::html::names::Names;
use crate::html::{marks, words};
use crate::picture::{Ask, Picture};

pub use dates::{RunsOut, runs_out};
pub use restores::{Restore, last_restores, restore_mark};

/// Above so many figures of a group, one square stands for several.
const MOST_SQUARES: u64 = 30;

/// The page.
pub fn page(picture: &Picture, ask: &Ask) -> Markup {
    let names = Names::new(&picture.map);
    let matrix = Matrix::of(picture);
    let restores = last_restores(picture, &names);
    let dates = runs_out(picture, &names);
    let rule = picture.rule();
    let summary = picture.summary(ask);
    let body = html! {
        h1 { (headline(picture, &restores, &dates)) }
        p.lede { (lede(&matrix, picture)) }
        (matrix_section(&matrix))
        (restores::section(&restores))
        (rule::section(&rule, &names))
        (rule::missing(&rule, &names))
        div.two {
            (figures_section(summary))
            (dates::section(&dates))
        }
    };
    layout_page(picture, Page::Evidence, "Evidence", body)
}

/// The three things that most need a word: silence, restores, lapses.
fn headline(picture: &Picture, restores: &[Restore], dates: &[RunsOut]) -> String {
    if picture.hosts.is_empty() {
        return "We have not heard from any host yet.".to_owned();
    }
    let mut parts = Vec::new();
    let silent = picture.hosts.values().filter(|host| host.silent).count() as u64;
    match silent {
        0 => {}
        1 => parts.push("one server is silent".to_owned()),
        more => parts.push(format!("{} servers are silent", words::spelled(more).to_lowercase())),
    }
    let all = restores.len() as u64;
    let unproven = restores.iter().filter(|restore| restore.status != Status::Ok).count() as u64;
    match unproven {
        0 => {}
        _ if unproven == all && all == 1 => {
            parts.push("the one data set has no recent proof of restore".to_owned());
        }
        _ if unproven == all => {
            parts.push(format!(
                "none of {} data sets has a recent proof of restore",
                words::spelled(all).to_lowercase()
            ));
        }
        _ => {
            let has = if unproven == 1 { "has" } else { "have" };
            parts.push(format!(
                "{} of {} data sets {has} no recent proof of restore",
                words::spelled(unproven).to_lowercase(),
                words::spelled(all).to_lowercase()
            ));
        }
    }
    parts.extend(dates::in_headline(dates));
    let critical = picture.hosts.values().flat_map(|host| host.checks.values());
    let critical = critical.filter(|one| one.status_at(picture.as_of) == Status::Critical).count();
    match (parts.is_empty(), critical) {
        (true, 0) if picture.hosts.is_empty() => "No host has been heard yet.".to_owned(),
        (true, 0) if all == 0 => {
            "Every host has been heard and nothing lapses soon; no data is on the map yet.".to_owned()
        }
        (true, 0) => "Every host has been heard, every data set was restored within a year, and nothing lapses soon.".to_owned(),
        (true, 1) => "One check is critical; every host has been heard.".to_owned(),
        (true, more) => format!("{} checks are critical; every host has been heard.", words::spelled(more as u64)),
        _ => format!("{}.", words::sentence_case(&words::list(&parts, 3))),
    }
}

fn lede(matrix: &Matrix, picture: &Picture) -> String {
    let hosts = picture.hosts.len() as u64;
    let checks = picture.hosts.values().map(|host| host.checks.len() as u64).sum::<u64>();
    let mut lede = format!(
        "{} on {}. What has not been heard from is unknown; it is never counted as ok.",
        words::counted(checks, "check"),
        words::counted(hosts, "host")
    );
    if !matrix.unwatched.is_empty() {
        lede += &format!(" No agent watches {}.", words::list(&matrix.unwatched, 4));
    }
    lede
}

fn matrix_section(matrix: &Matrix) -> Markup {
    html! {
        section aria-labelledby="h-m" {
            h2 #h-m { "Hosts and checks" }
            p.note {
                "Each cell: a letter in a shape, and the figure behind it. Ages count back from the time at \
                 the top. A dash means the check does not apply."
            }
            @if matrix.rows.is_empty() {
                p.note { "No host has reported yet. Start an agent, and name it in the settings." }
            } @else {
                (matrix.key())
                (matrix.table())
            }
        }
    }
}

fn figures_section(summary: Option<&Summary>) -> Markup {
    let Some(summary) = summary else {
        return html! {
            section aria-labelledby="h-g" {
                h2 #h-g { "The figures behind Tonight" }
                p.note { "Nothing is simulated yet, so no figure is counted." }
            }
        };
    };
    let mut groups: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    for input in &summary.inputs {
        groups.entry(&input.group).or_default()[place(input.provenance)] += 1;
    }
    let mut groups: Vec<(&str, [u64; 3])> = groups.into_iter().collect();
    groups.sort_by_key(|(_, counts)| std::cmp::Reverse(*counts));
    let total = groups.iter().fold([0, 0, 0], |all, (_, counts)| {
        [all[0] + counts[0], all[1] + counts[1], all[2] + counts[2]]
    });
    let most = groups.iter().map(|(_, counts)| counts.iter().sum::<u64>()).max().unwrap_or(0);
    let each = most.div_ceil(MOST_SQUARES).max(1);
    let all = words::counted(total.iter().sum(), "figure");
    html! {
        section aria-labelledby="h-g" {
            h2 #h-g { "The " (all) " behind Tonight" }
            ul.key {
                @for (provenance, count, word) in [
                    (Provenance::Measured, total[0], "measured on your hosts"),
                    (Provenance::Declared, total[1], "told to us"),
                    (Provenance::Default, total[2], "assumed by us"),
                ] { li { (marks::provenance(provenance, &format!("{count} {word}"))) } }
            }
            div.scroll tabindex="0" role="region" aria-label="Figures by kind" {
                table.tight {
                    thead { tr {
                        th scope="col" { "Kind" }
                        th.r scope="col" { "Measured" }
                        th.r scope="col" { "Told" }
                        th.r scope="col" { "Assumed" }
                        th scope="col" { span.vh { "Picture" } }
                    } }
                    tbody {
                        @for (group, counts) in &groups {
                            tr {
                                th scope="row" { (words::plain(group)) }
                                @for count in counts { td.r { (figure(*count)) } }
                                td { (squares(*counts, each)) }
                            }
                        }
                        tr.sum {
                            th scope="row" { "All" }
                            @for count in total { td.r { (figure(count)) } }
                            td {}
                        }
                    }
                }
            }
            @if each > 1 { p.note { "One square stands for " (each) " figures." } }
        }
    }
}

fn place(provenance: Provenance) -> usize {
    match provenance {
        Provenance::Measured => 0,
        Provenance::Declared => 1,
        Provenance::Default => 2,
    }
}

fn figure(count: u64) -> Markup {
    html! { @if count == 0 { (marks::missing()) } @else { (words::count(count)) } }
}

/// A group's squares in a row, in the order measured, told, assumed.
fn squares(counts: [u64; 3], each: u64) -> Markup {
    let marks: Vec<&str> = ["#p-m", "#p-t", "#p-a"]
        .into_iter()
        .zip(counts)
        .flat_map(|(mark, count)| (0..count.div_ceil(each)).map(move |_| mark))
        .collect();
    let width = marks.len().min(15) * 12;
    let height = marks.len().div_ceil(15).max(1) * 13;
    html! {
        svg.dk width=(width) height=(height) aria-hidden="true" {
            @for (at, mark) in marks.iter().enumerate() {
                use href=(mark) x=(at % 15 * 12) y=(at / 15 * 13 + 1) width="9" height="9" {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
