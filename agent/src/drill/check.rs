//! A drill as a check of its own: its kind, its facts, its findings.
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{DrillFacts, Evidence, Failure, Finding, Observation, Status, Value};
use jiff::Timestamp;

use super::job::Damaged;
use super::run::{Around, Drill, Order, Report};
use super::{estimate, rotation};
use crate::checks::{Check, CheckKind, FactKind, Facts, FindingKind, Look, since};

/// The kind of drills; it has no table of its own but `drill` below a check of a backup.
pub static KIND: CheckKind = CheckKind {
    name: "drill",
    about: "Files of the newest snapshot come back from nothing but the secret, as many as asked \
            for, with the right content; each part of the stored data is read once a cycle",
    limits: "A sample proves little about single files: 300 sound ones leave 5 % for a defect of \
             1 % to be missed. Written as `[check.KIND.drill]` below a check of a backup.",
    example: "",
    every: Span::from_hours(7 * 24),
    deadline: Span::from_hours(1),
    stale_after_intervals: 2,
    facts: FACTS,
    findings: FINDINGS,
    backup: None,
    build,
};

/// A drill is written below the check that it drills.
fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let hint = "write `[check.restic.drill]` below `[[check.restic]]`";
    problems.error(entry.place.clone(), "a drill stands below a check of a backup", hint);
    None
}

const fn fact(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "group", labels: &[] }
}

const FACTS: &[FactKind] = &[
    fact("group", "", "Host, paths and tags of the group."),
    fact(
        "last_success",
        "drill_last_success_timestamp_seconds",
        "When the last drill of the group that worked started.",
    ),
    fact("last_drill", "drill_last_timestamp_seconds", "When the last drill of the group started."),
    fact("worked", "drill_worked", "1 if the last drill of the group worked, 0 if it did not."),
    fact(
        "data_as_of",
        "drill_data_as_of_timestamp_seconds",
        "How new the data that came back is by its own word: newest row, or canary.",
    ),
    fact("why", "", "Why it did not work, or what the tool complained about."),
    fact("asked", "drill_asked_files", "Files that the last drill asked for."),
    fact("files", "drill_files", "Files that came back in the last drill."),
    fact("bytes", "drill_bytes", "Bytes that came back in the last drill."),
    fact("compared", "drill_compared_files", "Files whose content was compared with the live one."),
    fact("opened", "drill_opened_files", "Files that were opened by their own format."),
    fact("damaged", "drill_damaged_files", "Files that were missing or not as they should be."),
    fact("damaged_files", "", "The first of them."),
    fact("unopened", "drill_unopened_files", "Files that their own format does not open."),
    fact("suspicious", "drill_suspicious_files", "Files that look encrypted in place."),
    fact("suspicious_files", "", "The first of them."),
    fact("seconds", "drill_restore_seconds", "How long the restores of the last drill took."),
    fact("unknown", "", "What could not be told in the last run, and why."),
    FactKind {
        name: "full_restore",
        metric: "drill_full_restore_seconds",
        help: "How long a restore of everything takes, by all drills: percentiles of a range.",
        subject: "group",
        labels: &["percentile"],
    },
    FactKind {
        name: "parts_read",
        metric: "drill_parts_read_ratio",
        help: "Share of the parts of the stored data that were sound when last read.",
        subject: "",
        labels: &[],
    },
    FactKind {
        name: "damaged_parts",
        metric: "drill_damaged_parts",
        help: "Parts of the stored data that were damaged when last read.",
        subject: "",
        labels: &[],
    },
    FactKind {
        name: "damaged_part",
        metric: "",
        help: "The first of them, and what the tool said.",
        subject: "",
        labels: &[],
    },
    FactKind {
        name: "seed",
        metric: "",
        help: "Seed of the sample: `evenkeel-agent drill --seed` takes it again.",
        subject: "",
        labels: &[],
    },
    FactKind {
        name: "version",
        metric: "",
        help: "Version of the tool.",
        subject: "",
        labels: &[],
    },
];

