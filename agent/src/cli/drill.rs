//! `drill`: the plan first, progress while it runs, then a plain verdict with an estimate.
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use evenkeel_config::quantity::{Size, Span};
use evenkeel_config::record::{
    DrillFacts, DrillLevel, Failure as CheckFailure, RestorePath, SCHEMA_VERSION,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::documents::Places;
use super::output::{Failure, Format, say, say_json};
use crate::agent::Agent;
use crate::checks::Facts;
use crate::drill::{
    Around, Drill, Order, Plan, Range, Report, full_restore, name_of, restore_time,
};
use crate::schedule;

/// Exit codes, as of monitoring plugins.
const FAILED: u8 = 2;
const UNKNOWN: u8 = 3;

/// What to drill, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Names of checks of backups; all of them without any.
    names: Vec<String>,
    /// Print what would be restored, and restore nothing.
    #[arg(long)]
    dry_run: bool,
    /// How deep; as deep as is due unless given.
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// Take the sample of an earlier drill again.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// File with the secret as it is kept for a disaster, in place of the check's own.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The data comes over the line that would be used after a disaster.
    #[arg(long)]
    offsite: bool,
    /// Run nothing: record a restore that somebody did by hand.
    #[arg(long, value_enum, value_name = "RESULT", requires = "names")]
    by_hand: Option<ByHand>,
    /// With `--by-hand`: files that came back.
    #[arg(long, value_name = "NUMBER", requires = "by_hand")]
    files: Option<u64>,
    /// With `--by-hand`: how much came back, as in `420 GB`.
    #[arg(long, requires = "by_hand")]
    size: Option<Size>,
    /// With `--by-hand`: how long it took, as in `3h`.
    #[arg(long, value_name = "SPAN", requires = "by_hand")]
    took: Option<Span>,
    /// With `--by-hand`: the secret came from where it is kept for a disaster.
    #[arg(long, requires = "by_hand")]
    escrowed: bool,
    /// With `--by-hand`: everything was restored, not a part.
    #[arg(long, requires = "by_hand")]
    whole: bool,
    /// With `--by-hand failed`: why.
    #[arg(long, value_name = "WORDS", requires = "by_hand")]
    why: Option<String>,
}

/// How a restore by hand ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ByHand {
    /// The data was there again.
    Worked,
    /// It was not.
    Failed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    /// A sample of files.
    Sample,
    /// The same, and the application opens it.
    Application,
    /// Everything, timed.
    Full,
}

impl From<Level> for DrillLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Sample => Self::Sample,
            Level::Application => Self::Application,
            Level::Full => Self::Full,
        }
    }
}

/// What came of one check's drill.
struct Done {
    name: String,
    history: Vec<DrillFacts>,
    result: Result<Outcome, CheckFailure>,
}

enum Outcome {
    Planned(Plan),
    Drilled(Report),
}

pub(super) fn drill(places: &Places, arguments: &Arguments, format: Format) -> Result<u8, Failure> {
    let agent = places.open()?;
    if let Some(result) = arguments.by_hand {
        return by_hand(&agent, arguments, result, format);
    }
    let drills = wanted(&agent, &arguments.names)?;
    let order = Order {
        level: arguments.level.map(DrillLevel::from),
        seed: arguments.seed,
        secret_file: arguments.secret_file.as_ref().map(|file| absolute(file)),
        offsite: arguments.offsite,
    };
    let runtime = super::run::runtime()?;
    let mut all = Vec::new();
    for drill in drills {
        let done = runtime.block_on(one(&agent, &drill, &order, arguments.dry_run));
        if format == Format::Human {
            say(&words(&done));
        }
        all.push(done);
    }
    let code = worst(&all);
    if format == Format::Json {
        let drills: Vec<Value> = all.iter().map(document).collect();
        say_json(&json!({ "schema_version": SCHEMA_VERSION, "exit_code": code, "drills": drills }));
    }
    Ok(code)
}

