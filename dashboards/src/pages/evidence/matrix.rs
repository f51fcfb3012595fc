//! The matrix of hosts and checks.
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, Details, Kind};
use evenkeel_config::record::{Evidence, Outcome, Status};
use maud::{Markup, html};

use super::cells::{self, Cell};
use super::restores;
use crate::html::names::Names;
use crate::html::{marks, words};
use crate::map_findings::IN_NO_JOB;
use crate::picture::{HostPicture, Picture};

/// Columns of checks in their order, with the kinds of checks in each.
const COLUMNS: &[(&str, &[&str])] = &[
    ("Certificate", &["certificate"]),
    ("Disks", &["smart", "mdraid"]),
    ("Space", &["filesystem"]),
    ("Temperature", &["temperature"]),
    ("System support", &["os_support"]),
    ("DNS", &["dns"]),
    ("Clock", &["clock"]),
    ("Restart", &["reboot"]),
];

const HEARD: &str = "Last heard";
const BACKUP: &str = "Backup age";
const BACKUP_KINDS: &[&str] = &["restic", "files"];
const DRILL: &str = "Restore drill";
const POWER: &str = "Power";

/// Rows of hosts with a cell for each column that any host has.
pub(super) struct Matrix {
    columns: Vec<String>,
    pub rows: Vec<Row>,
    /// Machines of the map from which nothing is heard since no agent is there.
    pub unwatched: Vec<String>,
}

pub(super) struct Row {
    name: String,
    place: String,
    cells: Vec<Option<Cell>>,
}

impl Matrix {
    pub(super) fn of(picture: &Picture) -> Self {
        let names = Names::new(&picture.map);
        let by_host: Vec<(&String, Option<&Component>)> =
            picture.hosts.keys().map(|host| (host, component(picture, host))).collect();
        let watched: BTreeSet<&Id> =
            by_host.iter().filter_map(|(_, component)| component.map(|one| &one.id)).collect();
        let backups = Backups::of(picture, &by_host);
        let mut found: Vec<BTreeMap<String, Cell>> = Vec::new();
        for (host, component) in &by_host {
            found.push(row(picture, host, *component, &backups));
        }
        let columns: Vec<String> = order(&found);
        let rows = by_host.iter().zip(found).map(|((host, component), mut cells)| Row {
            name: words::shortened(host, 40),
            place: component.map(|one| place(one, &names)).unwrap_or_default(),
            cells: columns.iter().map(|column| cells.remove(column)).collect(),
        });
        let rows = rows.collect();
        let machines = picture.map.components.values().filter(|one| one.kind == Kind::Host);
        let unwatched = machines
            .filter(|one| !watched.contains(&one.id))
            .map(|one| names.component(&one.id))
            .collect();
        Self { columns, rows, unwatched }
    }

    /// How many cells are in which state, in the order of reading.
    pub(super) fn key(&self) -> Markup {
        let count = |status: Status| {
            let cells = self.rows.iter().flat_map(|row| row.cells.iter().flatten());
            cells.filter(|cell| cell.status == status).count() as u64
        };
        let order =
            [Status::Critical, Status::Warning, Status::Unknown, Status::Maintenance, Status::Ok];
        html! {
            ul.key { @for status in order {
                @let count = count(status);
                @if count > 0 { li { (marks::state(status, &format!("{count} {}", status.word()))) } }
            } }
        }
    }

    pub(super) fn table(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Hosts and checks, scrolls sideways" {
                table.mx.mid {
                    thead { tr {
                        th scope="col" { "Host" }
                        @for column in &self.columns { th scope="col" { (column) } }
                    } }
                    tbody { @for row in &self.rows { tr {
                        th scope="row" { (row.name) small { (row.place) } }
                        @for cell in &row.cells { td {
                            @match cell {
                                Some(cell) => (marks::cell(cell.status, &cell.figure)),
                                None => (marks::missing()),
                            }
                        } }
                    } } }
                }
            }
        }
    }
}

/// The columns that any host has, in their order; kinds of checks that have no
/// column of their own come last.
fn order(rows: &[BTreeMap<String, Cell>]) -> Vec<String> {
    let known = [HEARD, BACKUP, DRILL].into_iter();
    let known: Vec<&str> = known
        .chain(COLUMNS[..3].iter().map(|(name, _)| *name))
        .chain([POWER])
        .chain(COLUMNS[3..].iter().map(|(name, _)| *name))
        .collect();
    let used: BTreeSet<&str> = rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect();
    let others = used.iter().filter(|name| !known.contains(name)).copied();
    let known: Vec<&str> = known.iter().filter(|name| used.contains(*name)).copied().collect();
    known.into_iter().chain(others).map(str::to_owned).collect()
}

/// The component of the map that a host's agent stands for.
fn component<'a>(picture: &'a Picture, host: &str) -> Option<&'a Component> {
    let by_agent = |component: &&Component| match &component.details {
        Details::Host(hardware) => hardware.agent.as_deref() == Some(host),
        _ => false,
    };
    let components = &picture.map.components;
    components.values().find(by_agent).or_else(|| components.get(host))
}