const FINDINGS: &[FindingKind] = &[
    FindingKind {
        id: "drill_failed",
        severity: Status::Critical,
        about: "The last drill did not work: from this backup nobody gets the data back as it is.",
        advice: "Mend what failed, then run `evenkeel-agent drill` for it again.",
    },
    FindingKind {
        id: "drill_count_mismatch",
        severity: Status::Critical,
        about: "Fewer files came back than were asked for, whatever the tool said.",
        advice: "Restore one of the missing files by hand; keep older snapshots until it is known \
                 what is lost.",
    },
    FindingKind {
        id: "drill_damaged",
        severity: Status::Critical,
        about: "Files came back that are not what they should be.",
        advice: "Look at them by hand; copy the repository aside before anything is repaired.",
    },
    FindingKind {
        id: "drill_unopened",
        severity: Status::Warning,
        about: "Files came back that their own format does not open: they were broken before.",
        advice: "Open the live files; where they are broken too, look for an older snapshot.",
    },
    FindingKind {
        id: "drill_suspicious",
        severity: Status::Warning,
        about: "Files came back that look as if somebody had encrypted them in place.",
        advice: "Look at the live files now, and keep older snapshots until the reason is known.",
    },
    FindingKind {
        id: "drill_part_damaged",
        severity: Status::Critical,
        about: "A part of the stored data is damaged, so files in some snapshot are lost.",
        advice: "Copy the repository aside, then let the tool check all of it and say what is hit.",
    },
    FindingKind {
        id: "drill_incomplete",
        severity: Status::Unknown,
        about: "The last drill came to an answer for a part of what it was to look at.",
        advice: "Read why, and let it run again.",
    },
];

/// A drill as the schedule runs it.
pub(super) struct DrillCheck(pub(super) Drill);

#[async_trait::async_trait]
impl Check for DrillCheck {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let within = look.deadline;
        let around = Around { data: &look.data, history: &look.drills, now: look.now, within };
        let report = self.0.run(&Order::default(), &around, &mut |_, _, _| ()).await?;
        self.0.facts(&report, &look.drills)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |id: &str, subject: &str, what: String| {
            let since = since(past, id, subject, now);
            found.push(KIND.finding(id, &self.0.entry.component, subject, what, since));
        };
        for drill in facts.drills.iter().filter(|drill| drill.subset.is_none()) {
            let subject = drill.subject.as_str();
            let name = facts.text("group", subject).unwrap_or("the backup").to_owned();
            let (asked, files, damaged) = (drill.asked, drill.files, drill.damaged);
            let which = |name: &str| facts.text(name, subject).unwrap_or_default();
            if let Some(count) = facts.number("suspicious", subject).filter(|count| *count > 0.0) {
                let what = format!("{count} files of {name}: {}", which("suspicious_files"));
                add("drill_suspicious", subject, what);
            }
            if let Some(count) = facts.number("unopened", subject).filter(|count| *count > 0.0) {
                let what = format!("{count} files of {name}: {}", which("damaged_files"));
                add("drill_unopened", subject, what);
            }
            if drill.worked {
                continue;
            }
            // Damage is counted once somebody looked at what came back, if only at nothing.
            if drill.is_restore() && files < asked && (files > 0 || damaged > 0) {
                let what = format!("{files} of {asked} files of {name} came back");
                add("drill_count_mismatch", subject, what);
            } else if damaged > 0 {
                let which = which("damaged_files");
                let what = format!("{damaged} of {asked} files of {name} are damaged: {which}");
                add("drill_damaged", subject, what);
            } else {
                add("drill_failed", subject, format!("the drill of {name}: {}", drill.why));
            }
        }
        if let Some(parts) = facts.number("damaged_parts", "").filter(|parts| *parts > 0.0) {
            let which = facts.text("damaged_part", "").unwrap_or_default();
            let what = format!("{parts} parts of the stored data are damaged: {which}");
            add("drill_part_damaged", "", what);
        }
        for fact in facts.observations.iter().filter(|fact| fact.name == "unknown") {
            if let Value::Text(why) = &fact.value {
                add("drill_incomplete", &fact.subject, why.clone());
            }
        }
        found
    }
}

impl Drill {
    /// Plans a drill and carries it out.
    ///
    /// # Errors
    /// It cannot be told, typed.
    pub async fn run(
        &self,
        order: &Order,
        around: &Around<'_>,
        watch: super::Watch<'_>,
    ) -> Result<Report, Failure> {
        let began = std::time::Instant::now();
        let plan = self.plan(order, around, watch).await?;
        let left = around.within.saturating_sub(began.elapsed());
        self.carry_out(plan, order, around.data, left, watch).await
    }

    /// What came of a drill, as facts; `history` holds the drills before.
    ///
    /// # Errors
    /// Why there is no answer at all.
    pub fn facts(&self, report: &Report, history: &[DrillFacts]) -> Result<Facts, Failure> {
        if report.answers.is_empty()
            && let Some(unknown) = report.unknown.first()
        {
            return Err(unknown.failure.clone());
        }
        let mut facts = Facts { drills: report.answers.clone(), ..Facts::default() };
        let all: Vec<DrillFacts> = history.iter().chain(&report.answers).cloned().collect();
        facts.push("seed", "", Value::Text(report.plan.seed.to_string()));
        if let Some(answer) = report.answers.last().filter(|one| !one.tool_version.is_empty()) {
            facts.push("version", "", Value::Text(answer.tool_version.clone()));
        }
        self.push_parts(&all, &mut facts);
        for (subject, group) in &report.plan.all_groups {
            facts.push("group", subject, Value::Text(group.clone()));
            push_group(&all, subject, &mut facts);
        }
        if report.plan.all_groups.is_empty() {
            // What could not be listed is not gone.
            let known: BTreeSet<&str> =
                history.iter().map(|drill| drill.subject.as_str()).collect();
            known.into_iter().for_each(|subject| push_group(&all, subject, &mut facts));
        }
        for drill in report.answers.iter().filter(|drill| drill.is_restore()) {
            push_drill(drill, report, &mut facts);
        }
        for (subject, unknown) in unknown_by_subject(report) {
            facts.push("unknown", &subject, Value::Text(unknown));
        }
        Ok(facts)
    }

