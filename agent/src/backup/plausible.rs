//! Whether the newest snapshot is like those before: size, churn, and the traces
//! that encryption leaves, by robust statistics over the group's own history.
use evenkeel_config::record::{Evidence, SnapshotFact, Value};
use jiff::Timestamp;

use super::judgement::{Found, number};
use crate::baseline::{Jump, jump, usual};
use crate::checks::Facts;

/// Below this share of a source no change is called an upheaval.
const LARGE: f64 = 0.3;
/// Above this share of new bytes in a source of the usual size, all of it is new.
const NEARLY_ALL: f64 = 0.7;

/// The instant up to which somebody accepted what is there as usual.
pub(super) fn accepted(facts: &Facts, group: &str) -> Option<Timestamp> {
    match facts.get("accepted", group) {
        Some(Value::Time(time)) => Some(*time),
        _ => None,
    }
}

/// Judges size and churn of a group.
pub(super) fn judge(facts: &Facts, group: &str, name: &str, found: &mut Found<'_>) {
    let newest = facts.get("newest", group).cloned();
    if let (Some(accepted), Some(Value::Time(newest))) = (accepted(facts, group), newest)
        && newest <= accepted
    {
        return;
    }
    judge_size(facts, group, name, found);
    judge_churn(facts, group, name, found);
}

fn judge_size(facts: &Facts, group: &str, name: &str, found: &mut Found<'_>) {
    for fact in ["bytes", "files"] {
        let Some(value) = facts.number(fact, group) else { continue };
        let (id, usual) = match jump(&sizes(facts, found.past, group, fact), value) {
            Some(Jump::Collapsed { usual }) => ("backup_collapsed", usual),
            Some(Jump::Grown { usual }) => ("backup_grown", usual),
            None => continue,
        };
        let what =
            format!("the newest snapshot of {name} has {value} {fact}, {usual:.0} are usual");
        found.add(id, group, what);
        return;
    }
}

/// One share of a source that came, went or changed, against the usual.
struct Share {
    words: &'static str,
    value: f64,
    usual: f64,
}

fn judge_churn(facts: &Facts, group: &str, name: &str, found: &mut Found<'_>) {
    let mut unusual: Vec<Share> = Vec::new();
    for (fact, words) in [
        ("changed_share", "of its files are new or changed"),
        ("removed_share", "of its files are gone"),
        ("added_share", "of its bytes are new"),
        ("rewritten_share", "of its bytes were rewritten"),
    ] {
        let Some(value) = facts.number(fact, group) else { continue };
        let bound = usual_share(facts, found.past, group, fact);
        let Some((usual, most)) = bound.filter(|_| value > LARGE) else { continue };
        if value > most && value > 2.0 * usual {
            unusual.push(Share { words, value, usual });
        }
    }
    if unusual.is_empty() {
        return;
    }
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let parts: Vec<String> = unusual
        .iter()
        .map(|one| format!("{} {} ({} usual)", percent(one.value), one.words, percent(one.usual)))
        .collect();
    let mut what = format!("in the newest snapshot of {name} {}", parts.join(", "));
    match encryption(facts, found.past, group) {
        Some(trace) => {
            what = format!("{what}; {trace}");
            found.add("backup_encrypted", group, what);
        }
        None => {
            found.add("backup_churn", group, what);
        }
    }
}

/// What else looks like encryption in a source that has changed at large: most
/// new files share an ending that those that went did not have, or all bytes are
/// new while their number is the same as ever.
fn encryption(facts: &Facts, past: &[Evidence], group: &str) -> Option<String> {
    let count = |name: &str| facts.number(name, group).unwrap_or(0.0);
    if count("came_alike") > 0.5 * count("came") && count("went_alike") < 0.1 * count("came_alike")
    {
        let went = count("removed") > 0.5 * count("came");
        if let Some(ending) = facts.text("came_ending", group).filter(|end| went && !end.is_empty())
        {
            return Some(format!("files went, and as many came that end in `.{ending}`"));
        }
    }
    let is_same = |fact: &str| {
        let value = facts.number(fact, group)?;
        let usual = usual(&sizes(facts, past, group, fact))?;
        Some((value / usual - 1.0).abs() < 0.1)
    };
    // As many bytes came as went, of the whole or within files that stayed.
    let is_swapped = |came: &str, went: &str| {
        let (came, went) = (count(came), count(went));
        went > 0.0 && (came / went - 1.0).abs() < 0.1
    };
    let nearly_all = |share: &str| facts.number(share, group).unwrap_or(0.0) > NEARLY_ALL;
    let is_same = is_same("bytes") == Some(true);
    let is_new = nearly_all("added_share") && is_swapped("added_bytes", "removed_bytes")
        || nearly_all("rewritten_share") && is_swapped("rewritten_bytes", "replaced_bytes")
        || is_same && (nearly_all("added_share") || nearly_all("rewritten_share"));
    is_new.then(|| "nearly every byte is new while there are as many as ever".to_owned())
}

