//! What the pages say when nothing can be simulated yet: what we know, what we
//! do not, and the answers that would tell most.
use evenkeel_config::map::{Component, Details, Function, Kind};
use evenkeel_config::record::{Finding, Status};
use maud::{Markup, html};

use crate::html::layout::{self, Page};
use crate::html::links;
use crate::html::marks;
use crate::html::names::Names;
use crate::html::sure;
use crate::html::words;
use crate::picture::{Ask, Picture};

/// Most findings that are listed.
const MOST_FINDINGS: usize = 12;

/// Most functions that are listed.
const MOST_FUNCTIONS: usize = 60;

/// Tonight, when nothing can be simulated yet.
pub fn page(picture: &Picture, _ask: &Ask) -> Markup {
    let names = Names::new(&picture.map);
    let known = Known::of(picture);
    let body = html! {
        h1 { (headline(picture, &known)) }
        p.lede { (lede(picture, &known, &names)) }
        (answers(picture, &known))
        (questions(picture, &known, &names))
        (findings(picture, &known, &names))
        (functions(picture, &known, &names))
        (doubts(picture, &names))
    };
    layout::page(picture, Page::Tonight, "What we know so far", body)
}

/// The Function page, when nothing can be simulated yet.
pub fn functions_page(picture: &Picture) -> Markup {
    let names = Names::new(&picture.map);
    let known = Known::of(picture);
    let body = html! {
        h1 { "We cannot say yet why anything would take long: nothing can be simulated." }
        p.lede { (lede(picture, &known, &names)) }
        (functions(picture, &known, &names))
        (questions(picture, &known, &names))
    };
    layout::page(picture, Page::Function, "Functions", body)
}

/// What the picture holds, counted.
struct Known<'a> {
    functions: Vec<(&'a Component, &'a Function)>,
    without_objective: usize,
    people: usize,
    datasets: usize,
    checks: usize,
    findings: Vec<(&'a str, &'a Finding)>,
}

impl<'a> Known<'a> {
    fn of(picture: &'a Picture) -> Self {
        let components = picture.map.components.values();
        let mut functions: Vec<_> = components
            .clone()
            .filter_map(|one| match &one.details {
                Details::Function(function) => Some((one, function)),
                _ => None,
            })
            .collect();
        functions.sort_by_key(|(_, function)| !function.life_safety);
        let of_kind =
            |kinds: &[Kind]| components.clone().filter(|one| kinds.contains(&one.kind)).count();
        let mut findings: Vec<_> = picture
            .hosts
            .iter()
            .flat_map(|(host, heard)| {
                let found = heard.checks.values().flat_map(|evidence| &evidence.findings);
                found.map(move |finding| (host.as_str(), finding))
            })
            .collect();
        findings.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
        Self {
            without_objective: functions
                .iter()
                .filter(|(_, function)| function.objectives.rto.is_none())
                .count(),
            functions,
            people: of_kind(&[Kind::Person, Kind::Team]),
            datasets: of_kind(&[Kind::Dataset]),
            checks: picture.hosts.values().map(|host| host.checks.len()).sum(),
            findings,
        }
    }

    fn grave(&self) -> usize {
        let grave = |(_, finding): &&(&str, &Finding)| finding.severity == Status::Critical;
        self.findings.iter().filter(grave).count()
    }
}

fn headline(picture: &Picture, known: &Known<'_>) -> String {
    let hosts = match picture.hosts.len() {
        0 => return "We have not heard from any host yet, so there is nothing to tell.".to_owned(),
        1 => "this host".to_owned(),
        many => format!("{many} hosts"),
    };
    let found = match (known.findings.len(), known.grave()) {
        (0, _) => format!("The checks found no fault on {hosts}"),
        (1, _) => format!("One thing on {hosts} needs a look"),
        (many, 0) => format!("{} things on {hosts} need a look", words::spelled(many as u64)),
        (many, grave) => {
            let some = words::spelled(many as u64);
            format!("{some} things on {hosts} need a look, {grave} of them soon")
        }
    };
    let missing = missing(known);
    if missing.is_empty() {
        return format!("{found}; nothing could be simulated yet.");
    }
    format!("{found}; how long a bad night would last we cannot say yet.")
}

/// What is missing before anything can be simulated.
fn missing(known: &Known<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    if known.functions.is_empty() {
        missing.push("no business function is on the map".to_owned());
    }
    if known.people == 0 {
        missing.push("no people on the map".to_owned());
    }
    missing
}

