//! Linux software RAID: proves that every array has all its members. Fooled by
//! arrays behind a hardware controller, and by two members of the same age that
//! will die together.
use std::collections::BTreeSet;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, Finding, Status, Value};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Check, CheckKind, FactKind, Facts, FindingKind, Look, settings, since};
use crate::probe::host::{Host, HostError};
use crate::probe::redact::plain;

/// A fact about one array.
const fn about_array(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "array", labels: &[] }
}

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "mdraid",
    about: "Linux software RAID: missing and failed members, rebuilds, mismatches",
    limits: "It sees only Linux md arrays. The kernel does not record when an array was last \
             scrubbed, and an array that is whole says nothing about the age of its disks.",
    example: "# It has no keys of its own.\n",
    every: Span::from_secs(5 * 60),
    deadline: Span::from_secs(30),
    stale_after_intervals: 3,
    facts: &[
        FactKind {
            name: "arrays",
            metric: "raid_arrays",
            help: "Number of arrays found.",
            subject: "",
            labels: &[],
        },
        about_array("level", "", "RAID level."),
        about_array("active", "raid_active", "Whether the array runs."),
        about_array("members", "raid_members", "Members the array is made for."),
        about_array("members_present", "raid_members_present", "Members that are in sync."),
        about_array(
            "members_failed",
            "raid_members_failed",
            "Members that the kernel has thrown out.",
        ),
        about_array("spares", "raid_spares", "Spare members that stand by."),
        about_array(
            "rebuild",
            "raid_rebuild_ratio",
            "How far a rebuild, check or reshape has come; absent when none runs.",
        ),
        about_array("rebuild_kind", "", "What runs: recovery, resync, check or reshape."),
        about_array(
            "rebuild_left",
            "raid_rebuild_left_seconds",
            "Time a rebuild needs by the kernel's own estimate.",
        ),
        about_array(
            "mismatches",
            "raid_mismatch_sectors",
            "Sectors that differed between members at the last check.",
        ),
        about_array("unclear", "", "Why the state of the array cannot be told."),
    ],
    findings: &[
        FindingKind {
            id: "raid_degraded",
            severity: Status::Critical,
            about: "The array lacks a member: one more loss may take the data.",
            advice: "Check the backup of this data now, then replace the missing disk.",
        },
        FindingKind {
            id: "raid_failed_member",
            severity: Status::Critical,
            about: "The kernel has thrown a member out of the array.",
            advice: "Replace the disk, then add the new one with `mdadm --add`.",
        },
        FindingKind {
            id: "raid_inactive",
            severity: Status::Critical,
            about: "The array does not run, so its data cannot be reached.",
            advice: "Read `mdadm --examine` of its members before you assemble it by force.",
        },
        FindingKind {
            id: "raid_rebuilding",
            severity: Status::Warning,
            about: "The array rebuilds a member; until then a second loss is likelier than ever.",
            advice: "Keep the load low and start nothing that must not be interrupted.",
        },
        FindingKind {
            id: "raid_mismatch",
            severity: Status::Warning,
            about: "Members differ: at least one of them gives back wrong data.",
            advice: "Run `check` again; if the count stays above 0 on anything but swap, test the disks and the memory.",
        },
        FindingKind {
            id: "raid_unclear",
            severity: Status::Unknown,
            about: "The state of the array cannot be told.",
            advice: "Read /proc/mdstat and `mdadm --detail` by hand.",
        },
    ],
    backup: None,
    build,
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let _: Settings = settings(entry, problems)?;
    Some(Box::new(Mdraid { component: entry.component.clone() }))
}

struct Mdraid {
    component: Id,
}

/// Most bytes of one file of the kernel's.
const LARGEST: usize = 1 << 20;

#[async_trait::async_trait]
impl Check for Mdraid {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let host = Host::new(&look.root);
        let table = match host.text("/proc/mdstat", LARGEST) {
            Ok(text) => Some(text),
            Err(HostError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let listed = table.as_deref().map(parse).unwrap_or_default();
        let mut names: BTreeSet<String> = listed.iter().map(|array| array.name.clone()).collect();
        for name in host.list("/sys/block").unwrap_or_default() {
            if host.exists(&format!("/sys/block/{name}/md")) {
                names.insert(name);
            }
        }
        if names.is_empty() {
            return Ok(Facts::not_applicable("no Linux software RAID on this host"));
        }
        let mut facts = Facts::default();
        facts.push("arrays", "", Value::Number(names.len() as f64));
        for name in &names {
            let listed = listed.iter().find(|array| array.name == *name);
            array_facts(&host, name, listed, &mut facts);
        }
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut findings = Vec::new();
        for array in facts.subjects() {
            for (id, what) in judge_array(facts, array) {
                let from = since(past, id, array, now);
                findings.push(KIND.finding(id, &self.component, array, what, from));
            }
        }
        findings
    }
}

/// One array of `/proc/mdstat`.
#[derive(Debug, Default, Clone, PartialEq)]
struct Listed {
    name: String,
    active: bool,
    level: Option<String>,
    failed: u32,
    spares: u32,
    /// `[2/1]`: made for two members, one in sync.
    members: Option<(u32, u32)>,
    rebuild: Option<Rebuild>,
}

#[derive(Debug, Clone, PartialEq)]
struct Rebuild {
    kind: String,
    share: f64,
    left_seconds: Option<f64>,
}

/// Reads `/proc/mdstat`: an array begins at the margin, more lines about it are indented.
fn parse(table: &str) -> Vec<Listed> {
    let mut arrays: Vec<Listed> = Vec::new();
    for line in table.lines().take(10_000) {
        if let Some((name, rest)) = line.split_once(" : ") {
            if !line.starts_with([' ', '\t']) && name.starts_with("md") {
                arrays.push(headline(name, rest));
            }
        } else if let Some(array) = arrays.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
            array.members = array.members.or_else(|| members(line));
            array.rebuild = array.rebuild.take().or_else(|| rebuild(line));
        }
    }
    arrays
}