    fn push_parts(&self, all: &[DrillFacts], facts: &mut Facts) {
        let parts = self.settings.parts;
        if parts == 0 {
            return;
        }
        facts.push("parts_read", "", Value::Number(rotation::share_read(all, parts)));
        let damaged = rotation::damaged_parts(all, parts);
        facts.push("damaged_parts", "", Value::Number(damaged.len() as f64));
        let of_part = |drill: &&DrillFacts| {
            drill.subset.is_some_and(|[part, of]| of == parts && damaged.first() == Some(&part))
        };
        if let Some(drill) = all.iter().rev().find(of_part) {
            let part = damaged.first().copied().unwrap_or_default();
            let what = format!("part {part} of {parts}: {}", drill.why);
            facts.push("damaged_part", "", Value::Text(what));
        }
    }
}

/// What is known of a group by all its drills.
fn push_group(all: &[DrillFacts], subject: &str, facts: &mut Facts) {
    let of_it = || all.iter().filter(|drill| drill.is_restore() && drill.subject == subject);
    if let Some(last) = of_it().map(|drill| drill.started).max() {
        facts.push("last_drill", subject, Value::Time(last));
    }
    if let Some(last) = of_it().filter(|drill| drill.worked).map(|drill| drill.started).max() {
        facts.push("last_success", subject, Value::Time(last));
    }
    let Some(range) = estimate::full_restore(all, subject) else { return };
    for (percentile, seconds) in range.percentiles() {
        facts.observations.push(Observation {
            name: "full_restore".to_owned(),
            subject: subject.to_owned(),
            value: Value::Number(seconds),
            labels: [("percentile".to_owned(), percentile.to_owned())].into(),
        });
    }
}

/// What came of the drill of a group.
fn push_drill(drill: &DrillFacts, report: &Report, facts: &mut Facts) {
    let subject = drill.subject.as_str();
    facts.push("worked", subject, Value::Flag(drill.worked));
    if !drill.why.is_empty() {
        facts.push("why", subject, Value::Text(drill.why.clone()));
    }
    for (name, value) in [
        ("asked", drill.asked),
        ("files", drill.files),
        ("bytes", drill.bytes),
        ("compared", drill.compared),
        ("opened", drill.opened),
        ("damaged", drill.damaged),
    ] {
        facts.push(name, subject, Value::Number(value as f64));
    }
    facts.push("seconds", subject, Value::Number(drill.seconds));
    if let Some(time) = drill.data_as_of {
        facts.push("data_as_of", subject, Value::Time(time));
    }
    let Some(looked) = report.looked.get(subject) else { return };
    facts.push("unopened", subject, Value::Number(looked.unopened as f64));
    facts.push("suspicious", subject, Value::Number(looked.suspicious as f64));
    for (name, files) in
        [("damaged_files", &looked.damaged), ("suspicious_files", &looked.suspects)]
    {
        let words = |file: &Damaged| format!("{} ({})", file.path, file.why);
        let files: Vec<String> = files.iter().take(3).map(words).collect();
        if !files.is_empty() {
            facts.push(name, subject, Value::Text(files.join(", ")));
        }
    }
}

