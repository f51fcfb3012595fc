//! Ids that do not exist, and components of a kind that makes no sense where they stand.
use super::super::nearest::{did_you_mean, list};
use super::{Judge, path};
use crate::map::{Kind, Reference, Role};

/// Looking for near ids costs time; past so many unknown ones the hint is left out.
const MOST_SUGGESTIONS: usize = 100;

pub(super) fn check(judge: &mut Judge<'_>) {
    let map = judge.map;
    let mut unknown = 0;
    for component in map.components.values() {
        for reference in component.references() {
            let key = format!("{}.{}", path(component), reference.key);
            match map.components.get(reference.id) {
                None => {
                    unknown += 1;
                    let hint = unknown_hint(judge, &reference, unknown <= MOST_SUGGESTIONS);
                    let word = expected(reference.role);
                    judge.error(&key, format!("there is no {word} `{}`", reference.id), hint);
                }
                Some(_) if *reference.id == component.id && reference.role != Role::Dataset => {
                    let hint = match reference.role {
                        Role::Deputy => "name another person, or leave `deputy` out",
                        _ => "leave it out",
                    };
                    judge.error(&key, format!("`{}` names itself here", component.id), hint);
                }
                Some(other) if !allowed(reference.role, other.kind) => {
                    let what = format!("`{}` is a {}", other.id, other.kind.key());
                    let kinds = list(reference.role.kinds().iter().map(|kind| kind.key()));
                    judge.error(&key, what, format!("a component of kind {kinds} stands here"));
                }
                Some(_) => {}
            }
        }
    }
}

fn allowed(role: Role, kind: Kind) -> bool {
    role.kinds().is_empty() || role.kinds().contains(&kind)
}

/// The word for what belongs here: the kind when there is but one.
fn expected(role: Role) -> &'static str {
    match role.kinds() {
        [only] => only.key(),
        _ => "component",
    }
}

fn unknown_hint(judge: &Judge<'_>, reference: &Reference<'_>, search: bool) -> String {
    let fitting = || {
        let components = judge.map.components.values();
        components.filter(|component| allowed(reference.role, component.kind))
    };
    let near = search
        .then(|| did_you_mean(reference.id.as_str(), fitting().map(|found| found.id.as_str())))
        .flatten();
    match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let kind = reference.role.kinds().first().map_or("KIND", |kind| kind.key());
            format!("describe it in a table of its own: `[{kind}.{}]`", reference.id)
        }
    }
}