/// Records restores that people did, for any check of a backup.
fn by_hand(
    agent: &Agent,
    arguments: &Arguments,
    result: ByHand,
    format: Format,
) -> Result<u8, Failure> {
    let setup = agent.setup();
    let mut found = Vec::new();
    for name in &arguments.names {
        let check = setup.checks.iter().find(|one| one.entry.name == *name);
        match check.and_then(|check| Some((check, check.check.keys()?))) {
            Some(pair) => found.push(pair),
            None => {
                let hint = "`evenkeel-agent validate` lists the checks";
                let text = format!("`{name}` is no check of a backup\n  hint: {hint}");
                return Err(Failure::new("usage", text, UNKNOWN));
            }
        }
    }
    let now = Timestamp::now();
    let mut drills = Vec::new();
    for (check, keys) in found {
        let level = if arguments.whole { DrillLevel::Full } else { DrillLevel::Sample };
        let mut drill = DrillFacts::new(keys.component.clone(), keys.dataset.clone(), now, level);
        drill.worked = result == ByHand::Worked;
        drill.why = arguments.why.clone().unwrap_or_default();
        drill.files = arguments.files.unwrap_or(0);
        drill.asked = drill.files;
        drill.bytes = arguments.size.map_or(0, Size::as_bytes);
        drill.seconds = arguments.took.map_or(0.0, Span::as_secs);
        drill.escrowed_secret = arguments.escrowed;
        drill.path = arguments.offsite.then_some(RestorePath::Offsite);
        let facts = Facts { drills: vec![drill.clone()], ..Facts::default() };
        let noted = crate::drill::by_hand(check);
        schedule::record(agent, &noted, now, Duration::ZERO, Ok(facts));
        drills.push((check.entry.name.clone(), drill));
    }
    match format {
        Format::Human => {
            for (name, drill) in &drills {
                let worked = if drill.worked { "worked" } else { "failed" };
                say(&format!("{name}: noted that a restore by hand {worked}"));
            }
        }
        Format::Json => {
            let one =
                |(name, drill): &(String, DrillFacts)| json!({ "check": name, "drill": drill });
            let list: Vec<Value> = drills.iter().map(one).collect();
            say_json(&json!({ "schema_version": SCHEMA_VERSION, "drills": list }));
        }
    }
    Ok(0)
}

/// The drills of the named checks, or of all that can be drilled.
fn wanted(agent: &Agent, names: &[String]) -> Result<Vec<Drill>, Failure> {
    let setup = agent.setup();
    let all: Vec<&Drill> = setup.checks.iter().filter_map(|check| check.drill.as_ref()).collect();
    let known = || all.iter().map(|drill| drill.of()).collect::<Vec<_>>().join(", ");
    if all.is_empty() {
        let text = "no check looks at a backup that can be drilled\n  hint: write one, as in \
                    `[[check.restic]]`";
        return Err(Failure::new("usage", text, UNKNOWN));
    }
    let mut wanted = Vec::new();
    for name in names {
        let is_it = |drill: &&&Drill| drill.of() == name || name_of(drill.of()) == *name;
        match all.iter().find(is_it) {
            Some(drill) => wanted.push((*drill).clone()),
            None => {
                let text = format!(
                    "there is no check `{name}` that can be drilled\n  hint: these can: {}",
                    known()
                );
                return Err(Failure::new("usage", text, UNKNOWN));
            }
        }
    }
    if names.is_empty() {
        wanted.extend(all.into_iter().cloned());
    }
    Ok(wanted)
}

/// Plans one drill, and carries it out and records it unless it is to be planned only.
async fn one(agent: &Agent, drill: &Drill, order: &Order, dry_run: bool) -> Done {
    let name = drill.of().to_owned();
    let history = agent.store().drills_of(&name_of(&name)).unwrap_or_default();
    let (now, began) = (Timestamp::now(), Instant::now());
    let within = drill.deadline();
    let around = Around { data: agent.data(), history: &history, now, within };
    let bar = progress();
    let mut watch = |at: u32, of: u32, what: &str| {
        bar.set_length(u64::from(of.max(at)));
        bar.set_position(u64::from(at.saturating_sub(1)));
        bar.set_message(super::output::harmless(&format!("{name}: {what}")));
    };
    let result = async {
        let plan = drill.plan(order, &around, &mut watch).await?;
        if dry_run {
            return Ok(Outcome::Planned(plan));
        }
        let left = within.saturating_sub(began.elapsed());
        let report = drill.carry_out(plan, order, agent.data(), left, &mut watch).await?;
        Ok(Outcome::Drilled(report))
    }
    .await;
    bar.finish_and_clear();
    if !dry_run {
        let facts = match &result {
            Ok(Outcome::Drilled(report)) => drill.facts(report, &history),
            Ok(Outcome::Planned(_)) => return Done { name, history, result },
            Err(failure) => Err(failure.clone()),
        };
        let configured = drill.clone().configured();
        schedule::record(agent, &configured, now, began.elapsed(), facts);
    }
    Done { name, history, result }
}