/// What could not be told, in words, one text for each subject.
fn unknown_by_subject(report: &Report) -> BTreeMap<String, String> {
    let mut all = BTreeMap::<String, String>::new();
    for one in &report.unknown {
        let text = format!("{} came to no answer: {}", one.what, one.failure.what);
        let entry = all.entry(one.subject.clone()).or_default();
        if !entry.is_empty() {
            entry.push_str("; ");
        }
        entry.push_str(&text);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use evenkeel_config::load::{Source, agent_from};
    use evenkeel_config::record::{DrillLevel, FailureKind};

    use super::*;
    use crate::drill::{Looked, Plan, Unknown};
    use crate::testing::ids;

    fn now() -> Timestamp {
        "2026-11-28T03:00:00Z".parse().unwrap()
    }

    /// The drill of a check of a repository whose data is cut into three parts.
    fn drill() -> Drill {
        let text = "[[check.restic]]\ncomponent = \"nas\"\nrepository = \"/r\"\n\
                    password_file = \"/p\"\n[check.restic.drill]\nparts = 3\n";
        let read = agent_from(&Source::new("agent.toml", text)).unwrap().value;
        crate::plan::plan(&read).unwrap()[0].drill.clone().unwrap()
    }

    fn facts_of(level: DrillLevel) -> DrillFacts {
        let mut facts = DrillFacts::new("nas".parse().unwrap(), None, now(), level);
        if facts.is_restore() {
            facts.subject = "srv-1".to_owned();
            (facts.asked, facts.files, facts.compared) = (60, 60, 60);
        }
        facts
    }

    fn report(answers: Vec<DrillFacts>, looked: Looked, unknown: Vec<Unknown>) -> Report {
        let plan = Plan {
            groups: Vec::new(),
            all_groups: vec![("srv-1".to_owned(), "srv:/srv".to_owned())],
            parts: Vec::new(),
            level: DrillLevel::Sample,
            whole: false,
            seed: 1,
            scratch: PathBuf::new(),
            answers: Vec::new(),
            unknown: Vec::new(),
            path: None,
            escrowed: false,
            unkept_bandwidth: None,
        };
        let looked = [("srv-1".to_owned(), looked)].into();
        Report { plan, answers, looked, unknown }
    }

    fn findings(report: &Report) -> Vec<String> {
        let drill = drill();
        let facts = drill.facts(report, &[]).unwrap();
        for fact in &facts.observations {
            assert!(FACTS.iter().any(|kind| kind.name == fact.name), "{} is documented", fact.name);
        }
        ids(&DrillCheck(drill).judge(&facts, &[], now()))
    }

    fn unknown() -> Unknown {
        let failure = Failure {
            kind: FailureKind::NetworkDown,
            what: "no answer".to_owned(),
            advice: "wait".to_owned(),
        };
        Unknown { subject: "srv-1".to_owned(), what: "restoring".to_owned(), failure }
    }

    #[test]
    fn each_way_to_fail_has_its_name_and_a_good_drill_none() {
        let good = || facts_of(DrillLevel::Sample);
        let bad = |why: &str| DrillFacts { worked: false, why: why.to_owned(), ..good() };
        let part = |worked| DrillFacts {
            subset: Some([2, 3]),
            worked,
            ..facts_of(DrillLevel::ReadSubset)
        };
        let files = |count| vec![Damaged { path: "/a".into(), why: "differs".into() }; count];
        let fine = Looked::default;
        let damaged = Looked { damaged: files(1), ..fine() };
        let unopened = Looked { unopened: 1, damaged: files(1), ..fine() };
        let suspicious = Looked { suspicious: 1, suspects: files(1), ..fine() };
        for (answers, looked, unknown, expected) in [
            (vec![good(), part(true)], fine(), vec![], vec![]),
            (vec![bad("the tool failed")], fine(), vec![], vec!["drill_failed!"]),
            (
                vec![DrillFacts { files: 59, damaged: 1, ..bad("59 of 60") }],
                fine(),
                vec![],
                vec!["drill_count_mismatch!"],
            ),
            (vec![DrillFacts { damaged: 1, ..bad("1") }], damaged, vec![], vec!["drill_damaged!"]),
            (vec![DrillFacts { damaged: 1, ..good() }], unopened, vec![], vec!["drill_unopened"]),
            (vec![good()], suspicious, vec![], vec!["drill_suspicious"]),
            (vec![good(), part(false)], fine(), vec![], vec!["drill_part_damaged!"]),
            (vec![part(true)], fine(), vec![unknown()], vec!["drill_incomplete"]),
        ] {
            assert_eq!(findings(&report(answers, looked, unknown)), expected);
        }
        let failure = drill().facts(&report(vec![], fine(), vec![unknown()]), &[]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::NetworkDown);
    }

    #[test]
    fn what_is_known_of_a_group_outlives_a_run_that_could_not_list_it() {
        let earlier = [facts_of(DrillLevel::Sample)];
        let mut broken = facts_of(DrillLevel::Sample);
        (broken.subject, broken.worked) = (String::new(), false);
        broken.started = now() + jiff::SignedDuration::from_hours(1);
        let mut report = report(vec![broken], Looked::default(), vec![]);
        report.plan.all_groups.clear();
        let facts = drill().facts(&report, &earlier).unwrap();
        assert_eq!(facts.get("last_success", "srv-1"), Some(&Value::Time(now())));
        assert_eq!(facts.get("last_success", ""), None);
        assert_eq!(facts.get("worked", ""), Some(&Value::Flag(false)));
    }
}
