//! Recovery steps that nobody could take, or that say too little.
use std::collections::{BTreeMap, BTreeSet};

use super::super::nearest::{did_you_mean, list};
use super::{Judge, path};
use crate::map::{Component, Details, RecoveryStep};
use crate::quantity::Size;

pub(super) fn check(judge: &mut Judge<'_>) {
    let map = judge.map;
    let skills = map.skills();
    for component in map.components.values() {
        let key = path(component);
        for (name, steps) in component.common.step_lists() {
            let list_key = format!("{key}.{name}");
            unique_names(judge, steps, &list_key);
            for (index, step) in steps.iter().enumerate() {
                let key = format!("{list_key}[{index}]");
                people(judge, step, &skills, &key);
                restore(judge, step, &key);
                unclean(judge, component, step, &key);
                members(judge, component, step, &key);
            }
        }
        let switch =
            component.common.failover.as_ref().and_then(|failover| failover.skill.as_ref());
        if let Some(skill) = switch {
            known_skill(judge, skill, &skills, &format!("{key}.failover.skill"));
        }
    }
}

fn unique_names(judge: &mut Judge<'_>, steps: &[RecoveryStep], key: &str) {
    let mut seen = BTreeSet::new();
    for (index, step) in steps.iter().enumerate() {
        if !seen.insert(step.step.as_str()) {
            let what = format!("there is a step `{}` already", step.step);
            judge.error(
                &format!("{key}[{index}].step"),
                what,
                "name each step of a list differently",
            );
        }
    }
}

fn people(judge: &mut Judge<'_>, step: &RecoveryStep, skills: &BTreeMap<&str, u32>, key: &str) {
    if step.heads == 0 {
        let hint = "leave `heads` out for one person, or write how many, as in `heads = 2`";
        judge.error(&format!("{key}.heads"), "a step without people", hint);
    }
    if let Some(skill) = &step.skill {
        known_skill(judge, skill, skills, &format!("{key}.skill"));
        let have = skills.get(skill.as_str()).copied().unwrap_or(0);
        if have > 0 && u32::from(step.heads) > have && step.who.is_none() {
            let what = format!(
                "it takes {} people with the skill `{skill}`, but {have} have it",
                step.heads
            );
            judge.error(&format!("{key}.heads"), what, "give more people the skill, or need fewer");
        }
    }
    let Some(who) = step.who.as_ref().and_then(|who| judge.map.components.get(who)) else { return };
    let heads = match &who.details {
        Details::Person(_) => 1,
        Details::Team(team) => team.count,
        _ => u8::MAX,
    };
    if heads > 0 && step.heads > heads {
        let what = format!("it takes {} people, but `{}` is {heads}", step.heads, who.id);
        judge.error(
            &format!("{key}.heads"),
            what,
            "name a larger team, or a `skill` instead of `who`",
        );
    }
    if let (Details::Person(person), Some(skill)) = (&who.details, &step.skill)
        && !person.skills.contains(skill)
    {
        let what = format!("`{}` does it, but lacks the skill `{skill}`", who.id);
        let hint = "add it to their `skills`, or leave one of the two keys out";
        judge.warning(&format!("{key}.skill"), what, hint);
    }
}

fn known_skill(judge: &mut Judge<'_>, skill: &str, skills: &BTreeMap<&str, u32>, key: &str) {
    if skills.contains_key(skill) {
        return;
    }
    let hint = match did_you_mean(skill, skills.keys().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if skills.is_empty() => {
            format!("say who can do it, as in `[person.dana]` with `skills = [\"{skill}\"]`")
        }
        None => format!("the people on the map have {}", list(skills.keys().copied())),
    };
    judge.error(key, format!("nobody has the skill `{skill}`"), hint);
}

fn restore(judge: &mut Judge<'_>, step: &RecoveryStep, key: &str) {
    let Some(id) = &step.dataset else {
        if step.reentry.is_some() {
            let hint = "name the data, as in `dataset = \"erp-db\"`, or use `wait`";
            judge.error(&format!("{key}.reentry"), "only lost data is entered again", hint);
        }
        return;
    };
    let Some(Details::Dataset(dataset)) = judge.map.components.get(id).map(|data| &data.details)
    else {
        return;
    };
    let key = format!("{key}.dataset");
    if dataset.size == Size::default() {
        let what = format!("`{id}` is restored here, but how much that is stands nowhere");
        judge.error(
            &key,
            what,
            format!("add `size` to `[dataset.{id}]`, as in `size = \"420 GB\"`"),
        );
    }
    if dataset.backups.is_empty() {
        let what = format!("`{id}` is restored here, but has no backup");
        judge.warning(
            &key,
            what,
            format!("add `backups` to `[dataset.{id}]`; else it is lost for good"),
        );
    }
}

/// Who restores what an intruder left must be able to throw him out again.
fn unclean(judge: &mut Judge<'_>, component: &Component, step: &RecoveryStep, key: &str) {
    if !step.unclean {
        return;
    }
    let key = format!("{key}.unclean");
    let Some(data) = step.dataset.as_ref().and_then(|id| judge.map.components.get(id)) else {
        let hint = "leave it out, or name the `dataset` that is restored";
        judge.error(&key, "only a restore can take a copy that is not clean", hint);
        return;
    };
    let lies_on = data.common.stored_on.iter().chain(&data.common.runs_on);
    let mut under = lies_on.filter_map(|id| judge.map.components.get(id));
    if component.common.clear.is_empty() && under.all(|other| other.common.clear.is_empty()) {
        let hint = "add how it is cleared, as in `clear = [{ step = \"scan and clear\", effort = \
                    \"4h\" }]`";
        judge.error(&key, "the intruder comes back with such a copy, and nothing clears it", hint);
    }
}

fn members(judge: &mut Judge<'_>, component: &Component, step: &RecoveryStep, key: &str) {
    if step.each && !matches!(component.details, Details::Fleet(_)) {
        let hint = "leave it out, or describe the machines as `[fleet.ID]` with a `count`";
        judge.error(&format!("{key}.each"), "only a fleet has members to do it for", hint);
    }
    if step.success.is_some_and(|chance| chance.get() == 0.0) {
        let hint = "leave the step out, or give it a chance, as in `success = 0.9`";
        judge.error(&format!("{key}.success"), "a step that never works", hint);
    }
}