fn lede(picture: &Picture, known: &Known<'_>, names: &Names<'_>) -> String {
    let mut sentences = Vec::new();
    let missing = missing(known);
    if !missing.is_empty() {
        sentences.push(format!("Cannot be simulated yet: {}.", words::list(&missing, 3)));
    }
    for why in picture.cannot.iter().take(2) {
        sentences.push(sure::full_sentence(&names.text(why)));
    }
    if known.functions.len() == known.without_objective && !known.functions.is_empty() {
        sentences.push("Nobody has said yet how soon anything must be back.".to_owned());
    }
    sentences.push("We do not guess: five answers from you would tell most.".to_owned());
    let mut seen = std::collections::BTreeSet::new();
    sentences.retain(|sentence| seen.insert(sentence.clone()));
    sentences.join(" ")
}

fn answers(picture: &Picture, known: &Known<'_>) -> Markup {
    let hosts = picture.hosts.len() as u64;
    let silent = picture.hosts.values().filter(|host| host.silent).count() as u64;
    let heard = match silent {
        0 => "All heard from lately.".to_owned(),
        1 => "One has gone silent.".to_owned(),
        many => format!("{} have gone silent.", words::spelled(many)),
    };
    let grave = known.grave() as u64;
    let found = match known.findings.len() as u64 {
        0 => "No fault found by the checks that could tell.".to_owned(),
        _ => format!("{grave} critical; each is explained below."),
    };
    let drafts = match known.without_objective as u64 {
        0 => "Each has an objective.".to_owned(),
        many => format!("{} no objective set.", if many == 1 { "1 has" } else { "They have" }),
    };
    let drilled = picture.drills.iter().filter(|drill| drill.worked).count();
    let restored = match (known.datasets, drilled) {
        (0, _) => "No data is on the map yet.".to_owned(),
        (_, 0) => "Nobody has ever restored them as a test.".to_owned(),
        (_, drills) => format!("{} worked so far.", words::counted(drills as u64, "restore")),
    };
    let cells = [
        (
            "What we watch",
            words::counted(hosts, "host"),
            format!(
                "{} {heard}",
                sure::full_sentence(&words::counted(known.checks as u64, "check"))
            ),
        ),
        ("What needs a look", words::counted(known.findings.len() as u64, "finding"), found),
        ("What people rely on", words::counted(known.functions.len() as u64, "function"), drafts),
        ("What could be lost", words::counted(known.datasets as u64, "set") + " of data", restored),
    ];
    html! {
        dl.answers {
            @for (what, big, words) in cells { div { dt { (what) } dd { span.big { (big) } (words) } } }
        }
    }
}

/// The answers that would tell most, each with the line of the map it becomes.
fn questions(picture: &Picture, known: &Known<'_>, names: &Names<'_>) -> Markup {
    let function = known.functions.first().map(|(one, _)| (names.component(&one.id), &one.id));
    let dataset = picture.map.components.values().find(|one| one.kind == Kind::Dataset);
    let dataset = dataset.map(|one| (names.component(&one.id), &one.id));
    let (function, function_id) = function
        .map_or(("it".to_owned(), "payroll".to_owned()), |(name, id)| (name, id.to_string()));
    let (data, data_id) = dataset
        .map_or(("your data".to_owned(), "accounts".to_owned()), |(name, id)| {
            (name, id.to_string())
        });
    let all = [
        (
            "Who can bring systems back, and when do they work?".to_owned(),
            "[person.it-lead]\nskills = [\"linux\"]\nhours = \"Mon-Fri 08:30-17:00\"".to_owned(),
        ),
        (
            format!("How soon must {function} be back, and how much work may be lost?"),
            format!("[function.{function_id}]\nobjectives = {{ rto = \"24h\", rpo = \"24h\" }}"),
        ),
        (
            format!("Where are the backups of {data}, and who could delete them?"),
            format!(
                "[dataset.{data_id}]\nbackups = [{{ copy = \"off-site\", every = \"24h\", keep = \"30d\" }}]"
            ),
        ),
        (
            "What are the steps to rebuild this host, and how long does each take?".to_owned(),
            "recover = [{ step = \"install\", effort = \"4h\", skill = \"linux\" }]".to_owned(),
        ),
        (
            format!("How does the work go on while {function} is down, and for how long?"),
            "workaround = { name = \"on paper\", capacity = 0.5, lasts = \"2d\" }".to_owned(),
        ),
    ];
    html! {
        section aria-labelledby="h-q" {
            h2 #h-q { "Five answers that would tell most" }
            p.note { "Each becomes a line or two of the map; the next start simulates with them." }
            ol.dec {
                @for (question, example) in all {
                    li { (question) pre { code { (example) } } }
                }
            }
        }
    }
}