/// `active raid1 sdb1[1](F) sda1[0]`.
fn headline(name: &str, rest: &str) -> Listed {
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let marked = |mark: &str| words.iter().filter(|word| word.ends_with(mark)).count() as u32;
    Listed {
        name: plain(name),
        active: words.first() == Some(&"active"),
        level: words.iter().find(|word| is_level(word)).map(|word| plain(word)),
        failed: marked("(F)"),
        spares: marked("(S)"),
        members: None,
        rebuild: None,
    }
}

fn is_level(word: &str) -> bool {
    word.starts_with("raid") || word == "linear" || word == "multipath"
}

fn members(line: &str) -> Option<(u32, u32)> {
    line.split_ascii_whitespace().find_map(|word| {
        let (made_for, present) = word.strip_prefix('[')?.strip_suffix(']')?.split_once('/')?;
        Some((made_for.parse().ok()?, present.parse().ok()?))
    })
}

/// `[==>....]  recovery = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec`.
fn rebuild(line: &str) -> Option<Rebuild> {
    let (before, after) = line.split_once('=').and_then(|_| line.split_once(" = "))?;
    let kind = before.split_ascii_whitespace().last()?;
    let percent: f64 = after.trim_start().split('%').next()?.trim().parse().ok()?;
    let minutes = after.split_once("finish=").and_then(|(_, rest)| rest.split("min").next());
    let left_seconds = minutes.and_then(|minutes| minutes.parse::<f64>().ok()).map(|m| m * 60.0);
    Some(Rebuild { kind: plain(kind), share: percent / 100.0, left_seconds })
}

/// Facts from both of the kernel's accounts; where they differ, the worse one.
fn array_facts(host: &Host, name: &str, listed: Option<&Listed>, facts: &mut Facts) {
    let read = |file: &str| {
        let text = host.text(&format!("/sys/block/{name}/md/{file}"), LARGEST).ok()?;
        Some(text.trim().to_owned())
    };
    let number = |file: &str| read(file)?.split_ascii_whitespace().next()?.parse::<u32>().ok();
    let listed = listed.cloned().unwrap_or_default();
    let level = listed.level.clone().or_else(|| read("level"));
    let redundant = !matches!(level.as_deref(), Some("raid0" | "linear"));
    let state = read("array_state");
    let runs = state.as_deref().map(|state| !matches!(state, "clear" | "inactive"));
    let made_for = listed.members.map(|members| members.0).or_else(|| number("raid_disks"));
    let missing = number("degraded");
    let present = [
        listed.members.map(|members| members.1),
        made_for.zip(missing).map(|(n, m)| n.saturating_sub(m)),
    ];
    let present = present.into_iter().flatten().min();
    let (failed, spares) = member_states(host, name, &listed);

    facts.push("level", name, Value::Text(level.unwrap_or_else(|| "unknown".to_owned())));
    facts.push(
        "active",
        name,
        Value::Flag(runs.unwrap_or(listed.active) && (listed.active || listed.name.is_empty())),
    );
    facts.push("members_failed", name, Value::Number(f64::from(failed)));
    facts.push("spares", name, Value::Number(f64::from(spares)));
    match (made_for, present) {
        (Some(made_for), Some(present)) => {
            facts.push("members", name, Value::Number(f64::from(made_for)));
            facts.push("members_present", name, Value::Number(f64::from(present)));
        }
        _ if redundant => {
            let what = "neither /proc/mdstat nor /sys tells how many members it has";
            facts.push("unclear", name, Value::Text(what.to_owned()));
        }
        _ => {}
    }
    if let Some(rebuild) = listed.rebuild {
        facts.push("rebuild", name, Value::Number(rebuild.share));
        facts.push("rebuild_kind", name, Value::Text(rebuild.kind));
        if let Some(left) = rebuild.left_seconds {
            facts.push("rebuild_left", name, Value::Number(left));
        }
    } else if let Some(action) = read("sync_action").filter(|action| action != "idle") {
        facts.push("rebuild_kind", name, Value::Text(plain(&action)));
    }
    if let Some(mismatches) = number("mismatch_cnt") {
        facts.push("mismatches", name, Value::Number(f64::from(mismatches)));
    }
}