/// A bar on standard error, and none where nobody looks.
fn progress() -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(0);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    }
    if let Ok(style) = indicatif::ProgressStyle::with_template("{bar:20} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Failed is worse than unknown, and unknown is not well.
fn worst(all: &[Done]) -> u8 {
    let codes: Vec<u8> = all.iter().map(code_of).collect();
    [FAILED, UNKNOWN].into_iter().find(|code| codes.contains(code)).unwrap_or(0)
}

fn code_of(done: &Done) -> u8 {
    match &done.result {
        Err(_) => UNKNOWN,
        Ok(Outcome::Planned(plan)) if plan.answers.iter().any(|one| !one.worked) => FAILED,
        Ok(Outcome::Planned(plan)) if !plan.unknown.is_empty() => UNKNOWN,
        Ok(Outcome::Planned(_)) => 0,
        Ok(Outcome::Drilled(report)) if report.answers.iter().any(|one| !one.worked) => FAILED,
        Ok(Outcome::Drilled(report)) => {
            let restored = report.answers.iter().any(DrillFacts::is_restore);
            if report.unknown.is_empty() && restored { 0 } else { UNKNOWN }
        }
    }
}

/// For people.
fn words(done: &Done) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    match &done.result {
        Err(failure) => {
            line(format!("{}: it could not be told whether a restore works", done.name));
            line(format!("  {}", failure.what));
            line(format!("  {}", failure.advice));
        }
        Ok(Outcome::Planned(plan)) => plan_words(done, plan, &mut line),
        Ok(Outcome::Drilled(report)) => report_words(done, report, &mut line),
    }
    text
}

fn plan_words(done: &Done, plan: &Plan, line: &mut dyn FnMut(String)) {
    line(format!("{}: what a drill would do", done.name));
    for group in &plan.groups {
        let target = &group.target;
        let (files, bytes) = plan.size(group);
        line(format!(
            "  {}, snapshot {} of {:.0}",
            target.group,
            short(&target.snapshot),
            target.start
        ));
        let (all, all_bytes) = (group.sample.total_files, group.sample.total_bytes);
        line(format!(
            "    restore {files} of {all} files, {} of {}",
            amount(bytes),
            amount(all_bytes)
        ));
        let range = restore_time(&done.history, files, bytes);
        line(format!("    expected to take {}", range_words(&range)));
    }
    for [part, of] in &plan.parts {
        line(format!("  read part {part} of {of} of the stored data"));
    }
    unkept(plan, line);
    line(format!("  into {}, removed at the end", plan.scratch.display()));
    line(format!("  seed {}", plan.seed));
    for answer in plan.answers.iter().filter(|answer| !answer.worked) {
        line(format!("  FAILED already: {}", answer.why));
    }
    for unknown in &plan.unknown {
        line(format!("  cannot tell: {}: {}", unknown.what, unknown.failure.what));
    }
}

/// That a limit is not kept is said rather than passed over.
fn unkept(plan: &Plan, line: &mut dyn FnMut(String)) {
    if let Some(rate) = plan.unkept_bandwidth {
        line(format!(
            "  NOT limited to {rate}: the tool has no limit for what it fetches; limit it in the \
             network"
        ));
    }
}

fn report_words(done: &Done, report: &Report, line: &mut dyn FnMut(String)) {
    let verdict = match code_of(done) {
        0 => "the restore works",
        FAILED => "THE RESTORE DOES NOT WORK",
        _ => "it could not be told whether everything comes back",
    };
    line(format!("{}: {verdict}", done.name));
    let all: Vec<DrillFacts> = done.history.iter().chain(&report.answers).cloned().collect();
    for drill in &report.answers {
        if let Some([part, of]) = drill.subset {
            let state =
                if drill.worked { "sound".to_owned() } else { format!("DAMAGED: {}", drill.why) };
            line(format!("  part {part} of {of} of the stored data is {state}"));
            continue;
        }
        let group = report.plan.all_groups.iter().find(|(subject, _)| *subject == drill.subject);
        let group = group.map_or("the repository", |(_, words)| words.as_str());
        let of =
            drill.snapshot.map_or_else(String::new, |start| format!(", snapshot of {start:.0}"));
        line(format!("  {group}{of}"));
        line(format!(
            "    asked for {} files, {} came back ({}) in {:.1} s, from an empty cache",
            drill.asked,
            drill.files,
            amount(drill.bytes),
            drill.seconds
        ));
        line(format!(
            "    {} compared with the live file, {} opened by their own format, {} damaged",
            drill.compared, drill.opened, drill.damaged
        ));
        if let Some(looked) = report.looked.get(&drill.subject) {
            for file in looked.damaged.iter().chain(&looked.suspects) {
                line(format!("      {}: {}", file.path, file.why));
            }
        }
        if !drill.why.is_empty() {
            line(format!("    {}", drill.why));
        }
        if let (Some(files), Some(bytes), Some(range)) =
            (drill.total_files, drill.total_bytes, full_restore(&all, &drill.subject))
        {
            line(format!(
                "    all {files} files ({}) would take {}",
                amount(bytes),
                range_words(&range)
            ));
        }
    }
    for unknown in &report.unknown {
        line(format!("  cannot tell: {}: {}", unknown.what, unknown.failure.what));
    }
    unkept(&report.plan, line);
    line(format!("  seed {}", report.plan.seed));
}

