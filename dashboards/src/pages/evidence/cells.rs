//! One cell: the worst state of some checks, and the figure behind it.
use evenkeel_config::map::{Component, Details};
use evenkeel_config::record::{Evidence, Finding, Outcome, Status, Value};
use jiff::Timestamp;

use crate::html::words;
use crate::picture::{HostPicture, Picture};

/// Longest figure of a cell, in characters.
const LONGEST: usize = 22;

/// A state and the words beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub status: Status,
    pub figure: String,
}

/// When the host was last heard from.
pub(super) fn heard(host: &HostPicture, picture: &Picture, planned: Option<&str>) -> Cell {
    if let Some(end) = planned {
        return Cell { status: Status::Maintenance, figure: end.to_owned() };
    }
    if host.silent {
        return Cell { status: Status::Unknown, figure: short_day(host.last_heard, picture) };
    }
    Cell { status: Status::Ok, figure: ago(host.last_heard, picture) }
}

/// The cell for some checks of one kind; none when none of them applies.
/// Checks of a silent host are unknown, except what was critical.
pub(super) fn of(
    checks: &[(&HostPicture, &Evidence)],
    picture: &Picture,
    planned: Option<&str>,
) -> Option<Cell> {
    let judged = checks
        .iter()
        .filter(|(_, one)| !matches!(one.outcome, Outcome::NotApplicable { .. }))
        .map(|(host, one)| (status(host, one, picture), *host, *one));
    // Of checks in the same state the one whose date is the most pressing.
    let (status, host, worst) =
        judged.max_by_key(|(status, _, one)| (*status, pressing(one).map(std::cmp::Reverse)))?;
    if let Some(end) = planned {
        return Some(Cell { status: Status::Maintenance, figure: end.to_owned() });
    }
    let figure = match status {
        Status::Unknown => unknown(host, worst, picture),
        _ => figure(status, worst, picture),
    };
    Some(Cell { status, figure: words::shortened(&figure, LONGEST) })
}

fn status(host: &HostPicture, evidence: &Evidence, picture: &Picture) -> Status {
    match evidence.status_at(picture.as_of) {
        Status::Critical => Status::Critical,
        _ if host.silent => Status::Unknown,
        status => status,
    }
}

/// Why there is no judgement: the day of the last facts, or what went wrong.
fn unknown(host: &HostPicture, evidence: &Evidence, picture: &Picture) -> String {
    match &evidence.outcome {
        _ if host.silent => short_day(host.last_heard, picture),
        Outcome::Failed { failure } => failure.kind.name().replace('_', " "),
        _ if evidence.stale_after <= picture.as_of => short_day(evidence.started, picture),
        _ => told(evidence).unwrap_or_else(|| "cannot tell".to_owned()),
    }
}

/// The figure that says most about a kind of check; else its gravest finding in
/// short; else the age of the facts.
fn figure(status: Status, evidence: &Evidence, picture: &Picture) -> String {
    let own = match evidence.kind.as_str() {
        "certificate" => first_time(evidence, "not_after").map(|end| left(end, picture)),
        "restic" | "files" if is_about_age(status, evidence) => {
            newest(evidence).map(|at| ago(at, picture))
        }
        "os_support" => support(evidence, picture),
        "filesystem" => fullest(evidence),
        "smart" => disks(status, evidence),
        "mdraid" => numbers(evidence, "arrays")
            .next()
            .filter(|_| status == Status::Ok)
            .map(|arrays| words::counted(arrays as u64, "array")),
        _ => None,
    };
    let bad = || (status != Status::Ok).then(|| told(evidence)).flatten();
    own.or_else(bad).unwrap_or_else(|| ago(evidence.started, picture))
}

/// Whether the age of the copy is the news: all is well, or it is too old.
fn is_about_age(status: Status, evidence: &Evidence) -> bool {
    status == Status::Ok || gravest(evidence).is_none_or(|finding| finding.id.contains("stale"))
}

fn gravest(evidence: &Evidence) -> Option<&Finding> {
    evidence.findings.iter().max_by_key(|finding| finding.severity)
}

/// The gravest finding's name in words, without what the column says already.
fn told(evidence: &Evidence) -> Option<String> {
    let id = &gravest(evidence)?.id;
    let kinds = [evidence.kind.as_str(), "disk", "restic", "domain"];
    let short = kinds.iter().find_map(|kind| id.strip_prefix(kind)?.strip_prefix('_'));
    Some(words::plain(&short.unwrap_or(id).replace('_', " ")))
}

fn times<'a>(evidence: &'a Evidence, name: &'a str) -> impl Iterator<Item = Timestamp> + 'a {
    evidence.observations().iter().filter_map(move |one| match one.value {
        Value::Time(time) if one.name == name => Some(time),
        _ => None,
    })
}