/// Failed and spare members, by whichever account knows more of them.
fn member_states(host: &Host, name: &str, listed: &Listed) -> (u32, u32) {
    let folder = format!("/sys/block/{name}/md");
    let files = host.list(&folder).unwrap_or_default();
    let states: Vec<String> = files
        .iter()
        .filter(|file| file.starts_with("dev-"))
        .filter_map(|file| host.text(&format!("{folder}/{file}/state"), LARGEST).ok())
        .collect();
    let count = |word: &str| states.iter().filter(|state| state.contains(word)).count() as u32;
    (listed.failed.max(count("faulty")), listed.spares.max(count("spare")))
}

fn judge_array(facts: &Facts, array: &str) -> Vec<(&'static str, String)> {
    let number = |fact: &str| facts.number(fact, array);
    let level = facts.text("level", array).unwrap_or("unknown");
    let mut found = Vec::new();
    if let Some(why) = facts.text("unclear", array) {
        found.push(("raid_unclear", format!("{array}: {why}")));
    }
    if !facts.flag("active", array) {
        found.push(("raid_inactive", format!("{array} ({level}) does not run")));
    }
    if let (Some(made_for), Some(present)) = (number("members"), number("members_present"))
        && present < made_for
    {
        found.push((
            "raid_degraded",
            format!("{array} ({level}) has {present} of {made_for} members"),
        ));
    }
    if let Some(failed) = number("members_failed").filter(|failed| *failed > 0.0) {
        found.push((
            "raid_failed_member",
            format!("{array} ({level}): {failed} members are marked as failed"),
        ));
    }
    let kind = facts.text("rebuild_kind", array).unwrap_or_default();
    if matches!(kind, "recovery" | "resync" | "recover" | "reshape") {
        let share = number("rebuild")
            .map_or_else(String::new, |share| format!(", {:.0} % done", share * 100.0));
        let left = number("rebuild_left")
            .map_or_else(String::new, |s| format!(", {:.1} h to go", s / 3600.0));
        found.push(("raid_rebuilding", format!("{array} ({level}): {kind} runs{share}{left}")));
    }
    // Swap on RAID 1 and 10 differs without harm, by a little.
    if let Some(mismatches) = number("mismatches").filter(|mismatches| *mismatches > 128.0) {
        found.push((
            "raid_mismatch",
            format!(
                "{array} ({level}): {mismatches} sectors differed between members at the last check"
            ),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Personalities : [raid1] [raid6] [raid5] [raid4]
md1 : active raid5 sdd1[3](S) sdc1[2](F) sdb1[1] sda1[0]
      1953260544 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]
      [==>..................]  recovery = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec
      bitmap: 2/8 pages [8KB], 65536KB chunk

md0 : active raid1 sdb2[1] sda2[0]
      976630464 blocks super 1.2 [2/2] [UU]

md127 : inactive sde1[0](S)
      976630464 blocks super 1.2

unused devices: <none>
";

    #[test]
    fn the_table_is_read() {
        let arrays = parse(TABLE);
        assert_eq!(arrays.len(), 3);
        assert_eq!((arrays[0].members, arrays[0].failed, arrays[0].spares), (Some((3, 2)), 1, 1));
        let rebuild = arrays[0].rebuild.clone().unwrap();
        assert_eq!((rebuild.kind.as_str(), rebuild.left_seconds), ("recovery", Some(7650.0)));
        assert_eq!((arrays[1].active, arrays[1].members), (true, Some((2, 2))));
        assert!(!arrays[2].active);
    }

    #[test]
    fn a_table_cut_anywhere_is_read_without_a_whole_array_more() {
        for end in 0..TABLE.len() {
            let whole =
                parse(&TABLE[..end]).iter().filter(|array| array.members == Some((2, 2))).count();
            assert!(whole <= 1);
        }
    }

    #[test]
    fn each_finding_is_reached() {
        let mut facts = Facts::default();
        facts.push("level", "md0", Value::Text("raid1".to_owned()));
        facts.push("active", "md0", Value::Flag(false));
        facts.push("members", "md0", Value::Number(2.0));
        facts.push("members_present", "md0", Value::Number(1.0));
        facts.push("members_failed", "md0", Value::Number(1.0));
        facts.push("rebuild_kind", "md0", Value::Text("recovery".to_owned()));
        facts.push("mismatches", "md0", Value::Number(1000.0));
        facts.push("unclear", "md0", Value::Text("no table".to_owned()));
        let found: Vec<&str> = judge_array(&facts, "md0").into_iter().map(|(id, _)| id).collect();
        let mut documented: Vec<&str> = KIND.findings.iter().map(|kind| kind.id).collect();
        documented.sort_unstable();
        let mut reached = found;
        reached.sort_unstable();
        assert_eq!(reached, documented);
    }
}
