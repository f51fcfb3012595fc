//! Fixes, each tried out: what it names exists, and the map is still right with it.
use super::super::nearest::did_you_mean;
use super::Judge;
use crate::id::Id;
use crate::map::Fix;
use crate::problem::{Place, Weight};

/// Each fix means resolving the map once more.
const MOST_FIXES: usize = 200;

pub(super) fn check(judge: &mut Judge<'_>) {
    let map = judge.map;
    if map.fixes.len() > MOST_FIXES {
        let what = format!("{} fixes are more than can be tried out", map.fixes.len());
        judge.error("fix", what, format!("keep the {MOST_FIXES} that matter"));
        return;
    }
    for (id, fix) in &map.fixes {
        let known = removals(judge, id, fix);
        if fix.set.is_empty() && fix.remove.is_empty() {
            let hint = format!("say what changes, as in `[fix.{id}.set.host.srv-1]`");
            judge.warning(&format!("fix.{id}"), "the fix changes nothing", hint);
        }
        if known {
            outcome(judge, id);
        }
    }
}

fn removals(judge: &mut Judge<'_>, id: &Id, fix: &Fix) -> bool {
    let mut known = true;
    for (index, gone) in fix.remove.iter().enumerate() {
        if judge.map.components.contains_key(gone) {
            continue;
        }
        known = false;
        let ids = judge.map.components.keys().map(Id::as_str);
        let hint = match did_you_mean(gone.as_str(), ids) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a component of the map".to_owned(),
        };
        let key = format!("fix.{id}.remove[{index}]");
        judge.error(&key, format!("there is no component `{gone}` to take away"), hint);
    }
    known
}

/// Lays the fix over the map; what is wrong then is shown where the fix says it.
fn outcome(judge: &mut Judge<'_>, id: &Id) {
    let Err(problems) = judge.map.with_fix(id) else { return };
    for problem in problems.list {
        if problem.weight != Weight::Error {
            continue;
        }
        let key = &problem.place.key;
        let within = judge.place(&format!("fix.{id}.set.{key}"));
        let own = judge.place(&format!("fix.{id}"));
        // A place above `set` means that the fix does not write this key.
        let place = if within.line > own.line { within } else { Place { key: own.key, ..own } };
        let what = format!("with this fix, {key}: {}", problem.what);
        judge.problems.error(place, what, problem.hint);
    }
}