/// For programs.
fn document(done: &Done) -> Value {
    let all = || done.history.iter();
    match &done.result {
        Err(failure) => json!({ "check": done.name, "verdict": "unknown", "failure": failure }),
        Ok(Outcome::Planned(plan)) => {
            let groups: Vec<Value> = plan
                .groups
                .iter()
                .map(|group| {
                    let (files, bytes) = plan.size(group);
                    let history: Vec<DrillFacts> = all().cloned().collect();
                    let time = restore_time(&history, files, bytes);
                    json!({
                        "group": group.target.group,
                        "subject": group.target.subject,
                        "snapshot": group.target.snapshot,
                        "start": group.target.start,
                        "files": files,
                        "bytes": bytes,
                        "total_files": group.sample.total_files,
                        "total_bytes": group.sample.total_bytes,
                        "sample": group.sample.iter().collect::<Vec<_>>(),
                        "expected_seconds": range_json(&time),
                    })
                })
                .collect();
            json!({
                "check": done.name,
                "verdict": "planned",
                "level": plan.level,
                "seed": plan.seed,
                "scratch": plan.scratch,
                "parts": plan.parts,
                "unkept_bandwidth": plan.unkept_bandwidth,
                "groups": groups,
                "unknown": unknown_json(&plan.unknown),
            })
        }
        Ok(Outcome::Drilled(report)) => {
            let verdict = match code_of(done) {
                0 => "works",
                FAILED => "failed",
                _ => "unknown",
            };
            let history: Vec<DrillFacts> = all().chain(&report.answers).cloned().collect();
            let drills: Vec<Value> = report
                .answers
                .iter()
                .map(|drill| {
                    let time = full_restore(&history, &drill.subject);
                    let mut document = json!(drill);
                    document["full_restore_seconds"] = json!(time.as_ref().map(range_json));
                    document
                })
                .collect();
            json!({
                "check": done.name,
                "verdict": verdict,
                "level": report.plan.level,
                "seed": report.plan.seed,
                "unkept_bandwidth": report.plan.unkept_bandwidth,
                "drills": drills,
                "looked": report.looked,
                "unknown": unknown_json(&report.unknown),
            })
        }
    }
}

fn unknown_json(unknown: &[crate::drill::Unknown]) -> Vec<Value> {
    let one = |one: &crate::drill::Unknown| json!({ "subject": one.subject, "what": one.what, "failure": one.failure });
    unknown.iter().map(one).collect()
}

fn range_json(range: &Range) -> Value {
    json!({ "p10": range.p10, "p50": range.p50, "p90": range.p90, "basis": range.basis })
}

fn range_words(range: &Range) -> String {
    let (low, middle, high) = (time(range.p10), time(range.p50), time(range.p90));
    format!("{low} to {high}, most likely about {middle} ({})", range.basis)
}

/// Seconds to two significant digits, in the unit that reads best.
fn time(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 90.0 => (s, "s"),
        s if s < 5400.0 => (s / 60.0, "min"),
        s if s < 172_800.0 => (s / 3600.0, "h"),
        s => (s / 86_400.0, "days"),
    };
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// Bytes, rounded to three digits.
fn amount(bytes: u64) -> String {
    let mut step = 1;
    while bytes / step >= 1000 {
        step *= 10;
    }
    Size::from_bytes(bytes / step * step).to_string()
}

fn short(snapshot: &str) -> String {
    snapshot.chars().take(8).collect()
}

fn absolute(file: &std::path::Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}