/// The usual share and the most that is usual: the median, and four robust
/// standard deviations above it (1.4826 times the median absolute deviation
/// stands for one; Rousseeuw and Croux 1993).
fn usual_share(facts: &Facts, past: &[Evidence], group: &str, fact: &str) -> Option<(f64, f64)> {
    let median = facts.number(&format!("{fact}_usual"), group);
    if let (Some(median), Some(most)) = (median, facts.number(&format!("{fact}_most"), group)) {
        return Some((median, most));
    }
    bounds(&history(past, fact, group, facts))
}

/// Median and the most that is usual; `None` with too few values.
pub(super) fn bounds(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < super::sight::FEWEST {
        return None;
    }
    let middle = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let median = middle(&mut values.to_vec());
    let mut off: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
    Some((median, median + 4.0 * 1.4826 * middle(&mut off)))
}

/// Whether there is history enough to call a size unusual.
pub(super) fn knows_usual(facts: &Facts, past: &[Evidence], group: &str) -> bool {
    ["bytes", "files"].iter().any(|fact| usual(&sizes(facts, past, group, fact)).is_some())
}

/// Sizes of the snapshots before the newest: of those that are listed, else of
/// those that earlier runs saw.
fn sizes(facts: &Facts, past: &[Evidence], group: &str, fact: &str) -> Vec<f64> {
    let listed = copies(facts, group, fact);
    if usual(&listed).is_some() { listed } else { history(past, fact, group, facts) }
}

/// Earlier numbers of a fact, oldest first, one for each newest snapshot since
/// somebody accepted the last change.
pub(super) fn history(past: &[Evidence], name: &str, group: &str, facts: &Facts) -> Vec<f64> {
    let current = facts.number("newest", group);
    let since = accepted(facts, group).map(|time| time.as_millisecond() as f64 / 1e3);
    let mut last = None;
    let mut values = Vec::new();
    for evidence in past {
        let newest = number(evidence, "newest", group);
        let is_old = newest.is_some_and(|newest| since.is_some_and(|since| newest < since));
        if newest.is_none() || newest == last || newest == current || is_old {
            continue;
        }
        if let Some(value) = number(evidence, name, group) {
            values.push(value);
            last = newest;
        }
    }
    values
}

/// Sizes of the group's listed snapshots before the newest, where known.
fn copies(facts: &Facts, group: &str, fact: &str) -> Vec<f64> {
    let words = facts.text("group", group).unwrap_or_default();
    let Some(copy) = facts.copies.iter().find(|copy| copy.group == words) else {
        return Vec::new();
    };
    let since = accepted(facts, group);
    let before = copy.snapshots.len().saturating_sub(1);
    let value = |snapshot: &SnapshotFact| match fact {
        "bytes" => snapshot.bytes,
        _ => snapshot.files,
    };
    copy.snapshots[..before]
        .iter()
        .filter(|snapshot| since.is_none_or(|since| snapshot.start >= since))
        .filter_map(value)
        .map(|value| value as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_robust() {
        assert_eq!(bounds(&[0.1; 6]), None);
        let mut values = vec![0.01, 0.02, 0.02, 0.03, 0.02, 0.01, 0.02, 0.9];
        let (median, most) = bounds(&values).unwrap();
        assert!((median - 0.02).abs() < 1e-9 && most < 0.1, "{median} {most}");
        // A source that changes at large each night is not an upheaval each night.
        values = vec![0.5, 0.8, 0.6, 0.7, 0.9, 0.6, 0.7];
        let (median, most) = bounds(&values).unwrap();
        assert!(median > 0.6 && most > 1.0, "{median} {most}");
    }
}