fn first_time(evidence: &Evidence, name: &str) -> Option<Timestamp> {
    times(evidence, name).min()
}

fn numbers<'a>(evidence: &'a Evidence, name: &'a str) -> impl Iterator<Item = f64> + 'a {
    let named = evidence.observations().iter().filter(move |one| one.name == name);
    named.filter_map(|one| one.value.number())
}

/// The date that a check's figure is made of.
fn pressing(evidence: &Evidence) -> Option<Timestamp> {
    match evidence.kind.as_str() {
        "certificate" => first_time(evidence, "not_after"),
        "restic" | "files" => newest(evidence),
        _ => None,
    }
}

/// The newest snapshot of the group that has waited longest.
fn newest(evidence: &Evidence) -> Option<Timestamp> {
    let of_groups = match &evidence.outcome {
        Outcome::Observed { copies, .. } => {
            copies.iter().filter_map(|copy| copy.snapshots.iter().map(|one| one.start).max()).min()
        }
        _ => None,
    };
    of_groups.or_else(|| first_time(evidence, "newest"))
}

fn support(evidence: &Evidence, picture: &Picture) -> Option<String> {
    let end = support_end(evidence)?;
    let year = words::zoned(end, "UTC").year();
    Some(if end < picture.as_of { format!("ended {year}") } else { format!("to {year}") })
}

/// The end of the last phase of support that this host gets: paid phases count
/// where somebody pays.
pub(super) fn support_end(evidence: &Evidence) -> Option<Timestamp> {
    let pays = evidence
        .observations()
        .iter()
        .any(|one| one.name == "paid" && one.value == Value::Flag(true));
    let phases = evidence.observations().iter().filter_map(|one| {
        let phase = one.name.strip_suffix("_until")?;
        match one.value {
            Value::Time(end) if pays || phase != "paid" => Some(end),
            _ => None,
        }
    });
    phases.max()
}

fn fullest(evidence: &Evidence) -> Option<String> {
    let fullest = numbers(evidence, "used")
        .fold(None, |most: Option<f64>, share| Some(most.map_or(share, |most| most.max(share))));
    fullest.map(|share| format!("{:.0} % full", (share * 100.0).floor()))
}

fn disks(status: Status, evidence: &Evidence) -> Option<String> {
    let all = numbers(evidence, "disks").next()? as u64;
    if status == Status::Ok {
        return Some(words::part(all, all));
    }
    let mut subjects: Vec<&str> =
        evidence.findings.iter().map(|finding| finding.subject.as_str()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let what = told(evidence).unwrap_or_default();
    Some(format!("{} {what}", words::part(subjects.len().max(1) as u64, all)))
}

/// What the map says of the battery behind a machine.
pub(super) fn power(component: &Component, picture: &Picture) -> Option<Cell> {
    let power = picture.map.components.get(component.common.power.as_ref()?)?;
    let Details::Power(details) = &power.details else { return None };
    let runtime = details.runtime?;
    let (status, figure) = match details.shutdown_needs {
        Some(needs) if runtime < needs => (
            Status::Critical,
            format!("{} of {}", words::duration(runtime.as_ms()), words::duration(needs.as_ms())),
        ),
        _ => (Status::Ok, words::duration(runtime.as_ms())),
    };
    Some(Cell { status, figure })
}

/// The end of planned work that is going on: `to Wed 18`.
pub(super) fn planned(component: &Component, picture: &Picture) -> Option<String> {
    let now = words::zoned(picture.as_of, &picture.timezone).datetime();
    let mut windows = component.common.maintenance.iter();
    let window = windows.find(|window| window.from <= now && now < window.to)?;
    Some(format!("to {}", window.to.strftime("%a %-d")))
}

/// An age in whole minutes, hours or days.
pub(super) fn ago(at: Timestamp, picture: &Picture) -> String {
    let ms = (picture.as_of.as_millisecond() - at.as_millisecond()).max(0);
    let unit = match ms {
        ..60_000 => 1,
        60_000..3_600_000 => 60_000,
        3_600_000..172_800_000 => 3_600_000,
        _ => 86_400_000,
    };
    words::duration(ms / unit * unit)
}

/// Days left, or when it ended.
fn left(end: Timestamp, picture: &Picture) -> String {
    let days = (end.as_millisecond() - picture.as_of.as_millisecond()) / 86_400_000;
    if end < picture.as_of {
        format!("ended {}", short_day(end, picture))
    } else {
        format!("{days}{}d", words::JOIN)
    }
}

/// `12 Nov`, with the year when it is not this one.
pub(super) fn short_day(at: Timestamp, picture: &Picture) -> String {
    let (at, now) =
        (words::zoned(at, &picture.timezone), words::zoned(picture.as_of, &picture.timezone));
    let form = if at.year() == now.year() { "%-d %b" } else { "%-d %b %Y" };
    at.strftime(form).to_string()
}
