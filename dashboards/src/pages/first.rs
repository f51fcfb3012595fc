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
    /// Checks that could not tell, or whose facts are too old.
    untold: usize,
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
            untold: picture
                .hosts
                .values()
                .flat_map(|host| host.checks.values().map(move |one| (host.silent, one)))
                .filter(|(silent, one)| *silent || one.status_at(picture.as_of) == Status::Unknown)
                .count(),
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
        _ if known.checks == 0 => format!("No check has reported from {hosts} yet"),
        (0, _) if known.untold > 0 => {
            let untold = words::counted(known.untold as u64, "check");
            format!("No fault was found on {hosts}, but {untold} could not tell")
        }
        (0, _) => format!("The checks found no fault on {hosts}"),
        (1, _) => format!("One thing on {hosts} needs a look"),
        (many, 0) => format!("{} things on {hosts} need a look", words::spelled(many as u64)),
        (many, grave) => {
            let some = words::spelled(many as u64);
            format!("{some} things on {hosts} need a look, {grave} of them soon")
        }
    };
    if missing(known).is_empty() {
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
    sentences.push("We do not guess: a few answers from you would tell most.".to_owned());
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
            @for (what, big, words) in cells {
                div { dt { (what) } dd { span.big { (big) } (words) } }
            }
        }
    }
}

/// The answers that would tell most, each with the lines of the map it becomes.
fn questions(picture: &Picture, known: &Known<'_>, names: &Names<'_>) -> Markup {
    let asked: Vec<_> = open_questions(picture, known, names).into_iter().take(5).collect();
    if asked.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="h-q" {
            h2 #h-q { (words::spelled(asked.len() as u64)) " answers that would tell most" }
            p.note { "Each becomes a line or two of the map; the next start simulates with them." }
            ol.dec {
                @for (question, example) in asked { li { (question) pre { code { (example) } } } }
            }
        }
    }
}

/// What is not on the map yet, as questions; the most telling first.
fn open_questions(
    picture: &Picture,
    known: &Known<'_>,
    names: &Names<'_>,
) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut ask = |question: &str, example: String| all.push((question.to_owned(), example));
    let components = || picture.map.components.values();
    if known.people == 0 {
        let example = "[person.it-lead]\nskills = [\"linux\"]\nhours = \"Mon-Fri 08:30-17:00\"";
        ask("Who can bring systems back, and when do they work?", example.to_owned());
    }
    if known.functions.is_empty() {
        let example = "[function.payroll]\nobjectives = { rto = \"24h\", rpo = \"24h\" }";
        ask("What would people outside miss first, and how soon?", example.to_owned());
    }
    let mut functions = known.functions.iter();
    if let Some((one, _)) = functions.clone().find(|(_, one)| one.objectives.rto.is_none()) {
        let question = format!(
            "How soon must {} be back, and how much work may be lost?",
            names.component(&one.id)
        );
        let line = "objectives = { rto = \"24h\", rpo = \"24h\" }";
        ask(&question, format!("[function.{}]\n{line}", one.id));
    }
    let unsaved = components()
        .find(|one| matches!(&one.details, Details::Dataset(data) if data.backups.is_empty()));
    if let Some(one) = unsaved {
        let question = format!(
            "Where else is a copy of {}, and who could delete it?",
            names.component(&one.id)
        );
        let line = "backups = [{ copy = \"off-site\", every = \"24h\", keep = \"30d\" }]";
        ask(&question, format!("[dataset.{}]\n{line}", one.id));
    } else if known.datasets == 0 {
        let host = components().find(|one| one.kind == Kind::Host);
        let host = host.map_or("srv-1", |host| host.id.as_str());
        let example = format!("[dataset.accounts]\nsize = \"420 GB\"\nstored_on = \"{host}\"");
        ask("Which data would hurt most to lose, and where is it kept?", example);
    }
    if let Some(one) =
        components().find(|one| one.kind == Kind::Host && one.common.recover.is_empty())
    {
        let question = format!(
            "What are the steps to rebuild {}, and how long does each take?",
            names.component(&one.id)
        );
        let line = "recover = [{ step = \"install\", effort = \"4h\", skill = \"linux\" }]";
        ask(&question, format!("[host.{}]\n{line}", one.id));
    }
    if let Some((one, _)) = functions.find(|(_, one)| one.workaround.is_none()) {
        let question = format!(
            "How does {} go on without its systems, and how long?",
            names.component(&one.id)
        );
        let line = "minimum = 0.5\n\
                    workaround = { name = \"on paper\", capacity = 0.5, lasts = \"2d\" }";
        ask(&question, format!("[function.{}]\n{line}", one.id));
    }
    if components().any(|one| one.kind == Kind::Vendor) {
        return all;
    }
    let example = "[vendor.provider]\nresponse = { low = \"1h\", likely = \"4h\", high = \"2d\" }";
    ask(
        "Whom do you call when a line or a supplier fails, and how fast do they act?",
        example.to_owned(),
    );
    all
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
                    @else {
                        "No finding. "
                        a href=(Page::Evidence.path()) { "See every fact and its age" }
                    }
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
                            (finding_row(host, finding, picture, names))
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

fn finding_row(host: &str, finding: &Finding, picture: &Picture, names: &Names<'_>) -> Markup {
    let since = words::date_at(finding.since, &picture.timezone);
    html! {
        tr role="row" {
            th role="rowheader" scope="row" {
                (words::sentence_case(&names.text(&finding.what)))
                small { (names.component(&finding.component)) " on " (words::plain(host)) }
            }
            td.q role="cell" { (marks::state(finding.severity, finding.severity.word())) }
            td role="cell" { (words::sentence_case(&names.text(&finding.advice))) }
            td.q role="cell" data-l="since" { (since) }
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
                p.note {
                    "Functions on the map. What was found listening on a host is a draft until \
                     you name it."
                }
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
                @if more > 0 {
                    p.note { (words::counted(more as u64, "more function")) " on the map." }
                }
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
                @match promised {
                    Some(rto) => (words::duration(rto.as_ms())),
                    None => "no objective set",
                }
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
