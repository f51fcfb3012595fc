//! Needs that cannot be met or mean nothing: empty lists, impossible counts, too deep.
use super::{Judge, path};
use crate::map::{AllOf, AnyOf, AtLeast, Details, Need};

/// Deeper than this nobody can follow a need.
const DEEPEST: usize = 32;

pub(super) fn check(judge: &mut Judge<'_>) {
    let map = judge.map;
    for component in map.components.values() {
        let key = path(component);
        let common = &component.common;
        list(judge, &common.needs, &format!("{key}.needs"));
        list(judge, &common.recover_needs, &format!("{key}.recover_needs"));
        for (name, steps) in common.step_lists() {
            for (index, step) in steps.iter().enumerate() {
                list(judge, &step.needs, &format!("{key}.{name}[{index}].needs"));
            }
        }
        if let Details::Function(function) = &component.details {
            for (index, step) in function.path.iter().enumerate() {
                list(judge, &step.needs, &format!("{key}.path[{index}].needs"));
            }
            if let Some(workaround) = &function.workaround {
                list(judge, &workaround.needs, &format!("{key}.workaround.needs"));
            }
        }
    }
}

fn list(judge: &mut Judge<'_>, needs: &[Need], key: &str) {
    for (index, part) in needs.iter().enumerate() {
        need(judge, part, &format!("{key}[{index}]"), 1);
    }
}

fn need(judge: &mut Judge<'_>, need: &Need, key: &str, depth: usize) {
    if depth > DEEPEST {
        let hint = "give the inner part a component of its own and need that";
        judge.error(key, format!("the need is nested more than {DEEPEST} deep"), hint);
        return;
    }
    match need {
        Need::Id(_) => {}
        Need::Edge(edge) => {
            if edge.share.get() == 0.0 {
                judge.warning(key, "a share of 0 means that it is not needed", "leave it out");
            }
        }
        Need::Any(AnyOf { any: parts, .. }) => several(judge, parts, key, "any", depth),
        Need::All(AllOf { all: parts }) => several(judge, parts, key, "all", depth),
        Need::AtLeast(AtLeast { at_least, of: parts }) => {
            let count = parts.len();
            if count > 0 && !(1..=count).contains(at_least) {
                let what = format!("{at_least} of {count} cannot be counted");
                let hint = format!("`at_least` lies between 1 and {count}, the length of `of`");
                judge.error(&format!("{key}.at_least"), what, hint);
            }
            several(judge, parts, key, "of", depth);
        }
    }
}

fn several(judge: &mut Judge<'_>, parts: &[Need], key: &str, name: &str, depth: usize) {
    if parts.is_empty() {
        let hint = format!("name what is needed, as in `{name} = [\"isp-fibre\", \"isp-lte\"]`");
        judge.error(&format!("{key}.{name}"), "the list is empty", hint);
    }
    for (index, part) in parts.iter().enumerate() {
        need(judge, part, &format!("{key}.{name}[{index}]"), depth + 1);
    }
}
