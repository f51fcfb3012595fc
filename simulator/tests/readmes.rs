//! What the READMEs of the shipped organisations print is what their commands say now.
//!
//! `EVENKEEL_UPDATE=1` writes the outputs anew; the lessons below them are prose.
use std::path::{Path, PathBuf};
use std::process::Command;

use evenkeel_config::record::{FixEffect, FixSummary, Summary};
use evenkeel_simulator::words::{duration, number};

fn readme(example: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples");
    folder.join(example).join("README.md")
}

fn program(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel-simulator"));
    let out = command.args(args).output().expect("it starts");
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8")
}

/// A README with the output of each `$ evenkeel-simulator ...` in its blocks as it is now.
fn renewed(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut old = text.lines().peekable();
    while let Some(line) = old.next() {
        lines.push(line.to_owned());
        let Some(command) = line.strip_prefix("$ evenkeel-simulator ") else { continue };
        let args: Vec<&str> = command.split(' ').collect();
        lines.extend(program(&args).trim_end().lines().map(|line| line.trim_end().to_owned()));
        while old.next_if(|line| !line.starts_with("```") && !line.starts_with("$ ")).is_some() {}
        if old.peek().is_some_and(|line| line.starts_with("$ ")) {
            lines.push(String::new());
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn every_printed_answer_is_what_its_command_says() {
    for example in ["city-hall", "small-business", "non-profit"] {
        let file = readme(example);
        let text = std::fs::read_to_string(&file).expect("a README");
        assert!(text.contains("\n$ evenkeel-simulator run "), "{example} shows an answer");
        let now = renewed(&text);
        if std::env::var_os("EVENKEEL_UPDATE").is_some() {
            std::fs::write(&file, &now).expect("written");
            continue;
        }
        for (number, (old, new)) in (1..).zip(text.lines().zip(now.lines())) {
            assert_eq!(old, new, "{example}/README.md, line {number}; EVENKEEL_UPDATE=1 renews it");
        }
        assert_eq!(text, now, "{example}");
    }
}

fn summary(example: &str, scenario: &str) -> Summary {
    let map = format!("example:{example}");
    let args =
        ["run", "--map", &map, "--scenario", scenario, "--trials", "10000", "--format", "json"];
    serde_json::from_str(&program(&args)).expect("a summary")
}

fn fix<'s>(summary: &'s Summary, id: &str) -> &'s FixSummary {
    summary.fixes.iter().find(|fix| fix.id.as_str() == id).expect("a fix of the example")
}

fn effect<'s>(summary: &'s Summary, id: &str, function: &str) -> &'s FixEffect {
    let all = fix(summary, id).effects.iter();
    all.clone().find(|one| one.function.as_str() == function).expect("an effect")
}

/// A time of half of the nights or of a bad one, as a lesson says it.
fn said(time: evenkeel_config::record::Elapsed) -> String {
    time.ms().map_or("never".to_owned(), duration)
}

/// The lesson says each of these.
fn lesson(example: &str, sentences: &[String]) {
    let text = std::fs::read_to_string(readme(example)).expect("a README");
    let (_, text) = text.split_once("## The lesson").expect("a lesson");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for sentence in sentences {
        assert!(text.contains(sentence), "the lesson of {example} does not say `{sentence}`");
    }
}

#[test]
fn the_lesson_of_the_town_is_in_its_figures() {
    let attack = summary("city-hall", "ransomware");
    let console = effect(&attack, "console-off-domain", "payroll");
    let years = |id: &str| fix(&attack, id).break_even_years.expect("it saves money");
    let sentences = [
        format!("Payroll is likely usable after {}", said(console.likely[0])),
        format!("on a bad night it takes {}.", said(console.bad_night[0])),
        format!("brings the bad night to {} and", said(console.bad_night[1])),
        format!("more often than once in {:.0} years;", years("console-off-domain")),
        format!("more often than once in {} years.", number(years("vault-on-paper"))),
        format!("pay for itself with {:.0} such nights a year", 1.0 / years("new-server")),
    ];
    lesson("city-hall", &sentences);
}

#[test]
fn the_lesson_of_the_firm_is_in_its_figures() {
    let server = summary("small-business", "host_failure");
    let of = |id: &str| effect(&server, id, "order-to-ship");
    let helper = summary("small-business", "msp_gone");
    let sealed = effect(&helper, "passwords-in-safe", "order-to-ship");
    let died = said(of("second-technician").likely[0]);
    let sentences = [
        format!("order to ship is likely usable after {died}."),
        format!("makes that {}: the wait", said(of("second-technician").likely[1])),
        format!("for 900, makes it {}.", said(of("licence-prepared").likely[1])),
        format!(
            "the bad night goes from {} to {}.",
            said(of("licence-prepared").bad_night[1]),
            said(of("technician-and-licence").bad_night[1])
        ),
        format!("{} against {died}", said(sealed.likely[0])),
        format!("safe makes that {}.", said(sealed.likely[1])),
    ];
    lesson("small-business", &sentences);
}

#[test]
fn the_lesson_of_the_charity_is_in_its_figures() {
    let account = summary("non-profit", "account_loss");
    let admin = effect(&account, "second-admin", "volunteer-scheduling");
    let season = summary("non-profit", "saas_outage");
    let export = effect(&season, "crm-export", "gift-to-thanks");
    let sentences = [
        format!("volunteer scheduling is likely back after {},", said(admin.likely[0])),
        format!("gift to thanks is likely back after {}.", said(export.likely[0])),
        format!("makes the first {},", said(admin.likely[1])),
    ];
    assert!(export.likely[1].ms().is_some_and(|ms| ms < 60_000), "which makes the second at once");
    lesson("non-profit", &sentences);
}