fn findings(picture: &Picture, known: &Known<'_>, names: &Names<'_>) -> Markup {
    let shown = &known.findings[..known.findings.len().min(MOST_FINDINGS)];
    let rest = known.findings.len() - shown.len();
    html! {
        section aria-labelledby="h-k" {
            h2 #h-k { "What we know" }
            @if shown.is_empty() {
                p.note {
                    @if known.checks == 0 { "No check has reported yet." }
                    @else { "No finding. " a href=(Page::Evidence.path()) { "See every fact and its age" } }
                }
            } @else {
                table.stack role="table" {
                    thead role="rowgroup" { tr role="row" {
                        th role="columnheader" scope="col" { "What is wrong" }
                        th role="columnheader" scope="col" { "State" }
                        th role="columnheader" scope="col" { "What to do" }
                        th.q role="columnheader" scope="col" { "Since" }
                    } }
                    tbody role="rowgroup" {
                        @for (host, finding) in shown {
                            tr role="row" {
                                th role="rowheader" scope="row" {
                                    (names.text(&finding.what))
                                    small { (names.component(&finding.component)) " on " (words::plain(host)) }
                                }
                                td.q role="cell" { (marks::state(finding.severity, finding.severity.word())) }
                                td role="cell" { (names.text(&finding.advice)) }
                                td.q role="cell" data-l="since" { (words::day(finding.since, &picture.timezone)) }
                            }
                        }
                    }
                }
                p.note {
                    @if rest > 0 { (words::counted(rest as u64, "more finding")) ". " }
                    a href=(Page::Evidence.path()) { "See every fact and its age" }
                }
            }
        }
    }
}

fn functions(picture: &Picture, known: &Known<'_>, names: &Names<'_>) -> Markup {
    let shown = &known.functions[..known.functions.len().min(MOST_FUNCTIONS)];
    let more = known.functions.len() - shown.len();
    html! {
        section aria-labelledby="h-f" {
            h2 #h-f { "What people rely on" }
            @if shown.is_empty() {
                p.note {
                    "No business function is on the map. Name what people outside would miss: \
                     payroll, permits, the phones."
                }
            } @else {
                p.note { "Functions on the map. What was found listening on a host is a draft until you name it." }
                table.stack role="table" {
                    thead role="rowgroup" { tr role="row" {
                        th role="columnheader" scope="col" { "Function" }
                        th role="columnheader" scope="col" { "Promised" }
                        th role="columnheader" scope="col" { "Usable again" }
                        th role="columnheader" scope="col" { "Needs" }
                    } }
                    tbody role="rowgroup" {
                        @for (component, function) in shown {
                            (function_row(picture, component, function, names))
                        }
                    }
                }
                @if more > 0 { p.note { (words::counted(more as u64, "more function")) " on the map." } }
            }
        }
    }
}

fn function_row(
    picture: &Picture,
    component: &Component,
    function: &Function,
    names: &Names<'_>,
) -> Markup {
    let needs: Vec<String> = component
        .common
        .needs
        .iter()
        .flat_map(|need| need.ids())
        .map(|id| names.component(id))
        .collect();
    let promised = function.objectives.rto;
    let simulated = picture.summaries.iter().flat_map(|summary| &summary.functions);
    let cannot = simulated.filter(|one| one.id == component.id).find_map(|one| one.cannot.as_ref());
    html! {
        tr role="row" {
            th role="rowheader" scope="row" {
                a href=(links::map(&component.id)) { (names.component(&component.id)) }
                @if let Some(words) = &component.common.summary { small { (names.text(words)) } }
            }
            td.q role="cell" data-l="promised:" {
                @match promised { Some(rto) => (words::duration(rto.as_ms())), None => "no objective set" }
            }
            td role="cell" {
                (marks::state(Status::Unknown, "cannot say"))
                @if let Some(why) = cannot { small { (names.text(why)) } }
            }
            td role="cell" data-l="needs:" {
                @if needs.is_empty() { (marks::missing()) } @else { (words::list(&needs, 4)) }
            }
        }
    }
}

fn doubts(picture: &Picture, names: &Names<'_>) -> Markup {
    let doubts = sure::doubts(picture, picture.summaries.first(), names);
    html! {
        @if !doubts.is_empty() {
            section aria-labelledby="h-s" {
                h2 #h-s { "What we do not know" }
                ul.plain { @for doubt in doubts.iter().take(8) { li { (doubt) } } }
            }
        }
    }
}