fn place(component: &Component, names: &Names<'_>) -> String {
    match (component.common.runs_on.first(), &component.common.site) {
        (Some(host), _) => format!("on {}", words::shortened(&names.component(host), 30)),
        (None, Some(site)) => words::shortened(&names.component(site), 30),
        (None, None) => String::new(),
    }
}

/// Backup checks by the machine whose data they are about, which need not be
/// the machine whose agent ran them.
struct Backups<'a> {
    by_machine: BTreeMap<&'a str, Vec<(&'a HostPicture, &'a Evidence)>>,
}

impl<'a> Backups<'a> {
    fn of(picture: &'a Picture, hosts: &[(&'a String, Option<&'a Component>)]) -> Self {
        let mut by_machine: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let row_of = |id: &Id| {
            hosts
                .iter()
                .find(|(_, one)| one.is_some_and(|one| one.id == *id))
                .map(|(host, _)| host.as_str())
        };
        for (host, heard) in &picture.hosts {
            let checks = heard.checks.values();
            for evidence in checks.filter(|one| BACKUP_KINDS.contains(&one.kind.as_str())) {
                let about: BTreeSet<&str> = datasets(picture, evidence)
                    .iter()
                    .flat_map(|data| data.foundations())
                    .filter_map(row_of)
                    .collect();
                let machines =
                    if about.is_empty() { BTreeSet::from([host.as_str()]) } else { about };
                for machine in machines {
                    by_machine.entry(machine).or_default().push((heard, evidence));
                }
            }
        }
        Self { by_machine }
    }
}

/// The data sets that a backup check is about.
fn datasets<'a>(picture: &'a Picture, evidence: &Evidence) -> Vec<&'a Component> {
    let told: Vec<&Id> = match &evidence.outcome {
        Outcome::Observed { copies, .. } => {
            copies.iter().filter_map(|copy| copy.dataset.as_ref()).collect()
        }
        _ => Vec::new(),
    };
    let copied = |component: &Component| match &component.details {
        Details::Dataset(data) => {
            data.backups.iter().any(|backup| backup.copy == evidence.component)
        }
        _ => false,
    };
    let components = picture.map.components.values();
    components.filter(|one| told.contains(&&one.id) || (told.is_empty() && copied(one))).collect()
}

/// The cells of one host by column.
fn row(
    picture: &Picture,
    host: &str,
    component: Option<&Component>,
    backups: &Backups<'_>,
) -> BTreeMap<String, Cell> {
    let heard = &picture.hosts[host];
    let mut cells = BTreeMap::new();
    let planned = component.and_then(|one| cells::planned(one, picture));
    cells.insert(HEARD.to_owned(), cells::heard(heard, picture, planned.as_deref()));
    let mut by_column: BTreeMap<String, Vec<&Evidence>> = BTreeMap::new();
    for evidence in heard.checks.values() {
        if !BACKUP_KINDS.contains(&evidence.kind.as_str()) {
            by_column.entry(column(&evidence.kind)).or_default().push(evidence);
        }
    }
    for (column, checks) in by_column {
        let pairs: Vec<_> = checks.into_iter().map(|evidence| (heard, evidence)).collect();
        if let Some(cell) = cells::of(&pairs, picture, planned.as_deref()) {
            cells.insert(column, cell);
        }
    }
    let checks = backups.by_machine.get(host).map(Vec::as_slice).unwrap_or_default();
    let mut backup = cells::of(checks, picture, planned.as_deref());
    if component.is_some_and(|one| in_no_job(one, picture)) {
        backup = Some(Cell { status: Status::Critical, figure: "in no job".to_owned() });
    }
    if let Some(cell) = backup {
        cells.insert(BACKUP.to_owned(), cell);
    }
    if let Some(component) = component {
        if let Some(cell) = restores::cell(component, picture) {
            cells.insert(DRILL.to_owned(), cell);
        }
        if let Some(cell) = cells::power(component, picture) {
            cells.insert(POWER.to_owned(), cell);
        }
    }
    cells
}

fn column(kind: &str) -> String {
    let known = COLUMNS.iter().find(|(_, kinds)| kinds.contains(&kind));
    known.map_or_else(
        || words::sentence_case(&words::shortened(&kind.replace('_', " "), 24)),
        |(name, _)| (*name).to_owned(),
    )
}

/// Whether data on this machine is in no backup job: known from the map, so a
/// silent agent does not soften it.
fn in_no_job(machine: &Component, picture: &Picture) -> bool {
    let findings = picture.map_findings.iter().filter(|finding| finding.short == IN_NO_JOB);
    findings.flat_map(|finding| &finding.components).any(|id| {
        let data = picture.map.components.get(id);
        data.is_some_and(|data| data.foundations().any(|below| *below == machine.id))
    })
}
