//! The last real restore of each data set.
use std::collections::BTreeMap;

use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, Dataset, Details};
use evenkeel_config::record::{DrillFacts, DrillLevel, Status};
use maud::{Markup, html};

use super::cells::{self, Cell};
use crate::html::names::Names;
use crate::html::{marks, sizes, words};
use crate::picture::Picture;

/// A drill older than this is too long ago, in milliseconds.
const YEAR: i64 = 365 * 86_400_000;

/// What is known of restoring one data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// The data set.
    pub dataset: Id,
    /// Its name on pages.
    pub name: String,
    /// The judgement.
    pub status: Status,
    /// Its size in words.
    pub size: String,
    /// Day of the last drill, or `never`.
    pub day: String,
    /// What was measured.
    pub measured: String,
    /// How long it takes alone on the link.
    pub takes: String,
}

/// Every data set of the map: those that were restored first, never drilled
/// ones last.
pub fn last_restores(picture: &Picture, names: &Names<'_>) -> Vec<Restore> {
    let datasets =
        picture.map.components.values().filter_map(|component| match &component.details {
            Details::Dataset(data) => Some((component, data)),
            _ => None,
        });
    let mut restores: Vec<Restore> =
        datasets.map(|(component, data)| restore(component, data, picture, names)).collect();
    let rank = |status| match status {
        Status::Ok => 0,
        Status::Warning => 1,
        Status::Critical => 2,
        _ => 3,
    };
    restores.sort_by(|a, b| (rank(a.status), &a.name).cmp(&(rank(b.status), &b.name)));
    restores
}

/// The state of a restore with its word.
pub fn restore_mark(restore: &Restore) -> Markup {
    let word = match restore.status {
        Status::Ok => "passed",
        Status::Warning => "too long ago",
        Status::Critical => "failed",
        _ => "never drilled",
    };
    marks::state(restore.status, word)
}

/// Drills of a data set, oldest first; one that merely listed or read in part is
/// no proof, unless it failed.
fn real<'a>(picture: &'a Picture, dataset: &Id) -> Vec<&'a DrillFacts> {
    let of_it = picture.drills.iter().filter(|drill| drill.dataset.as_ref() == Some(dataset));
    let mut drills: Vec<&DrillFacts> =
        of_it.filter(|drill| drill.level >= DrillLevel::Sample || !drill.worked).collect();
    drills.sort_by_key(|drill| drill.started);
    drills
}

/// The last drill of each copy, judged; of several copies the one that is worst
/// proven, since nobody knows which will be needed.
fn judge<'a>(drills: &[&'a DrillFacts], picture: &Picture) -> (Status, Option<&'a DrillFacts>) {
    let mut last: BTreeMap<&Id, &DrillFacts> = BTreeMap::new();
    for drill in drills {
        last.insert(&drill.copy, drill);
    }
    let judged = last.into_values().map(|drill| (status(drill, picture), drill));
    let worst = judged.max_by_key(|(status, drill)| (*status, drill.started));
    worst.map_or((Status::Unknown, None), |(status, drill)| (status, Some(drill)))
}

fn status(drill: &DrillFacts, picture: &Picture) -> Status {
    let age = picture.as_of.as_millisecond() - drill.started.as_millisecond();
    match drill.worked {
        false => Status::Critical,
        true if age > YEAR => Status::Warning,
        true => Status::Ok,
    }
}

fn restore(component: &Component, data: &Dataset, picture: &Picture, names: &Names<'_>) -> Restore {
    let drills = real(picture, &component.id);
    let (status, last) = judge(&drills, picture);
    let passed: Vec<f64> =
        drills.iter().filter(|drill| drill.worked).filter_map(|drill| speed(drill)).collect();
    let measured = match last {
        Some(drill) if !drill.worked && drill.why.is_empty() => "did not work".to_owned(),
        Some(drill) if !drill.worked => words::shortened(&names.text(&drill.why), 60),
        _ if data.backups.is_empty() => "in no job".to_owned(),
        _ if passed.is_empty() => "none".to_owned(),
        _ => {
            let mean = passed.iter().sum::<f64>() / passed.len() as f64;
            format!("{}, {}", sizes::speed(mean), words::counted(passed.len() as u64, "drill"))
        }
    };
    Restore {
        dataset: component.id.clone(),
        name: words::sentence_case(&names.component(&component.id)),
        status,
        size: if data.size.as_bytes() > 0 {
            sizes::bytes(data.size.as_bytes())
        } else {
            String::new()
        },
        day: last.map_or_else(
            || "never".to_owned(),
            |drill| words::date(words::zoned(drill.started, &picture.timezone).date()),
        ),
        measured,
        takes: takes(data, status, &passed, picture),
    }
}

