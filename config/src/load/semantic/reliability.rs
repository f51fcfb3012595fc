//! How often things fail: figures that contradict each other, and groups that are none.
use std::collections::BTreeMap;

use super::{Judge, path};
use crate::map::{CommonCause, Component};
use crate::quantity::Span;

/// Two ways of writing the same unavailability differ by no more than this.
const SAME: f64 = 1e-9;

pub(super) fn check(judge: &mut Judge<'_>) {
    let map = judge.map;
    let mut groups: BTreeMap<&str, Vec<(&Component, &CommonCause)>> = BTreeMap::new();
    for component in map.components.values() {
        figures(judge, component);
        let Some(cause) = &component.common.common_cause else { continue };
        let key = format!("{}.common_cause", path(component));
        if cause.group.trim().is_empty() {
            let hint = "write what its members have in common, as in `group = \"psu\"`";
            judge.error(&format!("{key}.group"), "the group has no name", hint);
        } else if component.common.unavailability().is_none() {
            let what = "it says how failures are shared, but not how often it fails";
            let hint = "add `availability`, or `mtbf` and `mttr`";
            judge.error(&key, what, hint);
        } else {
            groups.entry(&cause.group).or_default().push((component, cause));
        }
    }
    for members in groups.values() {
        alike(judge, members);
    }
}

fn figures(judge: &mut Judge<'_>, component: &Component) {
    let common = &component.common;
    let key = path(component);
    if let Some(fails) = &common.fails {
        for (below, what, hint) in fails.faults() {
            let below = if below.is_empty() { String::new() } else { format!(".{below}") };
            judge.error(&format!("{key}.fails{below}"), what, hint);
        }
        if fails.components {
            let hint = "only a scenario looks at its components; leave it out";
            judge.error(&format!("{key}.fails.components"), "it is the component", hint);
        }
        if fails.wear.is_some() && common.bought.is_none() {
            let hint = "add when it was bought, as in `bought = \"2021-03-01\"`";
            judge.error(&format!("{key}.fails.wear"), "its age is not known", hint);
        }
    }
    let times = [("mtbf", common.mtbf, "mttr", "6h"), ("mttr", common.mttr, "mtbf", "3y")];
    if common.availability.is_some() && (common.mtbf.is_some() || common.mttr.is_some()) {
        let hint =
            "keep `mtbf` and `mttr`, from which the availability follows, or `availability` alone";
        judge.error(&format!("{key}.availability"), "it is stated twice", hint);
    } else {
        for (name, value, other, example) in times {
            if value.is_some() && common.repair_times().is_none() {
                let what = format!("`{name}` says nothing without `{other}`");
                judge.error(
                    &format!("{key}.{name}"),
                    what,
                    format!("add it, as in `{other} = \"{example}\"`"),
                );
            }
        }
    }
    if common.availability.is_some_and(|share| share.get() == 0.0) {
        let hint = "write the share of time in which it works, as in `availability = 0.999`";
        judge.error(&format!("{key}.availability"), "it never works", hint);
    }
    for (name, value, other, _) in times {
        if value == Some(Span::ZERO) {
            let hint = format!("leave `{name}` and `{other}` out if it never fails");
            judge.error(&format!("{key}.{name}"), format!("`{name}` is zero"), hint);
        }
    }
}

/// Members of a group are alike: a share of an unavailability that differs
/// among them would be nobody's.
fn alike(judge: &mut Judge<'_>, members: &[(&Component, &CommonCause)]) {
    let [(first, cause), others @ ..] = members else { return };
    let key = |member: &Component| format!("{}.common_cause", path(member));
    if others.is_empty() {
        let what = format!("`{}` is the only one of the group `{}`", first.id, cause.group);
        let hint = "give the others the same `group`, or leave it out";
        judge.warning(&key(first), what, hint);
    }
    let down = first.common.unavailability().unwrap_or(0.0);
    for (member, theirs) in others {
        if theirs.beta != cause.beta {
            let what = format!(
                "beta is {} here and {} at `{}` of the same group",
                theirs.beta, cause.beta, first.id
            );
            judge.error(&key(member), what, "write the same `beta` for the whole group");
        }
        let own = member.common.unavailability().unwrap_or(0.0);
        if (own - down).abs() > SAME * down.max(own) {
            let what = format!(
                "`{}` and `{}` are of one group, but not down equally often",
                member.id, first.id
            );
            let hint = "write the same availability for the whole group, or make it two groups";
            judge.error(&key(member), what, hint);
        }
    }
}