/// Bytes a second of a drill that says enough.
fn speed(drill: &DrillFacts) -> Option<f64> {
    (drill.bytes > 0 && drill.seconds > 0.0).then(|| drill.bytes as f64 / drill.seconds)
}

/// How long the whole takes alone on the link, at the speeds that were measured,
/// else at those that were told to us.
fn takes(data: &Dataset, status: Status, measured: &[f64], picture: &Picture) -> String {
    if data.backups.is_empty() {
        return "never".to_owned();
    }
    if status == Status::Critical {
        return "cannot say".to_owned();
    }
    let told = data.backups.iter().filter_map(|backup| {
        match &picture.map.components.get(&backup.copy)?.details {
            Details::Copy(copy) => copy.speed.map(|rate| rate.as_bytes_per_second() as f64),
            _ => None,
        }
    });
    let (speeds, origin) = match measured {
        [] => (told.collect::<Vec<f64>>(), ", told to us"),
        some => (some.to_vec(), ""),
    };
    let bytes = data.size.as_bytes() as f64;
    let times =
        speeds.iter().filter(|speed| **speed > 0.0).map(|speed| (bytes / speed * 1e3) as i64);
    let times: Vec<i64> = times.filter(|ms| *ms > 0).collect();
    match (times.iter().min(), times.iter().max()) {
        (Some(low), Some(high)) => format!("{}{origin}", words::range(*low, *high)),
        _ => "cannot say".to_owned(),
    }
}

/// The cell of a machine: its data set that is least proven; none without data.
pub(super) fn cell(machine: &Component, picture: &Picture) -> Option<Cell> {
    let here = picture.map.components.values().filter(|one| {
        matches!(one.details, Details::Dataset(_))
            && one.foundations().any(|below| *below == machine.id)
    });
    let judged = here.map(|data| judge(&real(picture, &data.id), picture));
    let (status, last) = judged.max_by_key(|(status, _)| *status)?;
    let figure = match last {
        None => "never".to_owned(),
        Some(drill) if !drill.worked => {
            format!("failed {}", cells::short_day(drill.started, picture))
        }
        Some(drill) => cells::short_day(drill.started, picture),
    };
    Some(Cell { status, figure })
}

pub(super) fn section(restores: &[Restore]) -> Markup {
    html! {
        section aria-labelledby="h-d" {
            h2 #h-d { "Last real restore" }
            p.note {
                "A drill restores the data to a scratch place, opens it and compares it. A finished backup \
                 job is not a drill."
            }
            @if restores.is_empty() {
                p.note { "No data set is on the map yet." }
            } @else {
                table.stack role="table" {
                    thead role="rowgroup" { tr role="row" {
                        @for head in ["Data", "Verdict", "Last drill", "Measured"] {
                            th role="columnheader" scope="col" { (head) }
                        }
                        th.r role="columnheader" scope="col" { "Restore, alone on the link" }
                    } }
                    tbody role="rowgroup" { @for restore in restores { tr role="row" {
                        th role="rowheader" scope="row" {
                            (restore.name) @if !restore.size.is_empty() { small { (restore.size) } }
                        }
                        td role="cell" { (restore_mark(restore)) }
                        td role="cell" data-l="last drill:" { (restore.day) }
                        td role="cell" data-l="measured:" { (restore.measured) }
                        td.r.q role="cell" data-l="alone on the link:" { (restore.takes) }
                    } } }
                }
            }
        }
    }
}
